"""The fast engine against the slow reference, job by job, on random workloads."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import accumulate

import pytest
from tests.reference.jobs import Job
from tests.simulate.cases import engine_table, kernel_families, profile_of, reference_table
from tests.simulate.workloads import FAMILIES, Workload, large, small, to_jobs

from timonier.describe import read_machine
from timonier.policy.profile import Profile
from timonier.simulate import Run, simulate

SEEDS, LONG_SEEDS = 42, 1000


def compare(workload: Workload, profile: Profile, fractions: random.Random | None = None) -> None:
    profile = replace(profile, queues=workload.queues)
    run = simulate(to_jobs(workload.jobs, fractions), workload.machine, profile)
    fast, slow = engine_table(run), reference_table(workload, profile, strict=True)
    different = [(f, s) for f, s in zip(fast, slow, strict=True) if f != s]
    assert not different, f"{len(different)} of {len(fast)} jobs, first: {different[0]}\n{profile}"


def compare_block(family: str, kernel: tuple[str, str, str], seeds: range) -> None:
    for seed in seeds:
        workload = small(family, f"{'-'.join(kernel)} {seed}")
        try:
            compare(workload, profile_of(*kernel, seed), random.Random(seed) if seed % 5 == 4 else None)
        except Exception as error:
            raise AssertionError(f"family {family!r}, seed {seed}, {kernel}: {error}") from error


@pytest.mark.parametrize("kernel", kernel_families(), ids="-".join)
@pytest.mark.parametrize("family", FAMILIES)
def test_small_workloads(family: str, kernel: tuple[str, str, str]) -> None:
    compare_block(family, kernel, range(SEEDS))


@pytest.mark.long
@pytest.mark.parametrize("kernel", kernel_families(), ids="-".join)
@pytest.mark.parametrize("family", FAMILIES)
def test_many_small_workloads(family: str, kernel: tuple[str, str, str]) -> None:
    compare_block(family, kernel, range(SEEDS, LONG_SEEDS))


@pytest.mark.parametrize(("kernel", "seed"), [
    (("fcfs", "none", "event"), 755),
    (("fcfs", "conservative", "event"), 217),
    (("static", "easy", "event"), 90),
    (("dynamic", "shortest", "event"), 384),
    (("dynamic", "conservative", "event"), 478),
], ids=str)  # fmt: skip
def test_refusals_come_before_the_arrivals_of_their_instant(kernel: tuple[str, str, str], seed: int) -> None:
    """Found by the long run: a job that depends on an unrunnable one of the same instant and a later row."""
    compare_block("mixed", kernel, range(seed, seed + 1))


@pytest.mark.parametrize("order", ["fcfs", "dynamic"])
def test_conservative_counts_beyond_thirty_two_bits(order: str) -> None:
    """What the kernel keeps as int32 for speed are hints: instants and estimates may be larger."""
    beyond = 0
    for seed in range(60):
        workload = small(("ties", "spread", "partitions")[seed % 3], f"long {seed}")
        jobs = workload.jobs
        unit = (2**31 - 2) // max(max(job.submit, job.runtime) for job in jobs)
        workload = replace(workload, jobs=[_longer(job, unit) for job in jobs])
        each = ("instant", "event")[seed % 2]
        compare(workload, profile_of(order, "conservative", each, seed // 2 % 2))
        beyond += max(job.limit or 0 for job in workload.jobs) > 2**31
    assert beyond > 10


def _longer(job: Job, unit: int) -> Job:
    assert job.limit is not None
    return replace(
        job, submit=job.submit * unit, runtime=job.runtime * unit, limit=job.limit * unit, predicted=None
    )


LARGE = [  # order, backfill, each, load: as heavy as the slow engine can bear
    ("fcfs", "none", "instant", 0.6),
    ("fcfs", "none", "event", 0.6),
    ("fcfs", "easy", "instant", 0.9),
    ("fcfs", "easy", "event", 0.9),
    ("fcfs", "shortest", "instant", 0.95),
    ("fcfs", "shortest", "event", 0.9),
    ("fcfs", "conservative", "instant", 0.8),
    ("fcfs", "conservative", "event", 0.7),
    ("static", "easy", "instant", 0.9),
    ("dynamic", "easy", "instant", 0.8),
]


@pytest.mark.parametrize("case", [2, 6])
def test_twenty_thousand_jobs(case: int) -> None:
    *kernel, load = LARGE[case]
    compare(large(20_000, 512, load, seed=case), profile_of(*kernel, 0))  # type: ignore[arg-type]


@pytest.mark.long
@pytest.mark.parametrize("case", range(20))
def test_a_hundred_thousand_jobs(case: int) -> None:
    *kernel, load = LARGE[case % len(LARGE)]
    compare(large(100_000, 512, load, seed=100 + case), profile_of(*kernel, case // len(LARGE)))  # type: ignore[arg-type]


def longest_queue(run: Run, until: int) -> int:
    """From the run table: most jobs that had come, and had not started, at the end of an instant."""
    changes: dict[int, int] = {}
    for row in run.table.to_pylist():
        if row["state"] != "unrunnable" and row["submit_s"] <= until:
            changes[row["submit_s"]] = changes.get(row["submit_s"], 0) + 1
            if row["start_s"] is not None:
                changes[row["start_s"]] = changes.get(row["start_s"], 0) - 1
    return max(accumulate(changes[at] for at in sorted(changes)), default=0)


@pytest.mark.parametrize("kernel", kernel_families(), ids="-".join)
@pytest.mark.parametrize("family", ["ties", "missing_limit", "queues"])
def test_the_longest_queue_is_who_waits_at_the_end_of_an_instant(
    family: str, kernel: tuple[str, str, str]
) -> None:
    """Who starts at once never waited; nor is anybody forgotten who comes behind a blocked head."""
    for seed in (0, 3, 16, 23):
        workload = small(family, f"longest {seed}")
        profile = replace(profile_of(*kernel, seed), queues=workload.queues)
        if profile.cycle.blocked == "drop":  # the run table does not say when somebody left
            profile = replace(profile, cycle=replace(profile.cycle, blocked="skip"))
        jobs = to_jobs(workload.jobs)
        whole = simulate(jobs, workload.machine, profile)
        assert whole.longest_queue == longest_queue(whole, 1 << 60), f"{family} {kernel} {seed}"
        at = whole.last_s // 2
        part = simulate(jobs, workload.machine, profile, until_s=at)
        assert part.longest_queue == longest_queue(part, at), f"{family} {kernel} {seed} until {at}"


def test_a_job_that_starts_at_once_never_waits() -> None:
    for kernel in kernel_families():
        run = simulate(to_jobs([Job("a", 0, 10, 10)]), read_machine("4"), profile_of(*kernel, 0))
        assert run.longest_queue == 0
