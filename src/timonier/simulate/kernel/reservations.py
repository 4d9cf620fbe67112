"""Who holds which hole in the timeline: reservations given, taken back and moved to an earlier hole.

Source: Mu'alem and Feitelson (2001), section 2, for what a round does; what follows makes rounds cheap.

A waiting job can only move to an earlier hole if room was freed for it since it was looked at: on some segment
before its start, what is free rose from less than its size to its size or more. Everything that is given back
marks the jobs for which that is so (`since`: from where on); a round looks at marked jobs only.
"""

from __future__ import annotations

from numpy import int32

from timonier.simulate.kernel.bits import WIDTH, below, first_bit
from timonier.simulate.kernel.jit import helper, inline
from timonier.simulate.kernel.state import (
    BASE,
    DUE,
    HI,
    HOLE,
    LO,
    LONGEST,
    NEVER,
    NOW,
    STOP,
    TORN,
    Array,
    State,
)
from timonier.simulate.kernel.timeline import LEVELS, Change, add, hole, slide, tell

CHUNK = 64  # places tested at once
LANES = 16  # what is tested at once comes in multiples of this


@helper
def book(state: State, rich: int, job: int, begin: int, end: int, sign: int) -> None:
    """Give back (sign 1) or reserve (-1) a job's processors on [begin, end)."""
    if begin >= end:
        return
    line = state.line
    size = sign * int(state.jobs[job]["size"])
    if rich:
        partition = state.rules[job]["partition"]
        if partition >= 0:
            row = partition + 1
            add(line.at[row], line.free[row], line.span[row], begin, end, size)
    change = add(line.at[0], line.free[0], line.span[0], begin, end, size)
    if sign > 0:
        mark_helped(state, rich, begin, size, change)


@inline
def no_limits(gain: Array) -> None:
    """Take everybody who fits for helped."""
    gain[0] = -HOLE
    for level in range(LEVELS):
        gain[2 + 3 * level] = -HOLE
        gain[3 + 3 * level] = LONGEST
        gain[4 + 3 * level] = LONGEST


@inline
def from_base(state: State, when: int) -> int:
    """An instant as ticks from BASE on; what is too far, the largest int32."""
    return min(when - int(state.scalars[BASE]), LONGEST)


@inline
def reserve(state: State, k: int, start: int) -> None:
    """Write down the reservation of the job at place k (or what stands for none); it was just looked at."""
    waiting = state.waiting
    waiting.start[k] = start
    waiting.soon[k] = from_base(state, start) if start >= 0 else -1
    waiting.since[k] = LONGEST


@helper
def rebase(state: State) -> None:
    """From now on count from now."""
    s = state.scalars
    passed = s[NOW] - s[BASE]
    s[BASE] = s[NOW]
    waiting = state.waiting
    for k in range(s[LO], s[HI]):
        start = int(waiting.start[k])
        waiting.soon[k] = max(0, from_base(state, start)) if start >= 0 else -1
        if waiting.since[k] < LONGEST:
            waiting.since[k] = max(0, int(waiting.since[k]) - passed)


@inline
def mark_helped(state: State, rich: int, begin: int, size: int, change: Change) -> None:
    """Mark the waiting jobs that `change` may help, a release of `size` from `begin` on."""
    base = int(state.scalars[BASE])
    line = state.line
    tell(line.at[0], line.free[0], line.span[0], change, size, base, line.gain)
    if rich:
        no_limits(line.gain)  # its partition may have been what a job waited for
    lo = state.scalars[LO]
    hi = lo + ((state.scalars[HI] - lo + LANES - 1) & -LANES)  # no rest that is done one by one
    waiting = state.waiting
    mark(
        waiting.size[lo:hi],
        waiting.est[lo:hi],
        waiting.soon[lo:hi],
        waiting.since[lo:hi],
        min(from_base(state, begin), LONGEST - 1),
        line.gain,
    )


@helper
def mark(size: Array, est: Array, soon: Array, since: Array, begin: int, gain: Array) -> None:
    """Mark whom the release that `gain` tells of (timeline.tell) may help. Written so that many are tested at once.

    A job needs a gap as long as its estimate, or one that reaches to its own start.
    """
    from_here, nowhere = int32(begin), int32(LONGEST)
    before, after = gain[0], gain[1]
    more1, long1, until1 = gain[2], gain[3], gain[4]
    more2, long2, until2 = gain[5], gain[6], gain[7]
    more3, long3, until3 = gain[8], gain[9], gain[10]
    long4, until4 = gain[12], gain[13]
    for k in range(len(size)):
        n = size[k]
        long = long1 if n > more1 else long2 if n > more2 else long3 if n > more3 else long4
        until = until1 if n > more1 else until2 if n > more2 else until3 if n > more3 else until4
        helps = (n > before) & (n <= after) & (soon[k] > from_here) & ((est[k] <= long) | (soon[k] <= until))
        since[k] = min(since[k], from_here if helps else nowhere)  # an unconditional store


@helper
def mark_all(state: State) -> None:
    """Anybody may have an earlier hole."""
    s = state.scalars
    for k in range(s[LO], s[HI]):
        state.waiting.since[k] = 0


@inline
def estimate(state: State, k: int) -> int:
    """The estimate of the job at place k, ticks."""
    est = int(state.waiting.est[k])
    return est if est < LONGEST else int(state.jobs[state.waiting.job[k]]["est"])


