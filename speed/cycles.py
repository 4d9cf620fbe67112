"""Speed of backfill by reservations (`slurm-like`: a cycle each 30 s, 500 deep) beside EASY, on counts and on nodes.

    .venv/bin/python speed/cycles.py [--part counts|nodes] [--jobs 20000]

Counts: KTH-SP2, CTC-SP2 (from ../shared/traces, left out where absent), and 100,000 jobs of the tests' daily cycle on
1,024 processors at three loads.  Nodes: the machine and the workload of nodes.py, 1,000 nodes.
CPU time of the loop, best of 2, the profiles one after the other in one process.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nodes

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from tests.simulate.workloads import large, to_jobs  # noqa: E402 - the tests are no package to install

from timonier.describe import Machine  # noqa: E402
from timonier.policy import read_profile  # noqa: E402
from timonier.simulate.drive import prepare  # noqa: E402
from timonier.simulate.kernel import state as k  # noqa: E402
from timonier.simulate.pack import pack  # noqa: E402
from timonier.workload import Jobs, read_workload  # noqa: E402

TRACES = ROOT.parent / "shared" / "traces"
LOGS = (("swf-kth-sp2/KTH-SP2-1996-2.1-cln", 100), ("swf-ctc-sp2/CTC-SP2-1996-3.1-cln", 338))
PROFILES = ("easy", "slurm-like")


def measure(jobs: Jobs, machine: Machine, name: str) -> tuple[float, int, float]:
    """CPU seconds of the loop; the longest queue; the mean wait, s."""
    packed = pack(jobs, machine, read_profile(name))
    advance = prepare(packed)
    advance(packed.argument, -k.NEVER, 0)  # loads it
    began = time.process_time()
    advance(packed.argument, k.NEVER - 1, 1 << 60)
    cpu_s = time.process_time() - began
    state = packed.state
    started = state.marks["start"] >= 0
    wait = (state.marks["start"] - state.jobs["submit"])[started]
    return cpu_s, int(state.scalars[k.LONGEST_QUEUE]), float(wait.mean())


def show(what: str, jobs: Jobs, machine: Machine) -> None:
    """A row of the table."""
    runs = [[measure(jobs, machine, name) for name in PROFILES] for _ in range(2)]
    easy, cycles = (min(run[i] for run in runs) for i in range(2))
    print(
        f"| {what} | {len(jobs):,} | {easy[1]:,} | {cycles[1]:,} | {easy[2]:,.0f} | {cycles[2]:,.0f} "
        f"| {easy[0]:.3f} | {cycles[0]:.2f} | {1e6 * cycles[0] / len(jobs):.1f} |",
        flush=True,
    )


def counts() -> Iterator[tuple[str, Jobs, Machine]]:
    """Published logs, and made workloads."""
    for log, processors in LOGS:
        path = TRACES / f"{log}.swf.gz"
        if path.is_file():
            yield path.stem.split("-1996")[0], read_workload(path), Machine("log", processors)
    for load in (0.85, 0.95, 1.05):
        yield f"daily cycle, load {load}", to_jobs(large(100_000, 1024, load, 7).jobs), Machine("made", 1024)


def on_nodes(jobs: int) -> Iterator[tuple[str, Jobs, Machine]]:
    """1,000 nodes; 20, 200 and 2,000 shapes."""
    machine = nodes.machine(1000)
    for different in (20, 200, 2000):
        yield f"1,000 nodes, {different:,} shapes", nodes.workload(machine, jobs, different, 0.0), machine


def main() -> None:
    """One part, or both, each in a process of its own after one that compiles."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", choices=("counts", "nodes", "compile"))
    parser.add_argument("--jobs", type=int, default=20_000)
    asked = parser.parse_args()
    if asked.part is None:
        for part in ("compile", "counts", "nodes"):
            subprocess.run([sys.executable, __file__, *sys.argv[1:], "--part", part], check=True)
        return
    if asked.part == "compile":
        small = nodes.machine(4)
        for machine in (small, Machine("count", 512)):
            for name in PROFILES:
                measure(nodes.workload(small, 10, 5, 0.0), machine, name)
        return
    print("| | jobs | queue, easy | queue | wait, easy, s | wait, s | CPU, easy, s | CPU, s | us a job |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row in counts() if asked.part == "counts" else on_nodes(asked.jobs):
        show(*row)


if __name__ == "__main__":
    main()
