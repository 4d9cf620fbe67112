"""The state of a run: everything the kernel knows, as arrays. Copy the arrays and you have a snapshot.

J jobs are indexed in the order of (submit, row); a *slot* holds a running job, a *place* a waiting one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

NEVER = 1 << 60  # an instant that does not come, ticks
LONGEST = (1 << 31) - 1  # an estimate that does not end, as int32
HOLE = (1 << 31) - 1  # size of a waiting place whose job has left
SLOT_BITS = 24  # a heap key is tick << SLOT_BITS | slot
JOB_BITS = 28  # an arrival key is tick << JOB_BITS | job
BUCKETS = 1 << 15  # buckets of the calendar of expected ends
GROUP_BITS = 7  # 128 buckets make a group
OVERDUE = BUCKETS  # the bucket of overrunning jobs

# Indices into the scalars.
(
    NOW,  # instant of the last event, ticks
    PHASE,  # see below
    NEXT,  # first job that has not arrived
    TOLD,  # first job of which it is not yet told whether it is refused; rich builds only
    FREE,  # processors free
    LO,  # waiting places in use: [LO, HI)
    HI,
    WAITING,  # jobs waiting
    RUNNING,  # jobs running
    ENDS,  # entries in the heap of ends
    SEQ,  # starts so far
    SHADOW,  # shadow time of the blocked head
    EXTRA,  # processors free at the shadow time beyond the head
    AT_SHADOW,  # processors expected free exactly at the shadow time
    HEAD,  # the blocked head that SHADOW belongs to, -1: none
    TESTED,  # waiting places below this one cannot start before something ends
    SHIFT,  # a bucket is 1 << SHIFT ticks
    SWEPT,  # overruns are swept up to this instant
    BATCH,  # ends of this instant
    TURN,  # of which so many had their turn
    PROCESSORS,
    EVERY,  # ticks between clock passes, 0: no clock
    ON_SUBMIT,
    ON_END,
    RULE,  # order rule code
    OVERRUNS,  # 1: some job may run longer than its estimate
    LATER,  # jobs in the heap of arrivals by dependency
    ENDED,  # an end since the last pass
    ARRIVED,  # an arrival since the last pass
    DUE,  # earliest reservation among the waiting
    TORN,  # more may be promised than there is
    BEFORE,  # SEQ before the last instant; -1: another clock tick may start something
    PEAK,  # most jobs running at once: slots below were used
    EVENTS,  # instants handled (each = "event": events), for progress
    LONGEST_QUEUE,
    FORCED,  # 1: make a pass at NOW before anything else (a state written by hand)
    BASE,  # `soon` and `since` of waiting places are ticks from this instant on; conservative only
    STOP,  # 1: give up, wherever it is; the state is spoilt then
    BLOCKS,  # what a blocked job blocks; on counts, where it is not just the queue, and for RESERVATIONS
    CYCLE_EVERY,  # ticks between cycles, 0: one after each pass; these on counts, for RESERVATIONS only
    CYCLE_DEPTH,  # most jobs that a cycle looks at
    CYCLE_WINDOW,  # ticks that it plans ahead
    CYCLE_GRID,  # plans begin and end at multiples of so many ticks
    CYCLE_USER,  # most jobs of one user that it looks at
    USERS,  # where in `scratch` it counts them, user by user
    CALM,  # if nothing happens, no cycle before this instant finds anything else than the last one
    LOOKED,  # jobs that the last cycle looked at
    PLANNED,  # jobs that waited after it
    SEEN,  # starts before its end; these four on nodes only
    NAMED_JOBS,  # jobs that hold names in its plan
    ORDERED,  # expected ends that are in order
    ENDING,  # and those that are still in a heap
    N_SCALARS,
) = range(53)

# Phases: an advance may stop between any two.
IDLE, ARRIVE, END, REJOIN, CLOCK = range(5)

# Reasons to return.
DONE, UNTIL, BUDGET = range(3)

# States of a job.
# DOOMED: a dependency has failed already, and the job will be cancelled at its submission.
# DROPPED: it did not fit, and left.
PENDING, RUN, ENDED_OK, TIMED_OUT, CANCELLED, UNRUNNABLE, DOOMED, DROPPED = range(8)


def record(**fields: str) -> np.dtype[Any]:
    """A row type; one row lies together in memory, because a job's fields are used together."""
    return np.dtype(list(fields.items()), align=True)


