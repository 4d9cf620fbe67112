"""A scheduling pass: start the head while it fits, then EASY backfill behind the blocked head.

Source: Lifka (1995); Mu'alem and Feitelson (2001); shortest first: Tsafrir, Etsion, Feitelson (2007).
"""

from __future__ import annotations

from numba import int32

from timonier.simulate.kernel.calendar import find_shadow, sweep
from timonier.simulate.kernel.jit import helper, inline
from timonier.simulate.kernel.pool import charge, fits, is_held, take
from timonier.simulate.kernel.rich import find_shadow_rich
from timonier.simulate.kernel.state import (
    AT_SHADOW,
    ENDED,
    EXTRA,
    FREE,
    HEAD,
    HI,
    HOLE,
    LO,
    LONGEST,
    NEVER,
    NOW,
    OVERRUNS,
    SHADOW,
    TESTED,
    WAITING,
    Array,
    State,
)
from timonier.simulate.kernel.waiting import heap_head, heap_pop, vacate

# YIELDING: none, and a blocked job blocks something else than the queue; on counts only.
NONE, EASY, SHORTEST, CONSERVATIVE, RESERVATIONS, YIELDING = range(6)
CHUNK = 128  # places tested at once
PART = 16  # and where one of them may start


@inline
def any_candidate(size: Array, est: Array, free: int, slack: int, extra: int) -> bool:
    """Could one of these places start? Written so that the compiler tests many at once."""
    found = False
    free32 = int32(free)
    slack32 = int32(slack)
    extra32 = int32(extra)
    for k in range(len(size)):
        found |= (size[k] <= free32) & ((est[k] <= slack32) | (size[k] <= extra32))
    return found


@inline
def slack_of(state: State) -> int:
    """Ticks until the shadow time, as int32; for ever is the largest."""
    s = state.scalars
    if s[SHADOW] >= NEVER:
        return LONGEST
    return min(int(s[SHADOW] - s[NOW]), LONGEST - 1)


@inline
def start_head(state: State, calendar: int) -> None:
    """Start the job at the front while it fits."""
    s = state.scalars
    size = state.waiting.size
    lo = s[LO]
    while s[WAITING] > 0:
        while size[lo] == HOLE:
            lo += 1
        s[LO] = lo
        if size[lo] > s[FREE]:
            break
        take(state, calendar, int(state.waiting.job[lo]), s[NOW])
        vacate(state, lo)
        s[HEAD] = -1  # who starts ahead of a blocked head may delay it: its shadow time is no longer known
        lo += 1


@inline
def promise(state: State, head: int) -> None:
    """Find the shadow time of the blocked head; its first one is written down as a promise."""
    s = state.scalars
    find_shadow(state, int(state.jobs[head]["size"] - s[FREE]))
    s[HEAD] = head
    if state.marks[head]["promised"] < 0 and s[SHADOW] < NEVER:
        state.marks[head]["promised"] = s[SHADOW]


@inline
def backfill_start(state: State, k: int) -> None:
    """Start the candidate at place k, and keep EXTRA and AT_SHADOW true."""
    s = state.scalars
    job = int(state.waiting.job[k])
    size = int(state.waiting.size[k])
    take(state, 1, job, s[NOW])
    vacate(state, k)
    est = state.jobs[job]["est"]
    expected = s[NOW] + est if est < NEVER else NEVER
    if s[SHADOW] < NEVER:
        if expected > s[SHADOW]:
            s[EXTRA] -= size
        elif expected == s[SHADOW]:
            s[AT_SHADOW] += size


@inline
def backfill_in_order(state: State, k: int) -> None:
    """Try every place from k on, in queue order."""
    s = state.scalars
    waiting = state.waiting
    hi = s[HI]
    free = s[FREE]
    if k >= hi or free == 0:
        return
    slack = slack_of(state)
    while k < hi and free > 0:
        end = min(k + CHUNK, hi)
        if any_candidate(waiting.size[k:end], waiting.est[k:end], free, slack, min(s[EXTRA], LONGEST - 1)):
            for part in range(k, end, PART):
                last = min(part + PART, end)
                extra = min(s[EXTRA], LONGEST - 1)
                if any_candidate(waiting.size[part:last], waiting.est[part:last], free, slack, extra):
                    for m in range(part, last):
                        size = waiting.size[m]
                        if size <= free and (waiting.est[m] <= slack or size <= s[EXTRA]):
                            backfill_start(state, m)
                            free = s[FREE]
        k = end


@inline
def backfill_shortest(state: State, first: int) -> None:
    """Try every place from `first` on, in the order of (estimate, place in the line)."""
    s = state.scalars
    waiting = state.waiting
    hi = s[HI]
    if first >= hi or s[FREE] == 0:
        return
    slack = slack_of(state)
    count = 0
    k = first
    while k < hi:
        end = min(k + CHUNK, hi)
        if any_candidate(waiting.size[k:end], waiting.est[k:end], s[FREE], slack, min(s[EXTRA], LONGEST - 1)):
            for m in range(k, end):
                size = waiting.size[m]
                if size <= s[FREE] and (waiting.est[m] <= slack or size <= s[EXTRA]):
                    state.pick[count] = m
                    count += 1
        k = end
    sort_picks(state, 0, count)
    for c in range(count):
        m = state.pick[c]
        size = waiting.size[m]
        if size <= s[FREE] and (waiting.est[m] <= slack or size <= s[EXTRA]):
            backfill_start(state, int(m))