@inline
def first_hole(state: State, rich: int, k: int, begin: int, before: int, last: int) -> tuple[int, int, int]:
    """The earliest start in [begin, last) of the job at place k, which holds everything from `before` on.

    Returns as `timeline.hole`.
    """
    line = state.line
    size = int(state.waiting.size[k])
    est = estimate(state, k)
    start, first, after = hole(line.at[0], line.free[0], line.span[0], begin, size, est, before, last)
    if rich:
        row = state.rules[state.waiting.job[k]]["partition"] + 1
        while row > 0 and start < NEVER:
            there, _, _ = hole(line.at[row], line.free[row], line.span[row], start, size, est, before, last)
            if there == start:
                break
            start = there
            if start < NEVER:
                start, first, after = hole(
                    line.at[0], line.free[0], line.span[0], there, size, est, before, last
                )
                if start == there:
                    break
    return start, first, after


@inline
def end_of(start: int, est: int) -> int:
    """When a job that starts then is expected to end."""
    return start + est if start < NEVER and est < NEVER else NEVER


@helper
def put(state: State, rich: int, k: int, begin: int) -> None:
    """Give the job at place k its earliest hole from `begin` on."""
    s = state.scalars
    job = int(state.waiting.job[k])
    start, _, _ = first_hole(state, rich, k, begin, NEVER, NEVER)
    reserve(state, k, start)
    if start < NEVER:
        book(state, rich, job, start, end_of(start, int(state.jobs[job]["est"])), -1)
        s[DUE] = min(s[DUE], start)
        if state.marks[job]["promised"] < 0:
            state.marks[job]["promised"] = start


@helper
def lift(state: State, rich: int, k: int) -> None:
    """Take the reservation of the job at place k back."""
    start = int(state.waiting.start[k])
    if start < NEVER:
        job = int(state.waiting.job[k])
        begin = max(start, int(state.scalars[NOW]))
        book(state, rich, job, begin, end_of(start, int(state.jobs[job]["est"])), 1)


@inline
def improve(state: State, rich: int, k: int) -> bool:
    """Move the marked job at place k to an earlier hole, if there is one, without lifting it first; says whether.

    It holds [p, p + e) itself, so a start u < p only needs room on [u, min(u + e, p)); and because there was
    no room when it was last looked at, that window has to reach beyond where room was freed since.
    """
    s = state.scalars
    job = int(state.waiting.job[k])
    old = int(state.waiting.start[k])
    size = int(state.waiting.size[k])
    est = estimate(state, k)
    begin = int(s[NOW])
    if est < NEVER:
        begin = max(begin, int(s[BASE]) + int(state.waiting.since[k]) - est + 1)
    state.waiting.since[k] = LONGEST
    start, first, after = first_hole(state, rich, k, begin, old, old)
    if start >= NEVER:
        return False
    reserve(state, k, start)
    s[DUE] = min(s[DUE], start)
    end = end_of(start, est)
    line = state.line
    if not rich and est < NEVER and end > old and line.at[0, first] == start:
        change = slide(line.at[0], line.free[0], line.span[0], size, first, after, old, end, old + est)
        mark_helped(state, rich, end, size, change)
    elif end <= old:
        book(state, rich, job, start, end, -1)
        if old < NEVER:
            book(state, rich, job, old, end_of(old, est), 1)
    else:
        book(state, rich, job, start, old, -1)
        book(state, rich, job, end, end_of(old, est), 1)
    if state.marks[job]["promised"] < 0:
        state.marks[job]["promised"] = start
    return True


@helper
def compress(state: State, rich: int) -> None:
    """One round: every waiting job not due now is lifted and put back, in queue order.

    Only where more is promised than there is, because somebody overran (TORN), can a job have to move back;
    else only those that are marked can move at all.
    """
    s = state.scalars
    now = int(s[NOW])
    waiting = state.waiting
    if s[TORN]:
        s[TORN] = 0
        for k in range(s[LO], s[HI]):
            if s[STOP]:
                return
            if waiting.size[k] != HOLE and waiting.start[k] > now:
                lift(state, rich, k)
                put(state, rich, k, now)
        mark_all(state)
        find_due(state)
        return
    hi = s[HI]
    for block in range(s[LO], hi, WIDTH):
        to_do = -1  # places that had no turn yet, as bits
        marked = below(waiting.since, block, LONGEST)
        while not s[STOP]:
            bit = first_bit(marked & to_do)
            k = block + bit
            if bit == WIDTH or k >= hi:
                break
            to_do = -2 << bit
            if waiting.size[k] == HOLE or waiting.start[k] <= now:
                waiting.since[k] = LONGEST
            elif improve(state, rich, k):
                marked = below(waiting.since, block, LONGEST)


@inline
def find_due(state: State) -> None:
    """Find the earliest reservation among the waiting."""
    s = state.scalars
    lo = s[LO]
    hi = s[HI]
    s[DUE] = earliest(state.waiting.size[lo:hi], state.waiting.start[lo:hi])


@inline
def earliest(size: Array, start: Array) -> int:
    """The earliest reservation in these places. Written so that many are looked at at once."""
    due = NEVER
    for k in range(len(size)):
        there = start[k] if (size[k] != HOLE) & (start[k] >= 0) else NEVER
        due = min(due, there)
    return due


@helper
def next_within(state: State, k: int, low: int, high: int) -> int:
    """The first waiting job from place k on whose reservation (or what stands for none) is in [low, high].

    Returns HI when there is none.
    """
    hi = int(state.scalars[HI])
    size = state.waiting.size
    start = state.waiting.start
    while k < hi:
        end = min(k + CHUNK, hi)
        if any_within(size[k:end], start[k:end], low, high):
            for m in range(k, end):
                if size[m] != HOLE and low <= start[m] <= high:
                    return m
        k = end
    return hi


@inline
def any_within(size: Array, start: Array, low: int, high: int) -> bool:
    """Is one of these reservations in [low, high]? Written so that many are tested at once."""
    found = False
    for k in range(len(size)):
        found |= (size[k] != HOLE) & (start[k] >= low) & (start[k] <= high)
    return found
