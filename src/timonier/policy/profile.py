"""The profile record: a scheduler as data, sections in the order in which a pass uses them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Cycle:
    """When a pass is made.

    on: events that bring one ("submit", "end").  every_s: a clock besides, at its multiples.
    each: "instant" (one pass after all events of an instant) or "event" (one after each, as Pyss).
    blocked: what a blocked job blocks: "queue", "partition", nothing ("skip"), or it leaves ("drop").
    """

    on: tuple[str, ...] = ("submit", "end")
    every_s: int | None = None
    each: str = "instant"
    blocked: str = "queue"


@dataclass(frozen=True, slots=True)
class Order:
    """In which order jobs wait: fcfs sjf ljf saf wfp3 unicef f1 f2 f3 f4 priority."""

    rule: str = "fcfs"


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the scheduler believes of run times.

    use: "limit", "exact" or "predicted".  over: "kill" or "extend".
    missing_s: the limit of jobs that give none, s; None takes their run time.
    """

    use: str = "limit"
    over: str = "kill"
    missing_s: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What the running jobs of a queue may hold; None: no limit.

    processors, jobs: of the whole queue.  user_processors, user_jobs: of one user in it.
    job_processors: of one job.  job_time_s: longest limit of one job, s.
    """

    processors: int | None = None
    jobs: int | None = None
    user_processors: int | None = None
    user_jobs: int | None = None
    job_processors: int | None = None
    job_time_s: int | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """One rule set: jobs of a higher priority queue stand before all others."""

    name: str
    priority: int = 0
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Backfill:
    """rule: "none", "easy", "conservative" or "reservations".  order: "queue", or "shortest" (SJBF).

    Of reservations: every_s: between cycles, None: after each pass.  depth: most jobs that a cycle looks at;
    user_jobs: of one user.  window_s: how far ahead it plans; resolution_s: the grid of the plan.  None: no limit.
    """

    rule: str = "none"
    order: str = "queue"
    every_s: int | None = None
    depth: int | None = None
    window_s: int | None = None
    resolution_s: int | None = None
    user_jobs: int | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """One rule by which a node is chosen, and its weight.

    resources: weights of cores, memory, gpus, ...; empty: cores and memory alike.
    shape: requested-to-capacity, (utilisation, score) from low to high.  formula: balanced-allocation.
    missing_memory_bytes: what a task without a memory request counts as.
    typical_share: fragmentation-gradient, the part of the jobs whose shapes are typical.
    """

    rule: str
    weight: float = 1.0
    resources: Mapping[str, int] = field(default_factory=dict)
    shape: tuple[tuple[int, int], ...] = ()
    formula: str = "1.36"
    missing_memory_bytes: int = 0
    typical_share: float = 0.95


@dataclass(frozen=True, slots=True)
class Device:
    """Which GPU of a node a share or a slice goes to."""

    rule: str = "best-fit"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a job goes on a machine with nodes.

    ties: "name", "order", "uniform" or "preorder".  sample: "all" or "kube".
    scale: every score is truncated to 0 .. scale before weighting; None: it is not.
    """

    ties: str = "name"
    sample: str = "all"
    scale: int | None = None
    score: tuple[Score, ...] = ()
    device: Device = field(default_factory=Device)


@dataclass(frozen=True, slots=True)
class Profile:
    """A scheduler as data."""

    name: str
    source: str = ""
    cycle: Cycle = field(default_factory=Cycle)
    order: Order = field(default_factory=Order)
    estimate: Estimate = field(default_factory=Estimate)
    queues: tuple[Queue, ...] = ()
    place: Place = field(default_factory=Place)
    backfill: Backfill = field(default_factory=Backfill)