@helper
def shorter(state: State, rich: int, a: int, b: int) -> bool:
    """Does place a come before place b in (estimate, eligible, submit, row)?"""
    job_a = state.waiting.job[a]
    job_b = state.waiting.job[b]
    est_a = state.jobs[job_a]["est"]
    est_b = state.jobs[job_b]["est"]
    if est_a != est_b:
        return bool(est_a < est_b)
    if rich:
        eligible_a = state.opening[job_a]["eligible"]
        eligible_b = state.opening[job_b]["eligible"]
        if eligible_a != eligible_b:
            return bool(eligible_a < eligible_b)
    return bool(job_a < job_b)


@helper
def sort_picks(state: State, rich: int, count: int) -> None:
    """Sort state.pick[:count] by (estimate, eligible, submit, row), by heap sort: no extra room."""
    pick = state.pick
    for root in range(count // 2 - 1, -1, -1):
        sift(state, rich, root, count)
    for end in range(count - 1, 0, -1):
        top = pick[0]
        pick[0] = pick[end]
        pick[end] = top
        sift(state, rich, 0, end)


@helper
def sift(state: State, rich: int, root: int, count: int) -> None:
    """Let pick[root] sink in a heap with the last in order on top."""
    pick = state.pick
    while True:
        child = 2 * root + 1
        if child >= count:
            return
        if child + 1 < count and shorter(state, rich, pick[child], pick[child + 1]):
            child += 1
        if not shorter(state, rich, pick[root], pick[child]):
            return
        moving = pick[root]
        pick[root] = pick[child]
        pick[child] = moving
        root = child


@inline
def plain_pass(state: State) -> None:
    """One pass without backfill."""
    start_head(state, 0)


@inline
def heap_pass(state: State) -> None:
    """One pass without backfill over a line that is a heap."""
    s = state.scalars
    while s[WAITING] > 0:
        job = heap_head(state)
        if state.jobs[job]["size"] > s[FREE]:
            break
        heap_pop(state)
        take(state, 0, job, s[NOW])


@inline
def note_end(state: State, slot: int) -> None:
    """A running job has ended: keep EXTRA and AT_SHADOW of the blocked head true."""
    s = state.scalars
    if s[HEAD] >= 0:
        expected = state.running[slot]["expected"]
        if expected > s[SHADOW]:
            s[EXTRA] += state.running[slot]["size"]
        elif expected == s[SHADOW]:
            s[AT_SHADOW] -= state.running[slot]["size"]


@inline
def first_to_test(state: State) -> int:
    """Start the head while it fits; returns the first place that backfill must look at.

    The shadow time of a blocked head is kept from pass to pass: an early end can only bring it forward, and
    does so when what is free beyond the head covers what was expected free exactly then. Jobs that could not
    start at the last pass cannot start now unless something ended since: only new ones are looked at.
    """
    s = state.scalars
    if s[OVERRUNS]:
        sweep(state)
    start_head(state, 1)
    if s[WAITING] == 0:
        s[HEAD] = -1
        return int(s[HI])
    head = int(state.waiting.job[s[LO]])
    if head != s[HEAD] or s[EXTRA] >= s[AT_SHADOW] or s[OVERRUNS]:
        promise(state, head)
    elif not s[ENDED]:
        return int(max(s[TESTED], s[LO] + 1))
    return int(s[LO] + 1)


@inline
def easy_pass(state: State) -> None:
    """One pass with EASY, candidates in queue order."""
    s = state.scalars
    first = first_to_test(state)
    backfill_in_order(state, first)
    s[TESTED] = s[HI]


@inline
def shortest_pass(state: State) -> None:
    """One pass with EASY, the shortest candidate first."""
    s = state.scalars
    first = first_to_test(state)
    backfill_shortest(state, first)
    s[TESTED] = s[HI]


@helper
def rich_pass(state: State, backfill: int) -> None:
    """One pass with partitions, queue limits and dependencies: place by place."""
    s = state.scalars
    waiting = state.waiting
    calendar = 1 if backfill != NONE else 0
    if backfill != NONE and s[OVERRUNS]:
        sweep(state)
    hi = s[HI]
    k = s[LO]
    head = -1
    while k < hi:
        job = int(waiting.job[k])
        if waiting.size[k] != HOLE and not is_held(state, job):
            if not fits(state, job):
                head = k
                break
            take(state, calendar, job, s[NOW])
            charge(state, job, 1)
            vacate(state, k)
        k += 1
    if head < 0 or backfill == NONE:
        return
    job = int(waiting.job[head])
    partition_extra = find_shadow_rich(state, job)
    if state.marks[job]["promised"] < 0 and s[SHADOW] < NEVER:
        state.marks[job]["promised"] = s[SHADOW]
    count = 0
    for m in range(head + 1, hi):
        if waiting.size[m] != HOLE:
            state.pick[count] = m
            count += 1
    if backfill == SHORTEST:
        sort_picks(state, 1, count)
    partition = state.rules[job]["partition"]
    slack = slack_of(state)
    for c in range(count):
        k = int(state.pick[c])
        candidate = int(waiting.job[k])
        size = int(waiting.size[k])
        if not fits(state, candidate) or is_held(state, candidate):
            continue
        shares = partition >= 0 and state.rules[candidate]["partition"] == partition
        if waiting.est[k] > slack:
            if size > s[EXTRA] or (shares and size > partition_extra):
                continue
            s[EXTRA] -= size
            if shares:
                partition_extra -= size
        take(state, calendar, candidate, s[NOW])
        charge(state, candidate, 1)
        vacate(state, k)
