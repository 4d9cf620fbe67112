"""Conservative backfill: every waiting job holds a reservation.

Source: Mu'alem and Feitelson (2001), section 2; the order of things in an instant as Pyss has it
(docs/background/counting-engine.md).
"""

from __future__ import annotations

from functools import cache

from timonier.simulate.kernel.arrivals import (
    begin_instant,
    end_job,
    is_over,
    next_arrived,
    next_later,
    next_submission,
    next_submitted,
)
from timonier.simulate.kernel.cycle import DYNAMIC, FIFO, is_tick, next_clock
from timonier.simulate.kernel.jit import helper, inline, loop
from timonier.simulate.kernel.loop import Advance
from timonier.simulate.kernel.pool import charge, fits, is_held, next_end, pop_end, release, retire, take
from timonier.simulate.kernel.reservations import (
    book,
    compress,
    end_of,
    find_due,
    lift,
    mark_all,
    next_within,
    put,
    rebase,
    reserve,
)
from timonier.simulate.kernel.state import (
    ARRIVED,
    BASE,
    BATCH,
    BUDGET,
    DONE,
    DUE,
    ENDED,
    ENDS,
    EVENTS,
    FORCED,
    FREE,
    HI,
    HOLE,
    LO,
    NEVER,
    NOW,
    ON_END,
    ON_SUBMIT,
    OVERRUNS,
    PEAK,
    STOP,
    TORN,
    UNTIL,
    WAITING,
    State,
)
from timonier.simulate.kernel.timeline import forget
from timonier.simulate.kernel.waiting import append, compact, count_waiting, insert, resort, vacate

UNPLACED = -1  # a waiting job that came since the last pass
HELD = -2  # one that a queue limit holds back
SLACK = 8  # empty places that do not matter
FAR = 1 << 30  # ticks of which two fit into an int32


@helper
def extend_overruns(state: State, rich: int) -> None:
    """Every job that runs although it was expected to have ended is expected at now + 1."""
    s = state.scalars
    now = s[NOW]
    for slot in range(s[PEAK]):
        expected = int(state.running[slot]["expected"])
        job = int(state.running[slot]["job"])
        if job >= 0 and expected <= now and state.jobs[job]["run"] > state.jobs[job]["est"]:
            book(state, rich, job, now, now + 1, -1)
            state.running[slot]["expected"] = now + 1
            s[TORN] = 1


@inline
def give_rest(state: State, rich: int, slot: int) -> None:
    """A job has ended: what it was expected to hold beyond now is free."""
    s = state.scalars
    expected = int(state.running[slot]["expected"])
    if expected > s[NOW]:
        book(state, rich, int(state.running[slot]["job"]), int(s[NOW]), expected, 1)


@helper
def place_held(state: State, rich: int) -> None:
    """Jobs that are held no longer get their holes, in queue order."""
    s = state.scalars
    for k in range(s[LO], s[HI]):
        if state.waiting.size[k] != HOLE and state.waiting.start[k] == HELD:
            if not is_held(state, int(state.waiting.job[k])):
                put(state, rich, k, s[NOW])


@helper
def place_new(state: State, rich: int) -> None:
    """Jobs that came since the last pass get their holes, in the order in which they came."""
    s = state.scalars
    count = 0
    k = next_within(state, int(s[LO]), UNPLACED, UNPLACED)
    while k < s[HI]:
        m = count
        while m > 0 and came_before(state, rich, k, int(state.pick[m - 1])):
            state.pick[m] = state.pick[m - 1]
            m -= 1
        state.pick[m] = k
        count += 1
        k = next_within(state, k + 1, UNPLACED, UNPLACED)
    for c in range(count):
        if s[STOP]:
            return
        place_one(state, rich, int(state.pick[c]))


@helper
def came_before(state: State, rich: int, a: int, b: int) -> bool:
    """Did the job at place a arrive before the one at place b?"""
    job_a = state.waiting.job[a]
    job_b = state.waiting.job[b]
    if rich:
        eligible_a = state.opening[job_a]["eligible"]
        eligible_b = state.opening[job_b]["eligible"]
        if eligible_a != eligible_b:
            return bool(eligible_a < eligible_b)
    return bool(job_a < job_b)


@inline
def place_one(state: State, rich: int, k: int) -> None:
    """A job that came gets its hole, unless a limit of its queue holds it back."""
    if rich and is_held(state, int(state.waiting.job[k])):
        reserve(state, k, HELD)
    else:
        put(state, rich, k, int(state.scalars[NOW]))


@helper
def start_due(state: State, rich: int) -> None:
    """Start the jobs whose reservation has come, in queue order; find the next one that will come."""
    s = state.scalars
    waiting = state.waiting
    now = int(s[NOW])
    if s[DUE] > now:
        return
    k = next_within(state, int(s[LO]), 0, now)
    while k < s[HI] and not s[STOP]:
        start = int(waiting.start[k])
        job = int(waiting.job[k])
        est = int(state.jobs[job]["est"])
        room = waiting.size[k] <= s[FREE]
        held = False
        if rich:
            room = fits(state, job)
            held = is_held(state, job)
        if room and not held:
            if start < now:
                s[TORN] = 1
                book(state, rich, job, end_of(start, est), end_of(now, est), -1)
            take(state, 0, job, now)
            if rich:
                charge(state, job, 1)
            vacate(state, k)
        else:
            lift(state, rich, k)
            if held:
                reserve(state, k, HELD)
            else:
                put(state, rich, k, now + 1)
        k = next_within(state, k + 1, 0, now)
    while s[LO] < s[HI] and waiting.size[s[LO]] == HOLE:
        s[LO] += 1
    find_due(state)


