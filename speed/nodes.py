"""Speed of the node engine: cost of a decision with the index of best nodes, and by looking at every node.

    .venv/bin/python speed/nodes.py [--jobs 100000] [--part decisions|growth|memory|easy] [--plot FILE.svg]

The machine: a quarter of the nodes each with no GPU, 4 and 8 shared GPUs of two types, 8 whole ones.
Jobs: one task, a quarter of them 2 to 5; S different shapes of cores, memory and whole or shared GPUs, all equally
likely (--skew 1: the k-th as 1/k); Poisson arrivals at offered load 0.95 of the scarcer of cores and GPUs; log-normal
run times, mean 2 h; `fcfs` with the placement rules of the profile, seed 1.
A decision: a task that is placed, or a question whether a job fits that is answered with no.
Its cost: CPU time of the loop, with all that it does besides, by its decisions.
The plain scan: the same loop without the index, from the same full machine in the middle of the run, for as many
instants (--window), in the same process; that both decide the same is checked.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from timonier.describe import Gpus, Machine, Nodes
from timonier.policy import read_profile
from timonier.simulate.drive import prepare
from timonier.simulate.kernel import site
from timonier.simulate.kernel.state import NEVER
from timonier.simulate.pack import pack
from timonier.workload import Jobs

LOAD = 0.95
ALL = 1 << 60  # instants
GPUS = (0, 0, 0.1, 0.25, 0.5, 0.5, 1, 1, 1, 2, 4, 8)


@dataclass(frozen=True)
class Figures:
    """What one run took; in_use: share of the GPUs at its end."""

    cpu_s: float
    placed: int
    refused: int
    waited: float
    in_use: float
    starts: bytes

    @property
    def decision_us(self) -> float:
        return 1e6 * self.cpu_s / (self.placed + self.refused)


def machine(count: int) -> Machine:
    """`count` nodes of four kinds."""
    kinds = (
        (64, 256, ()),
        (96, 384, (Gpus("t4-16gb", 4, "fraction"),)),
        (128, 768, (Gpus("a100-80gb", 8, "fraction"),)),
        (64, 512, (Gpus("v100-16gb", 8),)),
    )
    ends = [round(count * part / 4) for part in range(5)]
    return Machine(
        f"{count} nodes",
        nodes=tuple(
            Nodes(tuple(f"n{i}" for i in range(ends[q], ends[q + 1])), cores * 1000, gib << 30, gpus)
            for q, (cores, gib, gpus) in enumerate(kinds)
        ),
    )


def shapes(count: int, rng: np.random.Generator) -> np.ndarray:
    """float64[count, 3]: GPUs, cores, GiB of a task; all different."""
    found: dict[tuple[float, int, int], None] = {}
    while len(found) < count:
        cores = int(rng.integers(1, 33))
        found[float(rng.choice(GPUS)), cores, cores * int(rng.integers(1, 9))] = None
    return np.array(list(found))


def workload(nodes: Machine, count: int, different: int, skew: float, seed: int = 1) -> Jobs:
    """`count` jobs of `different` shapes at offered load LOAD."""
    rng = np.random.default_rng(seed)
    asks = shapes(different, rng)
    likely = 1 / np.arange(1, different + 1) ** skew
    pick = rng.choice(different, count, p=likely / likely.sum())
    tasks = np.where(rng.random(count) < 0.25, rng.integers(2, 6, count), 1)
    run = np.clip(rng.lognormal(np.log(3600), 1.2, count), 60, 5 * 86_400).astype(int)
    work = [(asks[pick, column] * tasks * run).sum() for column in (0, 1)]
    span = max(work[0] / nodes.total_gpus, work[1] / nodes.total_cores) / LOAD
    limit = run * rng.choice([1, 1.5, 2, 5, 10], count)
    table = pa.table(
        {
            "job_id": [str(j) for j in range(count)],
            "submit_s": np.sort(rng.random(count) * span).astype(int),
            "runtime_s": run,
            "time_limit_s": limit.astype(int),
            "tasks": tasks,
            "gpus": asks[pick, 0],
            "cores": asks[pick, 1],
            "memory_bytes": asks[pick, 2].astype(int) << 30,
        }
    )
    return Jobs(table=table, source=f"{different} shapes")


def without_index(cluster: Any) -> Any:
    """A copy of a run, which goes on by the plain scan: each node looked at and scored, nothing kept."""
    plain = deepcopy(cluster)
    plain.known.row_of[:] = -1
    plain.scores.memo_of[:] = -1
    return plain


def measure(advance: Callable[[Any, int, int], int], cluster: Any, instants: int) -> Figures:
    """CPU time of so many instants of a run whose loop is compiled."""
    luck = cluster.luck
    placed, refused = int(luck[site.DECISIONS]), int(luck[site.REFUSED])
    began = time.process_time()
    advance(cluster, NEVER - 1, instants)
    cpu_s = time.process_time() - began
    marks = cluster.base.marks
    started = marks["start"] >= 0
    return Figures(
        cpu_s=cpu_s,
        placed=int(luck[site.DECISIONS]) - placed,
        refused=int(luck[site.REFUSED]) - refused,
        waited=float((marks["start"] > cluster.base.jobs["submit"])[started].mean()),
        in_use=1 - float(cluster.room.gpus.sum()) / (1000 * len(cluster.site.device)),
        starts=b"".join(part.tobytes() for part in (marks["start"], cluster.held.node, cluster.held.device)),
    )


def run(nodes: Machine, jobs: Jobs, name: str) -> tuple[Callable[[Any, int, int], int], Any]:
    """The compiled loop, and a run that has not begun."""
    packed = pack(jobs, nodes, read_profile(name, ["cycle.blocked=queue"]))
    advance = prepare(packed)
    advance(packed.argument, -NEVER, 0)  # loads it
    return advance, packed.argument


def decide(nodes: Machine, jobs: Jobs, name: str, window: int) -> tuple[Figures, Figures, Figures]:
    """The index on all jobs; the index and the plain scan in a window in the middle."""
    advance, cluster = run(nodes, jobs, name)
    whole = measure(advance, cluster, ALL)
    _, cluster = run(nodes, jobs, name)
    advance(cluster, int(cluster.base.jobs["submit"][len(jobs) * 6 // 10]), ALL)
    plain = measure(advance, without_index(cluster), window)
    fast = measure(advance, cluster, window)
    if plain.starts != fast.starts:
        raise SystemExit(f"{nodes.name}, {jobs.source}, {name}: the index and the plain scan differ")
    return whole, fast, plain


def show_decisions(asked: argparse.Namespace) -> None:
    """10,000 nodes; 20, 200 and 2,000 shapes."""
    nodes = machine(asked.nodes)
    print(f"{asked.nodes} nodes, {asked.jobs} jobs, skew {asked.skew:g}:\n")
    print(
        "| profile | shapes | placed | refused | waited | GPUs in use | us a decision | in the window | plain scan | ratio |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name in asked.profiles.split(","):
        for different in (20, 200, 2000):
            jobs = workload(nodes, asked.jobs, different, asked.skew)
            found, fast, plain = decide(nodes, jobs, name, asked.window)
            print(
                f"| {name} | {different} | {found.placed} | {found.refused} | {100 * found.waited:.0f} % "
                f"| {100 * fast.in_use:.0f} % | {found.decision_us:.2f} | {fast.decision_us:.2f} "
                f"| {plain.decision_us:.1f} | {plain.decision_us / fast.decision_us:.0f} |",
                flush=True,
            )


def show_growth(asked: argparse.Namespace) -> None:
    """Cost of a decision against the number of nodes, 200 shapes; twenty jobs a node, 20,000 at least."""
    print("| nodes | jobs | GPUs in use | us a decision | in the window | plain scan | ratio |")
    print("|---|---|---|---|---|---|---|")
    curve = []
    decide(machine(10), workload(machine(10), 100, 5, 0.0), "best-fit", 10)  # loads what the first row would
    for count in (10, 30, 100, 300, 1000, 3000, 10_000, 30_000):
        nodes = machine(count)
        jobs = workload(nodes, max(20_000, 20 * count), 200, asked.skew)
        found, fast, plain = decide(nodes, jobs, "best-fit", max(200, min(4000, 4_000_000 // count)))
        curve.append((count, fast.decision_us, plain.decision_us))
        print(
            f"| {count} | {len(jobs)} | {100 * fast.in_use:.0f} % | {found.decision_us:.2f} | {fast.decision_us:.2f} "
            f"| {plain.decision_us:.2f} | {plain.decision_us / fast.decision_us:.1f} |",
            flush=True,
        )
    if asked.plot is not None:
        draw(curve, asked.plot)


def draw(curve: list[tuple[int, float, float]], path: Path) -> None:
    """The curve as a picture."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    nodes, fast, plain = zip(*curve, strict=True)
    with mpl.rc_context({"svg.hashsalt": "timonier", "svg.fonttype": "none", "font.size": 10}):
        figure = Figure(figsize=(6.4, 4), layout="constrained")
        ax = figure.add_subplot()
        ax.loglog(nodes, plain, "s--", color="#b2552d", label="every node looked at")
        ax.loglog(nodes, fast, "o-", color="#1f5fa8", label="index of best nodes")
        ax.set_xlabel("nodes")
        ax.set_ylabel("microseconds a decision")
        ax.grid(visible=True, color="0.88", linewidth=0.8)
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": "timonier"})


