"""What a blocked job blocks, and backfill by reservations, on counted processors.

docs/background/node-engine.md, "A pass" and "Reservations", says what happens; docs/decisions/012 why it is here.
Between cycles the lower rows of `line` hold what runs, to expected ends; a cycle copies them and plans on the copy.
A cycle at which nothing has happened since the last one finds what that one found, as long as none of its starts
has come and nobody new is in reach (CALM): only who came since is planned, behind the others.
"""

from __future__ import annotations

from numpy import int32

from timonier.simulate.kernel.arrivals import settle
from timonier.simulate.kernel.jit import helper, inline, loop
from timonier.simulate.kernel.order import DYNAMIC_RULES
from timonier.simulate.kernel.pool import charge, fits, is_held, take
from timonier.simulate.kernel.reservations import book, end_of
from timonier.simulate.kernel.site import DROP, PARTITION, QUEUE, SKIP
from timonier.simulate.kernel.state import (
    BEFORE,
    BLOCKS,
    CALM,
    CYCLE_DEPTH,
    CYCLE_EVERY,
    CYCLE_GRID,
    CYCLE_USER,
    CYCLE_WINDOW,
    DROPPED,
    FREE,
    HI,
    HOLE,
    LO,
    LOOKED,
    NEVER,
    NOW,
    OVERRUNS,
    PEAK,
    PLANNED,
    RULE,
    STOP,
    USERS,
    WAITING,
    Array,
    State,
)
from timonier.simulate.kernel.timeline import BEGIN, COUNT, FIRST, add, forget, hole
from timonier.simulate.kernel.waiting import tidy, vacate

WFP3, UNICEF = DYNAMIC_RULES
CHUNK = 128  # places tested at once


# ---- what runs, over time


@inline
def hold(state: State, job: int, begin: int, end: int, size: int) -> None:
    """Among what runs, `size` of a job's processors are taken (below 0) or given back on [begin, end)."""
    if begin >= end:
        return
    line = state.line
    base = len(line.span) >> 1
    add(line.at[base], line.free[base], line.span[base], begin, end, size)
    partition = state.rules[job]["partition"]
    if partition >= 0:
        row = base + 1 + partition
        add(line.at[row], line.free[row], line.span[row], begin, end, size)


@helper
def give_rest(state: State, slot: int) -> None:
    """A job leaves: what it was expected to hold beyond now is free; the next cycle plans anew."""
    running = state.running[slot]
    job = int(running["job"])
    hold(state, job, int(state.scalars[NOW]), int(running["expected"]), int(state.jobs[job]["size"]))
    state.scalars[CALM] = 0


@helper
def let_run(state: State, cycling: int, k: int, job: int) -> None:
    """Start the job at place k."""
    s = state.scalars
    take(state, 0, job, s[NOW])
    charge(state, job, 1)
    vacate(state, k)
    if cycling:
        now = int(s[NOW])
        hold(state, job, now, end_of(now, int(state.jobs[job]["est"])), -int(state.jobs[job]["size"]))
        s[CALM] = 0


# ---- a pass


@inline
def any_fits(size: Array, free: int) -> bool:
    """Is somebody in these places no larger than that? Written so that many are tested at once."""
    found = False
    free32 = int32(free)
    for k in range(len(size)):
        found |= size[k] <= free32
    return found


@helper
def drop(state: State, k: int, job: int) -> None:
    """A job that does not fit leaves for good."""
    vacate(state, k)
    state.marks[job]["state"] = DROPPED
    settle(state, job, state.scalars[NOW])


@helper
def pass_over(state: State, cycling: int) -> None:
    """Start who fits, in order, whoever is blocked before: SKIP."""
    s = state.scalars
    waiting = state.waiting
    k = int(s[LO])
    hi = int(s[HI])
    while k < hi and s[FREE] > 0:
        end = min(k + CHUNK, hi)
        if any_fits(waiting.size[k:end], s[FREE]):
            for m in range(k, end):
                job = int(waiting.job[m])
                if waiting.size[m] <= s[FREE] and fits(state, job) and not is_held(state, job):
                    let_run(state, cycling, m, job)
        k = end