# What is asked; read only. One row a job.
JOB = record(
    submit="i8",  # ticks
    run="i8",  # ticks that the job will occupy its processors, NEVER: for ever
    est="i8",  # ticks that the scheduler expects, NEVER: for ever
    size="i4",  # processors
    killed="i1",  # 1: the run is cut short at the limit
)
# What only some jobs have; one row a job when the build is rich, else none.
RULE_OF_JOB = record(
    rank="i8",  # queue priority, higher first
    priority="f8",
    think="i8",  # ticks
    partition="i4",  # index of the partition's cap, -1: none
    user="i4",  # where in `scratch` a cycle counts the jobs of its user
    queue="i4",  # index of the queue's limits, -1: none
    pair="i4",  # index of (queue, user)
    depends="i1",  # 1: arrives when its dependencies have ended, not at its submission
)
# What becomes of each job.
MARK = record(
    start="i8",  # ticks, -1: not started
    promised="i8",  # ticks: the first promise made to the job, -1: none
    state="i1",  # builds that are not rich leave it to `unpack.job_states`
)
# When each job may join the line; rich builds only.
OPENING = record(
    eligible="i8",  # ticks
    missing="i4",  # dependencies still open
)
# Running jobs, by slot.
RUNNING_JOB = record(
    expected="i8",  # expected end, ticks
    seq="i8",  # how many started before it
    job="i4",
    size="i4",
    after="i4",  # next slot in the same bucket, -1: last
    before="i4",
)


class Children(NamedTuple):
    """Who waits for whom: children[at[j]:at[j + 1]] wait for job j."""

    at: Array  # int64[J + 1]
    job: Array  # int32
    kind: Array  # int8, 0 afterany, 1 afterok, 2 afternotok


class Waiting(NamedTuple):
    """Waiting jobs in queue order, with holes where one left. One array a field, to test many at once."""

    job: Array  # int32
    size: Array  # int32, HOLE: nobody
    est: Array  # int32
    key: Array  # float64
    start: Array  # int64, the reservation; conservative only
    soon: Array  # int32, the same from BASE on, at most LONGEST; negative where there is none
    since: Array  # int32, from BASE on: where room for it was freed since it was looked at, LONGEST: nowhere


class Use(NamedTuple):
    """What partitions, queues and users hold; rich builds only."""

    partition_free: Array  # int64
    limits: Array  # int64[Q, 4]: processors, jobs, user processors, user jobs; NEVER: none
    caps: Array  # int64, processors of each partition
    queue: Array  # int64[Q, 2]: processors, jobs
    pair: Array  # int64[pairs, 2]


class Line(NamedTuple):
    """Free processors over time for the machine (row 0) and each partition: conservative, and reservations.

    Reservations: the plan of a cycle; rows of the same number follow, with what runs alone.
    """

    at: Array  # int64[rows, L], ticks, ascending
    free: Array  # int32[rows, L], free from at[k] to at[k + 1]
    span: Array  # int64[rows, 2], first segment in use, count of segments
    gain: Array  # int32[GAIN], scratch: what the last release means (timeline.tell)


class State(NamedTuple):
    """All of it."""

    scalars: Array  # int64
    jobs: Array  # JOB[J]
    marks: Array  # MARK[J]
    rules: Array  # RULE_OF_JOB[J]
    opening: Array  # OPENING[J]
    children: Children
    use: Use
    later: Array  # int64, heap of tick << JOB_BITS | job: arrivals by dependency
    waiting: Waiting
    rank: Array  # int64[J], order key << JOB_BITS | job; heaped builds only
    heap: Array  # int64, the ranks of the waiting jobs as a heap, instead of `waiting`; heaped builds only
    pick: Array  # int64, scratch: places of candidates
    running: Array  # RUNNING_JOB[slots]
    idle: Array  # int32, stack of unused slots
    ends: Array  # int64, heap of tick << SLOT_BITS | slot
    batch: Array  # int32, slots whose turn it is; at first the jobs that run already
    bucket: Array  # int32[BUCKETS + 1], first slot, -1: none
    held: Array  # int32[BUCKETS + 1], processors in the bucket
    group: Array  # int32[BUCKETS >> GROUP_BITS]
    scratch: Array  # int64
    reserved: Array  # int64[J], the reservation that a state brings; conservative only
    line: Line
