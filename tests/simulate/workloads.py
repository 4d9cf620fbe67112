"""Random workloads for tests, small and nasty or large and lifelike, always the same for the same seed."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from tests.reference.jobs import Job

from timonier.describe.machine import Machine, Partition
from timonier.policy.profile import Limits, Queue
from timonier.workload.jobs import Jobs


@dataclass
class Workload:
    """Jobs, the machine they meet, and the queues that the profile is to have."""

    jobs: list[Job]
    processors: int
    partitions: dict[str, int]
    default_partition: str | None = None
    queues: tuple[Queue, ...] = ()

    @property
    def machine(self) -> Machine:
        parts = [
            Partition(name, processors=cap, default=name == self.default_partition)
            for name, cap in self.partitions.items()
        ]
        return Machine("test", processors=self.processors, partitions=tuple(parts))


# ---- small ones: 5 to 40 jobs on a handful of processors


def _plain(rng: random.Random, processors: int, times: list[int], span: int) -> list[Job]:
    """Jobs with limits >= run times; every time is one of a few."""
    jobs = []
    for _ in range(rng.randint(5, 40)):
        run = rng.choice(times)
        jobs.append(
            Job(
                job_id="",
                submit=rng.randint(0, span) * rng.choice((1, times[0])),
                runtime=run,
                limit=run if rng.random() < 0.2 else run * rng.randint(1, 5),
                predicted=None if rng.random() < 0.3 else max(1, int(run * rng.uniform(0.3, 3))),
                size=rng.randint(1, processors) if rng.random() < 0.5 else rng.randint(1, 3),
                user=rng.choice("abc"),
            )
        )
    jobs.sort(key=lambda job: job.submit)
    return [replace(job, job_id=f"j{number}") for number, job in enumerate(jobs)]


def ties(rng: random.Random) -> Workload:
    """Few distinct times: nearly everything happens at once."""
    processors = rng.randint(1, 12)
    jobs = _plain(rng, processors, rng.choice(([1, 2, 3], [5, 10], [4, 6, 60])), rng.randint(0, 30))
    for job in jobs:
        if rng.random() < 0.03:
            job.size = processors + 1
    return Workload(jobs, processors, {})


def spread(rng: random.Random) -> Workload:
    """Many distinct times, some of them long."""
    processors = rng.randint(2, 16)
    return Workload(
        _plain(rng, processors, rng.sample(range(1, 500), 20), rng.randint(50, 900)), processors, {}
    )


def over_limit(rng: random.Random) -> Workload:
    """Many jobs run longer than their limit, by a little or by much."""
    workload = ties(rng) if rng.random() < 0.5 else spread(rng)
    for job in workload.jobs:
        if rng.random() < 0.5:
            job.limit = max(1, int(job.runtime * rng.choice((0.1, 0.5, 0.9))))
    return workload


def missing_limit(rng: random.Random) -> Workload:
    """Jobs without a limit; now and then one that never ends."""
    workload = ties(rng) if rng.random() < 0.5 else spread(rng)
    for job in workload.jobs:
        if rng.random() < 0.5:
            job.limit = None
    for job in rng.sample(workload.jobs, 1 if rng.random() < 0.15 else 0):
        job.runtime, job.limit, job.predicted, job.size = math.inf, None, None, min(job.size, 2)
    return workload


def partitions(rng: random.Random) -> Workload:
    """Overlapping partitions: their caps sum to more than the machine."""
    workload = over_limit(rng) if rng.random() < 0.3 else ties(rng) if rng.random() < 0.5 else spread(rng)
    names = ["p", "q", "r"][: rng.randint(1, 3)]
    low = max(1, workload.processors // 3)
    workload.partitions = {name: rng.randint(low, workload.processors) for name in names}
    workload.default_partition = rng.choice([None, *names])
    for job in workload.jobs:
        job.partition = rng.choice([None, *names])
    return workload


def queues(rng: random.Random) -> Workload:
    """Queues with priorities and limits of every kind."""
    workload = over_limit(rng) if rng.random() < 0.3 else ties(rng) if rng.random() < 0.5 else spread(rng)
    names = ["slow", "fast", "free"]
    made = []
    for name in names[: rng.randint(1, 3)]:

        def some(low: int, high: int, share: float = 0.35) -> int | None:
            return rng.randint(low, max(low, high)) if rng.random() < share else None

        limits = Limits(
            processors=some(1, workload.processors),
            jobs=some(1, 5),
            user_processors=some(1, workload.processors),
            user_jobs=some(1, 3),
            job_processors=some(2, workload.processors, 0.1),
            job_time_s=some(5, 300, 0.1),
        )
        made.append(Queue(name, priority=rng.randint(-1, 2), limits=limits))
    for job in workload.jobs:
        job.queue = rng.choice([*names, None])
        job.user = rng.choice(["a", "b", None])
        job.priority = rng.randint(-2, 2) * (0.3 if job.submit % 2 else 1)  # fractions too
    return replace(workload, queues=tuple(made))


def dependencies(rng: random.Random) -> Workload:
    """Chains and fans of dependencies of all kinds, with think time; some can never hold."""
    workload = over_limit(rng) if rng.random() < 0.6 else ties(rng)
    earlier: list[Job] = []
    for job in workload.jobs:
        if earlier and rng.random() < 0.5:
            parts = []
            for _ in range(rng.randint(1, 2)):
                parents = rng.sample(earlier, min(len(earlier), rng.randint(1, 2)))
                kind = rng.choice(("afterok", "afterany", "afternotok"))
                parts.append(":".join([kind, *(parent.job_id for parent in parents)]))
            job.dependency = ",".join(parts)
        elif rng.random() < 0.05:
            job.dependency = "afterok:elsewhere"
        job.think = rng.choice((0, 0, 1, 5, 20))
        earlier.append(job)
    return workload


def mixed(rng: random.Random) -> Workload:
    """Everything together, rows in any order."""
    workload = partitions(rng)
    other = queues(random.Random(rng.random()))
    workload.queues = other.queues
    chains = dependencies(random.Random(rng.random())).jobs
    present = {job.job_id for job in workload.jobs}
    for job, chain in zip(workload.jobs, chains, strict=False):
        job.queue, job.user, job.priority = (
            rng.choice(["slow", "fast", None]),
            rng.choice("ab"),
            rng.randint(0, 2),
        )
        parents = (chain.dependency or "").replace(",", ":").split(":")
        if rng.random() < 0.5 and all(name in present or name.startswith("after") for name in parents):
            job.dependency, job.think = chain.dependency, chain.think
    for job in workload.jobs:
        if rng.random() < 0.2:
            job.limit = None
    rng.shuffle(workload.jobs)
    return workload


FAMILIES: dict[str, Callable[[random.Random], Workload]] = {
    "ties": ties,
    "spread": spread,
    "over_limit": over_limit,
    "missing_limit": missing_limit,
    "partitions": partitions,
    "queues": queues,
    "dependencies": dependencies,
    "mixed": mixed,
}


def small(family: str, seed: str) -> Workload:
    return FAMILIES[family](random.Random(f"{family} {seed}"))


# ---- large ones


def large(count: int, processors: int, load: float, seed: int) -> Workload:
    """A lifelike workload: a daily cycle of arrivals, log-normal run times, sizes that like powers of two.

    load: offered work / (processors x span of the arrivals).
    """
    rng = np.random.default_rng(seed)
    run = np.clip(np.rint(np.exp(rng.normal(math.log(900), 1.8, count))), 1, 5 * 86400).astype(np.int64)
    factor = np.where(rng.random(count) < 0.15, 1.0, np.exp(rng.uniform(0, math.log(10), count)))
    limit = np.ceil(run * factor).astype(np.int64)
    size = rng.integers(1, 257, count)
    draw = rng.random(count)
    size = np.where(draw < 0.25, 1, np.where(draw < 0.80, 2 ** rng.integers(1, 9, count), size))
    size = np.minimum(size, processors)
    span = float((run * size).sum()) / (processors * load)
    submit = np.floor(_daily_cycle(np.sort(rng.random(count)), span)).astype(np.int64)
    user = rng.zipf(1.6, count) % 200
    jobs = [
        Job(f"{j + 1}", int(submit[j]), int(run[j]), int(limit[j]), size=int(size[j]), user=f"u{user[j]}")
        for j in range(count)
    ]
    return Workload(jobs, processors, {})


def _daily_cycle(share: np.ndarray[Any, Any], span: float) -> np.ndarray[Any, Any]:
    """Instants at which a Poisson process of rate 1 + 0.8 sin(2 pi t / day) has seen these shares of its events."""
    t = np.linspace(0.0, span, 20_000)
    day = 86400 / (2 * math.pi)
    seen = t - 0.8 * day * (np.cos(t / day) - 1.0)
    return np.interp(share * seen[-1], seen, t)


# ---- the same jobs as a timonier job table


def to_jobs(jobs: list[Job], fractions: random.Random | None = None) -> Jobs:
    """The job table of these jobs; `fractions` moves each time by eighths that rounding half up undoes."""

    def times(values: list[float | None], lowest: float) -> pa.Array:
        if fractions is not None:
            return pa.array(
                [None if v is None else _unround(v, lowest, fractions) for v in values], pa.float64()
            )
        whole = all(v is None or math.isfinite(v) for v in values)
        return pa.array(values, pa.int64() if whole else pa.float64())

    table = pa.table(
        {
            "job_id": pa.array([job.job_id for job in jobs], pa.string()),
            "submit_s": times([job.submit for job in jobs], 0.0),
            "runtime_s": times([job.runtime for job in jobs], 0.125),
            "time_limit_s": times([job.limit for job in jobs], 0.125),
            "predicted_s": times([job.predicted for job in jobs], 0.125),
            "tasks": pa.array([job.size for job in jobs], pa.int64()),
            "user": pa.array([job.user for job in jobs], pa.string()),
            "queue": pa.array([job.queue for job in jobs], pa.string()),
            "partition": pa.array([job.partition for job in jobs], pa.string()),
            "priority": pa.array([job.priority for job in jobs], pa.float64()),
            "dependency": pa.array([job.dependency for job in jobs], pa.string()),
            "think_s": pa.array([job.think for job in jobs], pa.int64()),
        }
    )
    return Jobs(table=table, source="random workload")


def _unround(value: float, lowest: float, rng: random.Random) -> float:
    if not math.isfinite(value):
        return value
    return max(lowest, value + rng.randint(-4, 3) / 8)