def show_memory(asked: argparse.Namespace) -> None:
    """100,000 nodes, in a process of its own."""
    nodes = machine(100_000)
    jobs = workload(nodes, 2_000_000, 200, asked.skew)
    advance, cluster = run(nodes, jobs, "best-fit")
    advance(cluster, int(cluster.base.jobs["submit"][len(jobs) * 6 // 10]), ALL)
    found = measure(advance, cluster, 20_000)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"100,000 nodes, {len(jobs)} jobs of 200 shapes, best-fit, after six tenths of them: "
        f"{found.decision_us:.2f} us a decision, {100 * found.in_use:.0f} % of the GPUs in use, "
        f"{100 * found.waited:.0f} % waited; peak memory {peak:.2f} GiB"
    )


def show_easy(asked: argparse.Namespace) -> None:
    """EASY against FCFS, both on nodes and with the same placement; best of 3, one after the other."""
    print("| nodes | shapes | fcfs waited | easy waited | fcfs us a job | easy us a job | ratio |")
    print("|---|---|---|---|---|---|---|")
    for count, different in ((1000, 20), (1000, 200), (1000, 2000)):
        nodes = machine(count)
        jobs = workload(nodes, asked.jobs, different, asked.skew)
        best: dict[str, Figures] = {}
        for _ in range(3):
            for name in ("fcfs", "easy"):
                found = measure(*run(nodes, jobs, name), ALL)
                best[name] = min(best.get(name, found), found, key=lambda figures: figures.cpu_s)
        fcfs, easy = best["fcfs"], best["easy"]
        print(
            f"| {count} | {different} | {100 * fcfs.waited:.0f} % | {100 * easy.waited:.0f} % "
            f"| {1e6 * fcfs.cpu_s / len(jobs):.2f} | {1e6 * easy.cpu_s / len(jobs):.2f} "
            f"| {easy.cpu_s / fcfs.cpu_s:.1f} |",
            flush=True,
        )


PARTS = {"decisions": show_decisions, "growth": show_growth, "memory": show_memory, "easy": show_easy}


def compile_first() -> None:
    """Leave the loop in the cache: in the process that compiles it, it is about twice as slow."""
    run(machine(4), workload(machine(4), 10, 5, 0.0), "fcfs")


def main() -> None:
    """One part, or all of them, each in a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=200_000)
    parser.add_argument("--window", type=int, default=2000, help="instants")
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--skew", type=float, default=0.0)
    parser.add_argument("--profiles", default="best-fit,fcfs")
    parser.add_argument("--part", choices=(*PARTS, "compile"))
    parser.add_argument("--plot", type=Path)
    asked = parser.parse_args()
    if asked.part == "compile":
        compile_first()
    elif asked.part is not None:
        PARTS[asked.part](asked)
    else:
        for part in ("compile", *PARTS):
            subprocess.run([sys.executable, __file__, *sys.argv[1:], "--part", part], check=True)
            print(flush=True)


if __name__ == "__main__":
    main()
