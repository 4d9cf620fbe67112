"""The waiting line: jobs in queue order in one dense window of places, with holes where a job left."""

from __future__ import annotations

from numpy import uint64

from timonier.simulate.kernel.heap import pop, push
from timonier.simulate.kernel.jit import helper, inline
from timonier.simulate.kernel.order import key as key_of
from timonier.simulate.kernel.state import (
    HI,
    HOLE,
    JOB_BITS,
    LO,
    LONGEST,
    LONGEST_QUEUE,
    NOW,
    RULE,
    STOP,
    TESTED,
    WAITING,
    Array,
    State,
)


@inline
def short(est: int) -> int:
    """An estimate as int32; for ever is the largest."""
    return est if est < LONGEST else LONGEST


@inline
def place(state: State, k: int, job: int, key: float) -> None:
    """Write a job into place k."""
    waiting = state.waiting
    waiting.job[k] = job
    waiting.size[k] = state.jobs[job]["size"]
    waiting.est[k] = short(state.jobs[job]["est"])
    waiting.key[k] = key


@inline
def copy(state: State, source: int, target: int) -> None:
    """Copy place `source` to place `target`."""
    waiting = state.waiting
    waiting.job[target] = waiting.job[source]
    waiting.size[target] = waiting.size[source]
    waiting.est[target] = waiting.est[source]
    waiting.key[target] = waiting.key[source]
    waiting.start[target] = waiting.start[source]
    waiting.soon[target] = waiting.soon[source]
    waiting.since[target] = waiting.since[source]


@helper
def compact(state: State) -> None:
    """Move the waiting jobs to the front of the arrays and close the holes."""
    s = state.scalars
    target = 0
    tested = 0
    for k in range(s[LO], s[HI]):
        if k == s[TESTED]:
            tested = target
        if state.waiting.size[k] != HOLE:
            if k != target:
                copy(state, k, target)
            target += 1
    s[TESTED] = tested if s[TESTED] < s[HI] else target
    s[LO] = 0
    s[HI] = target


@inline
def vacate(state: State, k: int) -> None:
    """The job at place k leaves."""
    s = state.scalars
    state.waiting.size[k] = HOLE
    s[WAITING] -= 1
    if s[WAITING] == 0:
        s[LO] = 0
        s[HI] = 0
        s[TESTED] = 0


@inline
def tidy(state: State) -> None:
    """Forget the holes at the front of the line, and close the others when they are many."""
    s = state.scalars
    while s[LO] < s[HI] and state.waiting.size[s[LO]] == HOLE:
        s[LO] += 1
    if s[HI] - s[LO] > 2 * s[WAITING] + 64:
        compact(state)


@inline
def count_waiting(state: State) -> None:
    """At the end of an instant: who waits now has to wait."""
    s = state.scalars
    s[LONGEST_QUEUE] = max(s[LONGEST_QUEUE], s[WAITING])


@inline
def append(state: State, job: int) -> None:
    """Put a job at the end of a line that is in the order of arrival."""
    s = state.scalars
    if s[HI] - s[LO] > 2 * s[WAITING] + 64 or s[LO] > 2 * s[WAITING] + 1024:
        compact(state)
    k = s[HI]
    waiting = state.waiting
    waiting.job[k] = job
    waiting.size[k] = state.jobs[job]["size"]
    waiting.est[k] = short(state.jobs[job]["est"])
    s[HI] = k + 1
    s[WAITING] += 1


@inline
def move_up(values: Array, low: int, high: int) -> None:
    """Shift values[low:high] one place to the right."""
    for m in range(uint64(high - low)):  # an unsigned index needs no test for being negative
        values[uint64(high) - m] = values[uint64(high) - m - uint64(1)]


@inline
def move_down(values: Array, low: int, high: int) -> None:
    """Shift values[low:high] one place to the left."""
    for m in range(uint64(high - low)):
        values[uint64(low) + m - uint64(1)] = values[uint64(low) + m]