@inline
def gather(state: State) -> None:
    """Take all ends of now from the heap, in the order of starts."""
    s = state.scalars
    running = state.running
    batch = state.batch
    count = 0
    while s[ENDS] > 0 and next_end(state) <= s[NOW]:
        slot = pop_end(state)
        k = count
        while k > 0 and running[batch[k - 1]]["seq"] > running[slot]["seq"]:
            batch[k] = batch[k - 1]
            k -= 1
        batch[k] = slot
        count += 1
    s[BATCH] = count


@inline
def finish(state: State, rich: int, slot: int) -> None:
    """A job's turn to end."""
    s = state.scalars
    s[EVENTS] += 1
    s[ENDED] = 1
    give_rest(state, rich, slot)
    release(state, slot)
    job = retire(state, slot)
    if rich:
        charge(state, job, -1)
        end_job(state, job, s[NOW])


@helper
def is_stuck(state: State) -> bool:
    """Is everybody who waits put back tick after tick, behind jobs that never end?"""
    s = state.scalars
    for k in range(s[LO], s[HI]):
        start = state.waiting.start[k]
        if state.waiting.size[k] != HOLE and start >= 0 and start != s[NOW] + 1 and start < NEVER:
            return False
    return True


@inline
def round_after_ends(state: State, rich: int) -> None:
    """What follows an end: a round, then holes for the jobs that are held no longer."""
    state.scalars[ENDED] = 0
    compress(state, rich)
    if rich:
        place_held(state, rich)


@loop
def prime_line(state: State, rich: int, waits: int) -> None:
    """Draw into an empty timeline what a state brings: the running jobs, and the reservations of those that wait.

    waits: what a waiting job without a reservation is, UNPLACED or HELD.
    """
    s = state.scalars
    now = s[NOW]
    for slot in range(s[PEAK]):
        book(state, rich, int(state.running[slot]["job"]), now, int(state.running[slot]["expected"]), -1)
    due = NEVER
    for k in range(s[LO], s[HI]):
        job = int(state.waiting.job[k])
        start = state.reserved[job]
        reserve(state, k, int(start) if start >= 0 else waits)
        if start >= 0:
            due = min(due, int(start))
            book(state, rich, job, max(int(start), now), end_of(int(start), int(state.jobs[job]["est"])), -1)
    s[DUE] = due
    mark_all(state)


@cache
def build_conservative(order: int, event: int, rich: int) -> Advance:
    """As `loop.build`, for conservative backfill; event: 1 for a round after every single end."""
    fifo = order == FIFO and not rich
    dynamic = order == DYNAMIC

    @loop
    def advance(state: State, until: int, budget: int) -> int:
        """Handle every instant up to and including `until`, until about `budget` events are handled."""
        s = state.scalars
        stop = s[EVENTS] + budget
        while True:
            now = min(next_submission(state), next_end(state))
            if rich:
                now = min(now, next_later(state))
            over = is_over(state, now) and is_stuck(state)
            now = min(now, next_clock(state))
            if s[ON_SUBMIT] or s[ON_END]:
                now = min(now, s[DUE])
            if s[FORCED]:
                now = s[NOW]
            elif over:
                return DONE
            if now >= NEVER:
                return DONE
            if now > until:
                return UNTIL
            if s[EVENTS] >= stop or s[STOP]:
                return BUDGET
            begin_instant(state, now)
            if now - s[BASE] > FAR:
                rebase(state)
            if s[HI] - s[LO] > s[WAITING] + s[WAITING] // 8 + SLACK:
                compact(state)  # every release looks at every place
            line = state.line
            for row in range(len(line.span)):
                forget(line.at[row], line.free[row], line.span[row], now)
            if dynamic and s[WAITING] > 0:
                resort(state, rich)
            gather(state)
            acted = s[BATCH] > 0 and s[ON_END]
            if event:
                if s[OVERRUNS]:
                    extend_overruns(state, rich)
            else:
                for c in range(s[BATCH]):
                    finish(state, rich, int(state.batch[c]))
            while True:
                if rich:
                    job = next_arrived(state, now)
                else:
                    job = next_submitted(state, now)
                if job < 0 or s[STOP]:
                    if not event or s[BATCH] == 0:
                        break
                    for c in range(s[BATCH]):
                        if s[STOP]:
                            return BUDGET
                        finish(state, rich, int(state.batch[c]))
                        if s[ON_END]:
                            round_after_ends(state, rich)
                    s[BATCH] = 0
                    continue
                s[EVENTS] += 1
                s[ARRIVED] = 1
                acted = acted or s[ON_SUBMIT]
                if fifo:
                    append(state, job)
                    k = s[HI] - 1
                else:
                    k = insert(state, rich, 1, job)
                reserve(state, k, UNPLACED)
                if event and s[ON_SUBMIT]:
                    place_one(state, rich, k)
            tick = is_tick(state)
            live = s[ON_SUBMIT] or s[ON_END]
            if acted or tick or (live and s[DUE] <= now):
                s[FORCED] = 0
                if not event or tick:
                    if s[OVERRUNS]:
                        extend_overruns(state, rich)
                    if s[ENDED]:
                        round_after_ends(state, rich)
                    if s[ARRIVED]:
                        place_new(state, rich)
                s[ARRIVED] = 0
                start_due(state, rich)
            count_waiting(state)

    return advance
