"""What the reference knows of a job: its record, what the scheduler believes of it, where it stands in line."""

from __future__ import annotations

import math
from dataclasses import dataclass

from timonier.policy.profile import Limits, Profile

Ticks = float  # whole numbers, or math.inf


@dataclass
class Job:
    """One row of the workload, in ticks.  The fields from `state` on are only for a start from a state."""

    job_id: str
    submit: int
    runtime: Ticks
    limit: Ticks | None = None
    predicted: Ticks | None = None
    size: int = 1
    user: str | None = None
    queue: str | None = None
    partition: str | None = None
    priority: float = 0
    dependency: str | None = None
    think: int = 0
    state: str = "pending"
    start: int | None = None
    reserved: Ticks | None = None
    eligible: int | None = None
    sequence: int = 0  # in which order the running jobs started
    doomed: bool = False  # a dependency has failed that is in the table no longer
    done: int = 0  # work done in earlier attempts


@dataclass
class Outcome:
    """What became of a job.  `reserved` and `eligible` are for those that wait when the run stops."""

    job_id: str
    state: str
    start: int | None = None
    end: int | None = None
    note: str = ""
    reserved: Ticks | None = None
    eligible: Ticks | None = None


class Task:
    """A job on its way through the engine."""

    def __init__(self, row: int, job: Job, profile: Profile) -> None:
        self.row = row
        self.job = job
        self.size = job.size
        self.left = job.runtime - job.done
        self.limit = limit_of(job, self.left, profile)
        self.run = min(self.left, self.limit) if profile.estimate.over == "kill" else self.left
        self.killed = self.run < self.left
        self.estimate = estimate_of(job, self.limit, self.run, profile)
        self.eligible: Ticks | None = None
        self.start: int | None = None
        self.end: Ticks = math.inf
        self.planned_end: Ticks = math.inf
        self.reserved: Ticks | None = None
        self.ended_at: Ticks | None = None  # what dependents see: an end, a cancellation, a refusal
        self.state = "pending"
        self.note = ""
        self.place: tuple[float, ...] = ()  # where it stands in line

    def overruns(self, now: int) -> bool:
        """It runs longer than the scheduler believed."""
        assert self.start is not None
        return self.run > self.estimate and now >= self.start + self.estimate

    def expected_end(self, now: int) -> Ticks:
        assert self.start is not None
        return now + 1 if self.overruns(now) else self.start + self.estimate


def limit_of(job: Job, left: Ticks, profile: Profile) -> Ticks:
    if job.limit is not None:
        return job.limit if job.limit < 1 << 31 else math.inf
    missing = profile.estimate.missing_s
    return left if missing is None else missing


def estimate_of(job: Job, limit: Ticks, run: Ticks, profile: Profile) -> Ticks:
    if profile.estimate.use == "exact":
        return run
    if profile.estimate.use == "predicted" and job.predicted is not None:
        predicted = max(job.predicted - job.done, 1)
        return min(predicted, limit) if profile.estimate.over == "kill" else predicted
    return limit


def order_key(rule: str, task: Task, now: int) -> float:
    """Where a job stands in line, low first."""
    r, n, s = task.estimate, task.size, max(task.job.submit, 1)
    if rule == "fcfs":
        return 0
    if rule == "priority":
        return -task.job.priority
    if rule == "sjf":
        return r
    if rule == "ljf":
        return -r
    if rule == "saf":
        return r * n
    if rule == "f1":
        return math.log10(r) * n + 870.0 * math.log10(s)
    if rule == "f2":
        return math.sqrt(r) * n + 25600.0 * math.log10(s)
    if rule == "f3":
        return r * n + 6860000.0 * math.log10(s)
    if rule == "f4":
        return r * math.sqrt(n) + 530000.0 * math.log10(s)
    w = now - task.job.submit
    if rule == "wfp3":
        return -(((w / r) * (w / r)) * (w / r)) * n
    if rule == "unicef":
        if n == 1:
            return -math.inf if w > 0 else 0
        return -w / (math.log2(n) * r)
    raise ValueError(rule)


def why_unrunnable(
    task: Task, processors: int, caps: dict[str, int], partition: str | None, limits: Limits
) -> str:
    """Why a job can never run on the empty machine; empty where it can."""
    if task.size > processors:
        return "larger than the machine"
    if caps and partition is not None and partition not in caps:
        return "no such partition"
    if caps and partition is not None and task.size > caps[partition]:
        return "larger than its partition"
    for most in (limits.processors, limits.user_processors, limits.job_processors):
        if most is not None and task.size > most:
            return "larger than its queue allows"
    for most in (limits.jobs, limits.user_jobs):
        if most is not None and most < 1:
            return "its queue allows no job"
    if limits.job_time_s is not None and task.limit > limits.job_time_s:
        return "longer than its queue allows"
    return ""


def parse_dependency(text: str | None) -> list[tuple[str, str]]:
    """`afterok:17:18,afterany:19` -> [(afterok, 17), (afterok, 18), (afterany, 19)]."""
    pairs = []
    for part in (text or "").split(","):
        if part.strip():
            kind, *ids = part.strip().split(":")
            if kind not in ("afterok", "afternotok", "afterany") or not ids:
                raise ValueError(f"dependency {part!r}")
            pairs += [(kind, job_id) for job_id in ids]
    return pairs
