"""The event loop of the counting engine, in a few builds: `each = "instant"`.

At every instant all ends, then all arrivals, then one pass (docs/background/counting-engine.md).
A build closes over integers only, so that Numba finds it again in its cache, and so that code which a
kind of profile does not need is never compiled for it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from timonier.simulate.kernel import backfill as bf
from timonier.simulate.kernel.arrivals import (
    begin_instant,
    end_job,
    is_over,
    next_arrived,
    next_later,
    next_submission,
    next_submitted,
)
from timonier.simulate.kernel.backfill import (
    easy_pass,
    heap_pass,
    note_end,
    plain_pass,
    rich_pass,
    shortest_pass,
)
from timonier.simulate.kernel.calendar import leave
from timonier.simulate.kernel.count_cycle import (
    begin_cycles,
    give_rest,
    has_come,
    is_cycle,
    is_dynamic,
    make_cycle,
    next_cycle,
    yielding_pass,
)
from timonier.simulate.kernel.cycle import DYNAMIC, FIFO, STATIC, is_due, next_clock
from timonier.simulate.kernel.jit import inline, loop
from timonier.simulate.kernel.pool import charge, next_end, pop_end, release, retire
from timonier.simulate.kernel.state import (
    ARRIVED,
    BUDGET,
    CYCLE_EVERY,
    DONE,
    ENDED,
    ENDS,
    EVENTS,
    EVERY,
    FORCED,
    FREE,
    HEAD,
    HOLE,
    LO,
    NEVER,
    NOW,
    ON_END,
    STOP,
    UNTIL,
    WAITING,
    State,
)
from timonier.simulate.kernel.waiting import append, count_waiting, heap_push, insert, resort

Advance = Callable[[State, int, int], int]


def is_heaped(order: int, backfill: int, event: int, rich: int) -> bool:
    """Is the line of this kind of profile a heap: fixed keys, and nobody but the head ever starts?"""
    return order == STATIC and backfill == bf.NONE and not event and not rich


@inline
def is_blocked(state: State) -> bool:
    """Is there a head for which there is no room? (A hole has the size of nobody's job.)"""
    s = state.scalars
    return bool(s[WAITING] > 0 and s[FREE] < state.waiting.size[s[LO]] < HOLE)


@inline
def join_line(state: State, now: int) -> None:
    """FCFS: who came by `now`, while nothing else happened, has waited."""
    s = state.scalars
    while not s[STOP]:
        job = next_submitted(state, now)
        if job < 0:
            break
        append(state, job)
        s[ARRIVED] = 1
    count_waiting(state)


@cache
def build(order: int, backfill: int, rich: int) -> Advance:
    """The loop for one kind of profile and workload: advance(state, until, budget) -> reason.

    order: FIFO, STATIC or DYNAMIC.  backfill: NONE, EASY, SHORTEST, RESERVATIONS or YIELDING.
    rich: 1 when some job has a partition, a queue rule or a dependency.
    RESERVATIONS and YIELDING are rich always, and DYNAMIC whatever the order: one build for all of them.
    """
    fifo = order == FIFO and not rich
    dynamic = order == DYNAMIC
    cycling = backfill == bf.RESERVATIONS
    yielding = cycling or backfill == bf.YIELDING
    calendar = backfill in (bf.EASY, bf.SHORTEST)
    easy = backfill == bf.EASY
    shortest = backfill == bf.SHORTEST
    keeps_shadow = calendar and not rich
    heaped = is_heaped(order, backfill, 0, rich)
    patient = fifo and backfill == bf.NONE  # behind a blocked head nothing happens before an end

    @loop
    def advance(state: State, until: int, budget: int) -> int:
        """Handle every event up to and including `until`, at most `budget` instants."""
        s = state.scalars
        stop = s[EVENTS] + budget
        clock = s[EVERY] > 0
        if cycling:
            clock = True
        while True:
            now = next_end(state)
            if not (patient and s[WAITING] > 0 and s[ON_END] and not clock):
                now = min(now, next_submission(state))
            if rich:
                now = min(now, next_later(state))
            if s[FORCED]:
                now = s[NOW]
            elif clock:
                if is_over(state, now):
                    return DONE
                now = min(now, next_clock(state))
                if cycling:
                    now = min(now, next_cycle(state))
            if now > until:
                if patient and not s[FORCED]:
                    join_line(state, until)
                return DONE if now >= NEVER else UNTIL
            if s[EVENTS] >= stop or s[STOP]:
                return BUDGET
            if clock:
                begin_instant(state, now)
                if cycling:
                    begin_cycles(state)
            else:
                s[NOW] = now
            s[EVENTS] += 1
            while s[ENDS] > 0 and next_end(state) <= now:
                slot = pop_end(state)
                if keeps_shadow:
                    note_end(state, slot)
                if calendar:
                    leave(state, slot)
                if cycling:
                    give_rest(state, slot)
                release(state, slot)
                job = retire(state, slot)
                if rich:
                    charge(state, job, -1)
                    end_job(state, job, now)
                s[ENDED] = 1
            if patient and not s[FORCED]:
                if s[ON_END] and not clock and is_blocked(state):
                    s[ENDED] = 0
                    continue
                join_line(state, now - 1)
            while True:
                if rich:
                    job = next_arrived(state, now)
                else:
                    job = next_submitted(state, now)
                if job < 0 or s[STOP]:
                    break
                if heaped:
                    heap_push(state, job)
                elif fifo:
                    append(state, job)
                else:
                    k = insert(state, rich, 0, job)
                    if cycling:
                        has_come(state, k)
                s[ARRIVED] = 1
            if is_due(state):
                s[FORCED] = 0
                if s[WAITING] > 0:
                    if dynamic:
                        if not yielding or is_dynamic(state):
                            resort(state, rich)
                    if yielding:
                        yielding_pass(state, int(cycling))
                    elif rich:
                        rich_pass(state, backfill)
                    elif easy:
                        easy_pass(state)
                    elif shortest:
                        shortest_pass(state)
                    elif heaped:
                        heap_pass(state)
                    else:
                        plain_pass(state)
                elif keeps_shadow:
                    s[HEAD] = -1
                if cycling:
                    if s[CYCLE_EVERY] == 0 and s[WAITING] > 0:
                        make_cycle(state)
                s[ENDED] = 0
                s[ARRIVED] = 0
            if cycling:
                if is_cycle(state):
                    if is_dynamic(state):
                        resort(state, rich)
                    make_cycle(state)
            count_waiting(state)

    return advance