@helper
def start_in_order(state: State, cycling: int) -> None:
    """Start who fits, in order; what a blocked job blocks is the queue or its partition, or it leaves."""
    s = state.scalars
    waiting = state.waiting
    blocks = s[BLOCKS]
    closed = state.scratch  # by partition, 0: no partition
    if blocks == PARTITION:
        closed[: len(state.use.caps) + 1] = 0
    for k in range(s[LO], s[HI]):
        if waiting.size[k] == HOLE:
            continue
        job = int(waiting.job[k])
        if is_held(state, job):
            continue
        partition = int(state.rules[job]["partition"]) + 1
        if blocks == PARTITION and closed[partition]:
            continue
        if fits(state, job):
            let_run(state, cycling, k, job)
        elif blocks == QUEUE:
            return
        elif blocks == PARTITION:
            closed[partition] = 1
        elif blocks == DROP:
            drop(state, k, job)


@helper
def yielding_pass(state: State, cycling: int) -> None:
    """One pass, of which a blocked job is not the end."""
    if state.scalars[BLOCKS] == SKIP:
        pass_over(state, cycling)
    else:
        start_in_order(state, cycling)
    tidy(state)


@inline
def is_dynamic(state: State) -> bool:
    """Does the order of the line change with time?"""
    rule = state.scalars[RULE]
    return bool(rule == WFP3 or rule == UNICEF)


# ---- the clock of the cycles


