"""What only some workloads have, for the kernel: partitions, queue rules and dependencies of every job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonier.describe import Machine
from timonier.kit.errors import InputError
from timonier.policy import Profile, Queue
from timonier.simulate import dependencies
from timonier.simulate.columns import Columns, Ints, rows_with, think_ticks
from timonier.simulate.kernel import site
from timonier.simulate.kernel import state as k
from timonier.workload import Jobs
from timonier.workload.arrow import pc

BLOCKED = {
    "queue": site.QUEUE,
    "partition": site.PARTITION,
    "skip": site.SKIP,
    "nothing": site.SKIP,
    "drop": site.DROP,
}


def refuse_contradictions(profile: Profile) -> None:
    """Raise InputError for a profile whose rules do not go together."""
    if profile.backfill.rule == "reservations" and profile.cycle.blocked in ("queue", "partition"):
        return
    if profile.backfill.rule != "none" and profile.cycle.blocked != "queue":
        raise InputError(
            f"{profile.backfill.rule} backfill reserves behind a head that blocks the queue; "
            f"cycle.blocked = {profile.cycle.blocked!r} has none",
            fix='set cycle.blocked = "queue", or backfill.rule = "none"',
        )


def blocks(profile: Profile, machine: Machine) -> int:
    """What a blocked job blocks: where there are no partitions, all jobs are of the same one."""
    code = BLOCKED[profile.cycle.blocked]
    return site.QUEUE if code == site.PARTITION and not machine.partitions else code


@dataclass(frozen=True, slots=True)
class Rules:
    """What a rich build knows beside the jobs: a row a job, who waits for whom, the queues' limits."""

    of_job: Any
    children: k.Children
    limits: Ints
    partitions: int
    pairs: int
    users: int


def no_rules() -> Rules:
    """Of a workload without any."""
    none = np.zeros(0, dtype=np.int64)
    children = k.Children(none, np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int8))
    return Rules(np.zeros(0, dtype=k.RULE_OF_JOB), children, np.zeros((0, 4), dtype=np.int64), 0, 0, 0)


def rules_of(jobs: Jobs, machine: Machine, profile: Profile, columns: Columns, row: Ints) -> Rules:
    """Partitions, queue rules and dependencies of every job, in packed order."""
    queue = _codes(jobs, "queue", [q.name for q in profile.queues])
    rank = np.zeros(len(jobs), dtype=np.int64)
    for code, rules in enumerate(profile.queues):
        rank[queue == code] = rules.priority
    partition = _codes(jobs, "partition", [p.name for p in machine.partitions])
    for code, part in enumerate(machine.partitions):
        if part.default:
            partition[np.asarray(pc.is_null(jobs.texts("partition")).to_numpy(zero_copy_only=False))] = code
    codes = pc.fill_null(pc.dictionary_encode(jobs.texts("user")).combine_chunks().indices, -1)
    user = np.asarray(codes) + 1  # 0: a user that is not known
    _, pair = np.unique((queue.astype(np.int64) << 32) + user, return_inverse=True)
    links = dependencies.read(jobs, row)
    if links.absent:
        columns.assumed["dependencies on jobs that are not in the table, taken as fulfilled"] = links.absent
    of_job = np.zeros(len(row), dtype=k.RULE_OF_JOB)
    of_job["rank"] = rank[row]
    of_job["priority"] = jobs.numbers("priority", 0)[row]
    of_job["think"] = think_ticks(jobs, columns.assumed)[row]
    of_job["partition"] = partition[row]
    of_job["user"] = user[row]
    of_job["queue"] = queue[row]
    of_job["pair"] = pair[row]
    of_job["depends"] = links.depends
    return Rules(
        of_job=of_job,
        children=k.Children(links.child_at, links.children, links.child_kind),
        limits=np.array([_limit_row(q) for q in profile.queues], dtype=np.int64).reshape(-1, 4),
        partitions=len(machine.partitions),
        pairs=int(pair.max(initial=-1)) + 1,
        users=int(user.max(initial=0)) + 1,
    )


def _limit_row(queue: Queue) -> list[int]:
    limits = queue.limits
    most = (limits.processors, limits.jobs, limits.user_processors, limits.user_jobs)
    return [k.NEVER if value is None else value for value in most]


def _codes(jobs: Jobs, column: str, names: list[str]) -> NDArray[np.int32]:
    """Index of each job's name in `names`, -1 when it is not there."""
    texts = jobs.texts(column)
    codes = np.full(len(jobs), -1, dtype=np.int32)
    for code, name in enumerate(names):
        codes[rows_with(texts, name)] = code
    return codes
