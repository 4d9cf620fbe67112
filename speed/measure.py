"""The benchmarks of `timonier measure` beside reference C codes on the same machine, alternating in one run.

    python speed/measure.py REFERENCE GROUP [--pairs 3] [--keep pairs.json]

REFERENCE is a folder with the programs, which are not part of this repository:
  xhpcg                        HPCG 3.1, g++ -O3 -march=native -ffast-math, HPCG_CONTIGUOUS_ARRAYS, MPI, no OpenMP
  xhpl                         HPL 2.3, mpicc -O3 -march=native, the distribution's OpenBLAS
  graph500_reference_bfs_sssp  Graph500 3.0, mpicc -O3 -march=native -fcommon
  stream N PASSES HUGE         prints bytes a second of copy, scale, add, triad; HUGE = 1: madvise, as numpy does
  gups LOG2 REPEATS            prints updates a second, 128 streams, words / 4 updates a repeat, median
  latency BYTES...             prints seconds a load for each size, median of five walks
  pingpong                     prints seconds of half a round trip for nine sizes and of a sum, median of nine batches
GROUP: hpcg64, hpcg64x2, hpcg104, graph500, dense, dense2, memory, messages, or all.

A pair is one run of the reference and one of ours, one after the other; the ratio is ours / reference for rates and
times alike.  Printed: the median of the pairs' ratios with their range, and what others used of the machine meanwhile.
With --keep the pairs are added to a file, and the table is of all pairs in it: a long group in several short runs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from timonier.backend.mpi import mpi_argv
from timonier.measure.conditions import Meter
from timonier.measure.hpl.text import Input, grid, parse, render

HPCG = "GFLOP/s Summary::Total with convergence and optimization phase overhead="
ONE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def run(words, folder, env=ONE):
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{words[0]}: exit code {done.returncode}\n{done.stderr[-800:]}")
    return done.stdout


def pinned(words):
    """One process on the first core."""
    return ["taskset", "-c", str(min(os.sched_getaffinity(0))), *words]


def ours(name, folder, *words):
    """(metric, label) -> value of one run of the command; every check passed, or it would not be there."""
    out = run(
        [
            sys.executable,
            "-m",
            "timonier.cli",
            "measure",
            name,
            *words,
            "-o",
            folder / "store",
            "--output",
            "json",
        ],
        folder,
        env={},
    )
    return {(row["name"], row["label"]): row["value"] for row in json.loads(out)}


def sets(**settings):
    return [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]


# ---- what is compared: each gives (reference, ours) as {name: value}


def hpcg(n, ranks, seconds):
    def theirs(bin_, folder):
        for old in folder.glob("*.txt"):
            old.unlink()
        (folder / "hpcg.dat").write_text(f"HPCG\nby timonier\n{n} {n} {n}\n{seconds}\n")
        run(mpi_argv(ranks, [str(bin_ / "xhpcg")]), folder)
        text = next(folder.glob("HPCG-Benchmark*.txt")).read_text()
        rate = float(re.search(re.escape(HPCG) + r"(\S+)", text).group(1)) * 1e9
        return {"plain": rate, "reuse of partial sums": rate}

    def us(_, folder):
        budget = seconds * (5 if n < 100 else 6)
        words = [*sets(n=n), "--budget", f"{2 * budget}s", "--ranks", str(ranks)]
        found = ours("hpcg", folder, *words)
        return {label: value for (name, label), value in found.items() if name == "hpcg.rating"}

    return theirs, us


def graph500(scale):
    def theirs(bin_, folder):
        text = run(mpi_argv(1, [str(bin_ / "graph500_reference_bfs_sssp"), str(scale), "16"]), folder,
                   {**ONE, "SKIP_VALIDATION": "1"})  # fmt: skip
        found = {}
        for kind in ("bfs", "sssp"):
            found[kind] = float(re.search(rf"{kind}\s+harmonic_mean_TEPS:\s+!\s+(\S+)", text).group(1))
        found["kernel 1"] = float(re.findall(r"construction_time:\s+(\S+)", text)[-1])
        return found

    def us(_, folder):
        found = ours("graph500", folder, *sets(scale=scale), "--budget", "100s")
        by = {name.split(".")[1]: value for (name, _), value in found.items()}
        return {"bfs": by["bfs"], "sssp": by["sssp"], "kernel 1": by["construction_bfs"]}

    return theirs, us


def dense(ranks):
    def theirs(bin_, folder):
        (folder / "HPL.dat").write_text(render(Input(8000, 192, *grid(ranks))))
        solved = parse(run(mpi_argv(ranks, [str(bin_ / "xhpl")]), folder))[-1]
        assert solved.passed
        return {"hpl-like": solved.flops, "hpl-mxp": solved.flops}

    def us(_, folder):
        words = [*sets(n=8000), "--threads", str(ranks), "--budget", "1s"]
        like, mixed = ours("hpl-like", folder, *words), ours("hpl-mxp", folder, *words)
        return {
            "hpl-like": next(iter(like.values())),
            "hpl-mxp": next(value for (name, _), value in mixed.items() if name == "hpl_mxp.rate"),
        }

    return theirs, us


def int8():
    """Not against C: int8 beside numpy's float32 in the same run."""

    def both(folder):
        return ours("gemm", folder, *sets(n=2048, kinds="float32,int8"), "--threads", "1", "--budget", "4s")

    return (
        lambda _, folder: {"int8 / float32": both(folder)["gemm.float32", "1 threads"]},
        lambda _, folder: {"int8 / float32": both(folder)["gemm.int8", "1 threads"]},
    )


