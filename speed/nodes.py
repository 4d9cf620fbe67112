"""Speed of the node engine: cost of a decision with the index of best nodes, and by looking at every node.

    .venv/bin/python speed/nodes.py [--jobs 100000] [--part decisions|nodes|memory|easy] [--plot FILE.svg]

The machine: a quarter of the nodes each with no GPU, 4 and 8 shared GPUs of two types, 8 whole ones. Jobs: one
task, a quarter of them 2 to 5; S different shapes of cores, memory and whole or shared GPUs, all equally likely
(--skew 1: the k-th as 1/k); Poisson arrivals at offered load 0.95 of the scarcer of cores and GPUs; log-normal run
times; fcfs with the placement rules of the profile, seed 1. A decision: a task that is placed, or a question whether a
job fits that is answered with no. CPU time of the whole run by its decisions; the plain scan on the first jobs of
the same workload (--plain-jobs), timed in the same process, and the same decisions are checked to come out.
"""

from __future__ import annotations

import argparse
import resource
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from timonier.describe import Gpus, Machine, Nodes
from timonier.policy import read_profile
from timonier.simulate.drive import drive, prepare
from timonier.simulate.kernel import site
from timonier.simulate.pack import Packed, pack
from timonier.workload import Jobs

LOAD = 0.95
GPUS = (0, 0, 0.1, 0.25, 0.5, 0.5, 1, 1, 1, 2, 4, 8)


@dataclass(frozen=True)
class Figures:
    """What one run took."""

    cpu_s: float
    placed: int
    refused: int
    waited: float
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


def without_index(packed: Packed) -> Packed:
    """The same run by the plain scan."""
    assert packed.nodes is not None
    packed.nodes.cluster.known.row_of[:] = -1
    return packed


def measure(packed: Packed) -> Figures:
    """CPU time of a run whose loop is compiled."""
    assert packed.nodes is not None
    began = time.process_time()
    drive(packed)
    cpu_s = time.process_time() - began
    marks, luck = packed.state.marks, packed.nodes.cluster.luck
    held = packed.nodes.cluster.held
    return Figures(
        cpu_s=cpu_s,
        placed=int(luck[site.DECISIONS]),
        refused=int(luck[site.REFUSED]),
        waited=float((marks["start"] > packed.state.jobs["submit"]).mean()),
        starts=b"".join(part.tobytes() for part in (marks["start"], held.node, held.device)),
    )


def first(jobs: Jobs, count: int) -> Jobs:
    """The first of the jobs."""
    return Jobs(table=jobs.table.slice(0, count), source=jobs.source)


def decide(nodes: Machine, jobs: Jobs, profile_name: str, plain_jobs: int) -> tuple[Figures, float]:
    """The index on all jobs, and how many times longer the plain scan takes for a decision of the first ones."""
    profile = read_profile(profile_name, ["cycle.blocked=queue"])
    packed = pack(jobs, nodes, profile)
    prepare(packed)
    whole = measure(packed)
    some = first(jobs, plain_jobs)
    fast = measure(pack(some, nodes, profile))
    plain = measure(without_index(pack(some, nodes, profile)))
    if plain.starts != fast.starts:
        raise SystemExit(f"{nodes.name}, {jobs.source}, {profile_name}: the index and the plain scan differ")
    return whole, plain.decision_us / whole.decision_us


def show_decisions(asked: argparse.Namespace) -> None:
    """10,000 nodes; 20, 200 and 2,000 shapes."""
    nodes = machine(asked.nodes)
    print("| profile | shapes | placed | refused | waited | us a decision | plain scan: times that |")
    print("|---|---|---|---|---|---|---|")
    for profile in asked.profiles.split(","):
        for different in (20, 200, 2000):
            jobs = workload(nodes, asked.jobs, different, asked.skew)
            found, times = decide(nodes, jobs, profile, asked.plain_jobs)
            print(
                f"| {profile} | {different} | {found.placed} | {found.refused} | {100 * found.waited:.0f} % "
                f"| {found.decision_us:.2f} | {times:.0f} |",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--plain-jobs", type=int, default=20_000)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--skew", type=float, default=0.0)
    parser.add_argument("--profiles", default="best-fit,fcfs")
    parser.add_argument("--part", choices=("decisions", "nodes", "memory", "easy"), default="decisions")
    parser.add_argument("--plot", type=Path)
    asked = parser.parse_args()
    show_decisions(asked)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory {peak:.2f} GiB")


if __name__ == "__main__":
    main()