@inline
def next_cycle(state: State) -> int:
    """The next instant at which a cycle is due by its own clock; NEVER: it has none, or nobody waits."""
    s = state.scalars
    if s[CYCLE_EVERY] == 0 or s[WAITING] == 0:
        return NEVER
    return int((s[NOW] // s[CYCLE_EVERY] + 1) * s[CYCLE_EVERY])


@inline
def begin_cycles(state: State) -> None:
    """An instant begins: whether nothing started counts only where the clock of the cycles ticks too."""
    s = state.scalars
    if s[CYCLE_EVERY] > 0 and s[NOW] % s[CYCLE_EVERY] != 0:
        s[BEFORE] = -1


@inline
def is_cycle(state: State) -> bool:
    """Does the clock of the cycles ask for one now?"""
    s = state.scalars
    return bool(s[CYCLE_EVERY] > 0 and s[NOW] % s[CYCLE_EVERY] == 0 and s[WAITING] > 0)


@inline
def has_come(state: State, k: int) -> None:
    """Somebody joined the line at place k: unless it is the last, the next cycle plans anew."""
    if k != state.scalars[HI] - 1:
        state.scalars[CALM] = 0


# ---- a cycle


@inline
def copy_all(values: Array, to: Array) -> None:
    """Copy an array that does not overlap the other."""
    for k in range(len(values)):
        to[k] = values[k]


@helper
def begin_plan(state: State) -> None:
    """The plan is what runs, and for one tick who overruns; nobody has been looked at."""
    s = state.scalars
    line = state.line
    now = int(s[NOW])
    base = len(line.span) >> 1
    for row in range(base):
        span = line.span[base + row]
        forget(line.at[base + row], line.free[base + row], span, now)
        first = int(span[FIRST])
        last = int(span[COUNT])
        end = BEGIN + last - first
        copy_all(line.at[base + row, first:last], line.at[row, BEGIN:end])
        copy_all(line.free[base + row, first:last], line.free[row, BEGIN:end])
        line.span[row, FIRST] = BEGIN
        line.span[row, COUNT] = end
    s[CALM] = NEVER
    s[LOOKED] = 0
    if s[CYCLE_USER] < NEVER:
        for user in range(s[USERS], len(state.scratch)):
            state.scratch[user] = 0
    if s[OVERRUNS]:
        plan_overruns(state)


@helper
def plan_overruns(state: State) -> None:
    """Who runs although it was expected to have ended is planned until now + 1; whoever will, ends the calm."""
    s = state.scalars
    now = int(s[NOW])
    for slot in range(s[PEAK]):
        job = int(state.running[slot]["job"])
        if job < 0 or state.jobs[job]["run"] <= state.jobs[job]["est"]:
            continue
        expected = int(state.running[slot]["expected"])
        if expected > now:
            s[CALM] = min(s[CALM], expected)
        else:
            s[CALM] = 0
            book(state, 1, job, now, now + 1, -1)


@inline
def first_unplanned(state: State) -> int:
    """The first place of those who came since the last cycle; they are the last ones in the line."""
    s = state.scalars
    left = s[WAITING] - s[PLANNED]
    k = int(s[HI])
    while left > 0:
        k -= 1
        if state.waiting.size[k] != HOLE:
            left -= 1
    return k


@inline
def hole_on_grid(at: Array, free: Array, span: Array, begin: int, size: int, est: int, grid: int) -> int:
    """The first instant from `begin` on from which `size` is free for `est`, and on to the next multiple of `grid`."""
    count = int(span[COUNT])
    start, _, k = hole(at, free, span, begin, size, est, NEVER, NEVER)
    while start < NEVER and est < NEVER and grid > 1:
        until = -(-(start + est) // grid) * grid
        while k < count and at[k] < until and free[k] >= size:
            k += 1
        if k == count or at[k] >= until:
            break
        if k + 1 == count:
            return NEVER
        start, _, k = hole(at, free, span, int(at[k + 1]), size, est, NEVER, NEVER)
    return int(start)


@helper
def find_hole(state: State, job: int) -> int:
    """When the job fits in the plan, in the machine and its partition; NEVER: it does not."""
    line = state.line
    size = int(state.jobs[job]["size"])
    est = int(state.jobs[job]["est"])
    grid = int(state.scalars[CYCLE_GRID])
    row = int(state.rules[job]["partition"]) + 1
    begin = int(state.scalars[NOW])
    while True:
        start = hole_on_grid(line.at[0], line.free[0], line.span[0], begin, size, est, grid)
        if row == 0 or start >= NEVER:
            return start
        begin = hole_on_grid(line.at[row], line.free[row], line.span[row], start, size, est, grid)
        if begin == start or begin >= NEVER:
            return begin


@inline
def reserve_hole(state: State, job: int, begin: int) -> None:
    """Plan a job from `begin` on, to an end on the grid."""
    grid = int(state.scalars[CYCLE_GRID])
    end = end_of(begin, int(state.jobs[job]["est"]))
    if end < NEVER:
        end = max(end // grid, begin // grid + 1) * grid
    book(state, 1, job, begin, end, -1)


@helper
def make_cycle(state: State) -> None:
    """One cycle: plan the waiting jobs in order; start who fits now, reserve for who fits within the window."""
    s = state.scalars
    waiting = state.waiting
    now = int(s[NOW])
    if now < s[CALM]:
        k = first_unplanned(state)
    else:
        begin_plan(state)
        k = int(s[LO])
    started = False
    while k < s[HI] and s[LOOKED] < s[CYCLE_DEPTH] and not s[STOP]:
        job = int(waiting.job[k])
        if waiting.size[k] != HOLE and not is_held(state, job):
            user = state.rules[job]["user"]
            if state.scratch[user] < s[CYCLE_USER]:
                s[LOOKED] += 1
                state.scratch[user] += 1
                begin = find_hole(state, job)
                if begin == now:
                    book(state, 1, job, now, end_of(now, int(state.jobs[job]["est"])), -1)
                    let_run(state, 1, k, job)
                    started = True
                elif begin - now <= s[CYCLE_WINDOW]:
                    reserve_hole(state, job, begin)
                    s[CALM] = min(s[CALM], begin)
                elif begin < NEVER:
                    s[CALM] = min(s[CALM], begin - s[CYCLE_WINDOW])
        k += 1
    s[PLANNED] = s[WAITING]
    if started or is_dynamic(state):
        s[CALM] = 0


@loop
def prime_base(state: State) -> None:
    """Let the lower rows of an empty line hold what runs already."""
    now = int(state.scalars[NOW])
    for slot in range(state.scalars[PEAK]):
        running = state.running[slot]
        job = int(running["job"])
        if job >= 0:
            hold(state, job, now, int(running["expected"]), -int(state.jobs[job]["size"]))