@inline
def goes_before(state: State, rich: int, key: float, job: int, k: int) -> bool:
    """Does a job with this key stand before the one at place k (which is not a hole)?

    Order: queue priority (high first), key (low first), eligible, (submit, row) = job index.
    """
    other = state.waiting.job[k]
    if rich:
        rank = state.rules[job]["rank"]
        other_rank = state.rules[other]["rank"]
        if rank != other_rank:
            return bool(rank > other_rank)
    other_key = state.waiting.key[k]
    if key != other_key:
        return bool(key < other_key)
    if rich:
        eligible = state.opening[job]["eligible"]
        other_eligible = state.opening[other]["eligible"]
        if eligible != other_eligible:
            return bool(eligible < other_eligible)
    return bool(job < other)


@inline
def insert(state: State, rich: int, reserves: int, job: int) -> int:
    """Put a job where its key says; returns its place. The shorter side of the line makes room.

    reserves: 1 where waiting jobs hold reservations, which move with them.
    """
    s = state.scalars
    if s[LO] > 1024 and 2 * s[LO] > s[HI]:
        compact(state)
    jobs = state.jobs
    priority = state.rules[job]["priority"] if rich else 0.0
    key = key_of(s[RULE], s[NOW], jobs[job]["submit"], jobs[job]["est"], int(jobs[job]["size"]), priority)
    low = s[LO]
    high = s[HI]
    while low < high:  # first place that this job goes before; a hole asks its next neighbour
        middle = (low + high) >> 1
        probe = middle
        while probe < high and state.waiting.size[probe] == HOLE:
            probe += 1
        if probe == high:
            high = middle
        elif goes_before(state, rich, key, job, probe):
            high = middle
        else:
            low = probe + 1
    k = low
    if s[LO] > 0 and k - s[LO] < s[HI] - k:
        lo = s[LO]
        move_down(state.waiting.job, lo, k)
        move_down(state.waiting.size, lo, k)
        move_down(state.waiting.est, lo, k)
        move_down(state.waiting.key, lo, k)
        if reserves:
            move_down(state.waiting.start, lo, k)
            move_down(state.waiting.soon, lo, k)
            move_down(state.waiting.since, lo, k)
        s[LO] = lo - 1
        k -= 1
    else:
        hi = s[HI]
        move_up(state.waiting.job, k, hi)
        move_up(state.waiting.size, k, hi)
        move_up(state.waiting.est, k, hi)
        move_up(state.waiting.key, k, hi)
        if reserves:
            move_up(state.waiting.start, k, hi)
            move_up(state.waiting.soon, k, hi)
            move_up(state.waiting.since, k, hi)
        s[HI] = hi + 1
    place(state, k, job, key)
    s[WAITING] += 1
    s[TESTED] = 0
    return int(k)


@inline
def heap_push(state: State, job: int) -> None:
    """Put a job into a line that is a heap: for fixed keys without backfill, where only the head matters."""
    s = state.scalars
    push(state.heap, s[WAITING], state.rank[job])
    s[WAITING] += 1


@inline
def heap_head(state: State) -> int:
    """The job at the head of a line that is a heap."""
    return int(state.heap[0] & ((1 << JOB_BITS) - 1))


@inline
def heap_pop(state: State) -> None:
    """Take the head out of a line that is a heap."""
    s = state.scalars
    pop(state.heap, s[WAITING])
    s[WAITING] -= 1


@helper
def resort(state: State, rich: int) -> None:
    """Give every waiting job its key of now and sort the line.

    The line is nearly sorted from the pass before, so that an insertion sort is nearly linear.
    """
    s = state.scalars
    if s[LO] > 0 or s[HI] != s[WAITING]:
        compact(state)
    waiting = state.waiting
    jobs = state.jobs
    for k in range(s[HI]):
        job = waiting.job[k]
        priority = state.rules[job]["priority"] if rich else 0.0
        waiting.key[k] = key_of(
            s[RULE], s[NOW], jobs[job]["submit"], jobs[job]["est"], int(jobs[job]["size"]), priority
        )
    for k in range(1, s[HI]):
        if s[STOP]:
            return
        job = int(waiting.job[k])
        key = waiting.key[k]
        start = waiting.start[k]
        soon = waiting.soon[k]
        since = waiting.since[k]
        m = k
        while m > 0 and goes_before(state, rich, key, job, m - 1):
            copy(state, m - 1, m)
            m -= 1
        if m != k:
            place(state, m, job, key)
            waiting.start[m] = start
            waiting.soon[m] = soon
            waiting.since[m] = since
    s[TESTED] = 0
