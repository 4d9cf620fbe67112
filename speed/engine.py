"""Speed of the counting engine against a floor that only pops arrivals and ends.

    python speed/engine.py [--jobs 1000000] [--best-of 7]

CPU time of this process, best of N, the floor in the same process; the kernel that ships, called as `drive`
calls it. One partition, each = "instant", limits >= run times (speed/workloads.py, seed 1).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numba import njit
from workloads import make

from timonier.describe import Machine
from timonier.policy import Profile, read_profile
from timonier.simulate import forecast
from timonier.simulate.drive import drive
from timonier.simulate.kernel.heap import pop, push
from timonier.simulate.kernel.state import LONGEST_QUEUE
from timonier.simulate.pack import pack
from timonier.workload import Jobs, StateHeader, read_workload

SEED = 1
LOAD = 0.95
ORACLE = (
    Path(__file__).parents[2]
    / "shared/traces/swf-pyss-easy-oracle/SDSC-SP2.res_easy_backfill_scheduler_None_None.swf.gz"
)


@dataclass(frozen=True)
class Figures:
    """What was measured: CPU seconds, and most jobs waiting at once."""

    floor_s: float
    engine_s: float
    queue: int


@njit
def floor(submit: np.ndarray, run: np.ndarray, heap: np.ndarray) -> int:
    """Pop arrivals and ends in order of time through the engine's own heap, nothing else."""
    count = 0
    most = 0
    last = 0
    for j in range(len(submit)):
        now = submit[j]
        while count > 0 and heap[0] >> 24 <= now:
            last = heap[0] >> 24
            pop(heap, count)
            count -= 1
        push(heap, count, ((now + run[j]) << 24) | (j & 0xFFFFFF))
        count += 1
        most = max(most, count)
    while count > 0:
        last = heap[0] >> 24
        pop(heap, count)
        count -= 1
    return last + most


def best(action: Callable[[], Callable[[], object]], times: int) -> float:
    """Least CPU seconds of `times` runs; action() prepares one and returns what is timed."""
    least = np.inf
    for _ in range(times):
        go = action()
        began = time.process_time()
        go()
        least = min(least, time.process_time() - began)
    return float(least)


def measure(workload: Jobs, machine: Machine, profile: Profile, times: int) -> Figures:
    """Seconds of the floor and of the engine on one workload, and its longest queue."""
    run = workload.numbers("runtime_s", 0)
    submit = workload.numbers("submit_s", 0)
    heap = np.empty(len(workload) + 1, dtype=np.int64)
    packed = pack(workload, machine, profile)
    floor(submit[:10], run[:10], heap)
    drive(packed)  # compiles, and tells the longest queue
    queue = int(packed.state.scalars[LONGEST_QUEUE])

    def engine() -> Callable[[], object]:
        fresh = pack(workload, machine, profile)
        return lambda: drive(fresh)

    return Figures(best(lambda: lambda: floor(submit, run, heap), times), best(engine, times), queue)


def row(profile: str, processors: int, jobs: int, times: int, aim: str) -> None:
    """Measure one case and print its line of the table."""
    workload = make(jobs, processors, LOAD, SEED)
    machine = Machine(name="speed", processors=processors)
    got = measure(workload, machine, read_profile(profile), times)
    million = jobs / 1e6
    print(
        f"| {profile} | {processors} | {jobs} | {got.queue} | {million / got.floor_s:.2f} "
        f"| {million / got.engine_s:.3f} | {got.engine_s / got.floor_s:.2f} | {aim} |",
        flush=True,
    )


def forecast_time(times: int) -> float:
    """Seconds of `when` for 10,000 pending jobs behind a full machine (EASY), input in memory."""
    workload = make(10_000, 1024, LOAD, SEED)
    table = workload.table.set_column(1, "submit_s", pa.array(np.zeros(10_000, dtype=np.int64)))
    state = Jobs(table, "10,000 pending jobs", state=StateHeader(now_s=0.0))
    machine = Machine(name="speed", processors=1024)
    profile = read_profile("easy")
    forecast(state, machine, profile)
    return best(lambda: lambda: forecast(state, machine, profile), times)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--best-of", type=int, default=7)
    parser.add_argument("--only", default="", help="one profile")
    args = parser.parse_args()
    print("| profile | processors | jobs | longest queue | floor M/s | engine M/s | x floor | aim |")
    print("|---|---|---|---|---|---|---|---|")
    cases = [
        ("fcfs", 16384, args.jobs, args.best_of, "1.5 x floor"),
        ("sjf", 16384, args.jobs, args.best_of, "2 x floor"),
        ("easy", 16384, args.jobs, args.best_of, "5 x floor"),
        ("easy", 1024, args.jobs, args.best_of, "7 x floor"),
        ("conservative", 1024, args.jobs // 10, 3, "0.26 M/s"),
        ("conservative", 16384, args.jobs // 10, 3, "0.024 M/s"),
    ]
    for case in cases:
        if args.only in ("", case[0]):
            row(*case)
    if not args.only:
        print(f"\nwhen, 10,000 pending jobs, EASY: {forecast_time(args.best_of):.3f} s (aim 0.1 s)")
    if ORACLE.exists() and args.only in ("", "conservative"):
        workload = read_workload(ORACLE)
        machine = Machine(name="sdsc-sp2", processors=128)
        got = measure(workload, machine, read_profile("conservative"), 3)
        print(f"SDSC-SP2, {len(workload)} jobs, conservative: {got.engine_s:.2f} s (aim 1 s)")


if __name__ == "__main__":
    main()
