"""Speed of the counting engine against a floor that only pops arrivals and ends.

    python speed/engine.py [--jobs 1000000] [--best-of 7]

CPU time of this process, best of N, the floor in the same process; the kernel that ships, called as `drive`
calls it. One partition, each = "instant", limits >= run times (speed/workloads.py, seed 1).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from numba import njit
from workloads import make

from timonier.describe import Machine
from timonier.policy import read_profile
from timonier.simulate.drive import drive
from timonier.simulate.kernel.heap import pop, push
from timonier.simulate.pack import pack

SEED = 1
LOAD = 0.95


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


def measure(profile: str, processors: int, jobs: int, times: int) -> tuple[float, float, int]:
    """Seconds of the floor and of the engine on one workload, and its longest queue."""
    workload = make(jobs, processors, LOAD, SEED)
    machine = Machine(name="speed", processors=processors)
    chosen = read_profile(profile)
    submit = workload.table["submit_s"].to_numpy()
    run = workload.table["runtime_s"].to_numpy()
    heap = np.empty(jobs + 1, dtype=np.int64)
    queue = 0

    def engine() -> Callable[[], object]:
        packed = pack(workload, machine, chosen)

        def go() -> None:
            nonlocal queue
            drive(packed)
            queue = int(packed.state.scalars[LONGEST])

        return go

    drive(pack(make(1000, processors, LOAD, SEED), machine, chosen))  # compile
    floor(submit[:10], run[:10], heap)
    base = best(lambda: lambda: floor(submit, run, heap), times)
    return base, best(engine, times), queue


def main() -> None:
    from timonier.simulate.kernel.state import LONGEST_QUEUE

    global LONGEST
    LONGEST = LONGEST_QUEUE
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--best-of", type=int, default=7)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    print(f"| profile | processors | jobs | longest queue | floor M/s | engine M/s | x floor | at most |")
    print("|---|---|---|---|---|---|---|---|")
    rows = [("fcfs", 16384, 1.5), ("sjf", 16384, 2.0), ("easy", 16384, 5.0), ("easy", 1024, 7.0)]
    for profile, processors, most in rows:
        if args.only and args.only != profile:
            continue
        base, took, queue = measure(profile, processors, args.jobs, args.best_of)
        m = args.jobs / 1e6
        print(
            f"| {profile} | {processors} | {args.jobs} | {queue} | {m / base:.2f} | {m / took:.2f} "
            f"| {took / base:.2f} | {most} |",
            flush=True,
        )
    for processors, least in ((1024, 0.26), (16384, 0.024)):
        if args.only and args.only != "conservative":
            continue
        jobs = args.jobs // 10
        base, took, queue = measure("conservative", processors, jobs, min(args.best_of, 3))
        m = jobs / 1e6
        print(
            f"| conservative | {processors} | {jobs} | {queue} | {m / base:.2f} | {m / took:.3f} "
            f"| {took / base:.1f} | at least {least} M/s |",
            flush=True,
        )


if __name__ == "__main__":
    main()
