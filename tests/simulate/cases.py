"""The two engines side by side: profiles to try, and the run table of each as plain rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.reference.engine import simulate as slow
from tests.reference.jobs import Job, Outcome
from tests.simulate.workloads import Workload

from timonier.policy import read_profile, shipped_profiles
from timonier.policy.profile import Backfill, Cycle, Estimate, Order, Profile

ON = ("submit", "end")
COUNTING = sorted(
    [
        "fcfs",
        "sjf",
        "ljf",
        "saf",
        "wfp3",
        "unicef",
        "f1",
        "f2",
        "f3",
        "f4",
        "easy",
        "easy-sjbf",
        "conservative",
        "slurm-like",
    ]
)
STATIC = ("sjf", "ljf", "saf", "f1", "f2", "f3", "f4", "priority")
DYNAMIC = ("wfp3", "unicef")
BACKFILLS = {
    "none": Backfill("none"),
    "easy": Backfill("easy"),
    "shortest": Backfill("easy", "shortest"),
    "conservative": Backfill("conservative"),
    "reservations": Backfill("reservations"),
    "yielding": Backfill("none"),
}
BLOCKED = {"reservations": ("queue", "partition"), "yielding": ("partition", "skip", "drop")}
ORDERS = {"fcfs": ("fcfs",), "static": STATIC, "dynamic": DYNAMIC}
ESTIMATES = (
    Estimate(),
    Estimate(use="exact"),
    Estimate(over="extend"),
    Estimate(use="exact", over="extend"),
    Estimate(use="predicted"),
    Estimate(use="predicted", over="extend"),
    Estimate(missing_s=7),
)
CLOCKS = (
    Cycle(),
    Cycle(),
    Cycle(every_s=10),
    Cycle(on=(), every_s=7),
    Cycle(on=("end",), every_s=30),
    Cycle(on=("submit",), every_s=5),
)


def counting_profiles() -> tuple[str, ...]:
    """The shipped profiles that do not score nodes; on a count the others only skip or drop.

    Exactly these: a profile that is refused by mistake does not go unseen.
    """
    names = tuple(name for name in shipped_profiles() if not read_profile(name).place.score)
    assert sorted(names) == COUNTING, names
    return names


def kernel_families() -> list[tuple[str, str, str]]:
    """(order, backfill, each) of every family of profiles that differs in more than numbers."""
    return [(order, fill, each) for order in ORDERS for fill in BACKFILLS for each in ("instant", "event")]


def profile_of(order: str, fill: str, each: str, seed: int) -> Profile:
    """One profile of a family; seeds go through all estimates, clocks and rules."""
    cycle = CLOCKS[seed // len(ESTIMATES) % len(CLOCKS)]
    if fill == "conservative" and len(cycle.on) == 1:
        cycle = Cycle()
    blocked = BLOCKED.get(fill, ("queue",))
    rules = ORDERS[order]
    return Profile(
        "case",
        cycle=replace(cycle, each=each, blocked=blocked[seed // 2 % len(blocked)]),
        order=Order(rules[seed % len(rules)]),
        estimate=ESTIMATES[seed % len(ESTIMATES)],
        backfill=cycles_of(seed) if fill == "reservations" else BACKFILLS[fill],
    )


def cycles_of(seed: int) -> Backfill:
    """Backfill by reservations; seeds go through its clock, depth, window, grid and jobs of a user."""
    return Backfill(
        "reservations",
        every_s=(None, 1, 7, 30)[seed % 4],
        depth=(None, 2, 5)[seed % 3],
        window_s=(None, 40, 200)[seed // 3 % 3],
        resolution_s=(None, 10, 60)[seed // 2 % 3],
        user_jobs=(None, None, 1, 3)[seed // 5 % 4],
    )


def reference_table(workload: Workload, profile: Profile, **more: Any) -> list[dict[str, Any]]:
    """What the slow reference says: job_id, start_s, end_s, state."""
    outcomes = slow(
        workload.jobs,
        replace(profile, queues=workload.queues),
        workload.processors,
        workload.partitions,
        workload.default_partition,
        **more,
    )
    return [as_row(job, out) for job, out in zip(workload.jobs, outcomes, strict=True)]


def as_row(job: Job, out: Outcome) -> dict[str, Any]:
    return {"job_id": job.job_id, "start_s": out.start, "end_s": out.end, "state": out.state}


def engine_table(run: Any) -> list[dict[str, Any]]:
    """The same columns of a run of the fast engine."""
    rows: list[dict[str, Any]] = run.table.select(["job_id", "start_s", "end_s", "state"]).to_pylist()
    return rows