def memory():
    sizes = {"l1": 32 << 10, "l2": 512 << 10, "l3": 8 << 20, "memory": 256 << 20}

    def theirs(bin_, folder):
        found = {}
        for threads in (1, 2):
            words = [bin_ / "stream", 40_000_000, 10, 1]
            out = run(pinned(words) if threads == 1 else words, folder, {"OMP_NUM_THREADS": str(threads)})
            for name, value in zip(("copy", "scale", "add", "triad"), out.split(), strict=False):
                found[f"stream {name}, {threads}"] = float(value)
        found["gups"] = float(run(pinned([bin_ / "gups", 27, 5]), folder).split()[0])
        out = run(pinned([bin_ / "latency", *sizes.values()]), folder).split()
        return found | {f"latency {level}": float(value) for level, value in zip(sizes, out, strict=True)}

    def us(_, folder):
        found = {}
        for threads in (1, 2):
            by = ours("stream", folder, *sets(n=40_000_000), "--threads", str(threads), "--budget", "1s")
            found |= {f"stream {name.split('.')[1]}, {threads}": value for (name, _), value in by.items()}
        found["gups"] = next(iter(ours("gups", folder, *sets(log2_words=27), "--budget", "10s").values()))
        by = ours("latency", folder, "--budget", "6s")
        return found | {f"latency {level}": by[f"latency.{level}", "one core"] for level in sizes}

    return theirs, us


def messages():
    sizes = (0, 8, 64, 512, 4096, 8192, 65_536, 524_288, 4_194_304)
    names = [*(f"{size} B" for size in sizes), "sum"]

    def theirs(bin_, folder):
        out = run(mpi_argv(2, [str(bin_ / "pingpong")]), folder).split()
        return dict(zip(names, map(float, out), strict=True))

    def us(_, folder):
        by = ours("network", folder, "--ranks", "2", "--budget", "8s")
        return {f"{size} B": by[f"network.half_trip_{size}", "2 ranks"] for size in sizes} | {
            "sum": by["network.sum", "2 ranks"]
        }

    return theirs, us


GROUPS = {
    "hpcg64": lambda: hpcg(64, 1, 5),
    "hpcg64x2": lambda: hpcg(64, 2, 5),
    "hpcg104": lambda: hpcg(104, 1, 10),
    "graph500": lambda: graph500(18),
    "dense": lambda: dense(1),
    "dense2": lambda: dense(2),
    "int8": int8,
    "memory": memory,
    "messages": messages,
}


def compare(name, bin_, pairs, kept):
    """Print the pairs of a group as a table."""
    theirs, us = GROUPS[name]()
    every = json.loads(kept.read_text()) if kept and kept.exists() else {}
    found, foreign = every.setdefault(name, [[], []])
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for _ in range(pairs):
            meter = Meter()
            pair = theirs(bin_, folder), us(bin_, folder)
            found.append(pair)
            foreign.append(meter.read()[1] or 0.0)
            if kept:
                kept.write_text(json.dumps(every))
    told = ", ".join(f"{one:.2f}" for one in foreign)
    print(f"\n{name}: {len(found)} pairs, {time.strftime('%Y-%m-%d %H:%M')}; others used {told} cores\n")
    print("| what | reference | ours | ours / reference | range |")
    print("|---|---|---|---|---|")
    for what in found[0][0]:
        ratios = [us_[what] / theirs_[what] for theirs_, us_ in found]
        middle = [statistics.median(side[what] for side in sides) for sides in zip(*found, strict=True)]
        print(
            f"| {what} | {middle[0]:.4g} | {middle[1]:.4g} | {statistics.median(ratios):.3f} "
            f"| {min(ratios):.3f} to {max(ratios):.3f} |"
        )
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("reference", type=Path)
    parser.add_argument("group", choices=[*GROUPS, "all"])
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    cpu = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    print(
        f"{cpu.group(1) if cpu else platform.machine()}, {len(os.sched_getaffinity(0))} cores, Linux {platform.release()}"
    )
    for name in GROUPS if asked.group == "all" else [asked.group]:
        compare(name, asked.reference.resolve(), asked.pairs, asked.keep)


if __name__ == "__main__":
    main()
