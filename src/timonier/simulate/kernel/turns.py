"""The event loop with a pass of its own for every event: `each = "event"`, as Pyss.

At every instant first the arrivals in turn, then the ends in turn in the order of their starts, each with
its pass. A job that ends exactly when expected counts as gone in every pass of that instant.
"""

from __future__ import annotations

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
from timonier.simulate.kernel.backfill import easy_pass, plain_pass, rich_pass, shortest_pass
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
from timonier.simulate.kernel.cycle import DYNAMIC, FIFO, is_tick, next_clock
from timonier.simulate.kernel.jit import helper, loop
from timonier.simulate.kernel.loop import Advance
from timonier.simulate.kernel.order import FCFS
from timonier.simulate.kernel.pool import charge, fits, next_end, pop_end, release, retire
from timonier.simulate.kernel.state import (
    ARRIVE,
    BATCH,
    BUDGET,
    CALM,
    CLOCK,
    CYCLE_EVERY,
    DONE,
    END,
    ENDS,
    EVENTS,
    FORCED,
    FREE,
    HEAD,
    IDLE,
    NEVER,
    NOW,
    ON_END,
    ON_SUBMIT,
    PHASE,
    REJOIN,
    RULE,
    STOP,
    TURN,
    UNTIL,
    WAITING,
    State,
)
from timonier.simulate.kernel.waiting import append, count_waiting, insert, resort


@helper
def give_back(state: State, calendar: int, rich: int, slot: int) -> None:
    """Everything that a running job holds is free again; it is not yet marked as ended."""
    if calendar:
        leave(state, slot)
    release(state, slot)
    if rich:
        charge(state, int(state.running[slot]["job"]), -1)


@helper
def gather_ends(state: State, calendar: int, rich: int) -> None:
    """Take all ends of now from the heap, in the order of starts; the expected ones give back at once."""
    s = state.scalars
    running = state.running
    batch = state.batch
    count = 0
    while s[ENDS] > 0 and next_end(state) <= s[NOW]:
        slot = pop_end(state)
        if running[slot]["expected"] == s[NOW]:
            give_back(state, calendar, rich, slot)
        k = count
        while k > 0 and running[batch[k - 1]]["seq"] > running[slot]["seq"]:
            batch[k] = batch[k - 1]
            k -= 1
        batch[k] = slot
        count += 1
    s[BATCH] = count
    s[TURN] = 0


@cache
def build_turns(order: int, backfill: int, rich: int) -> Advance:
    """As `loop.build`, with a pass for every event."""
    fifo = order == FIFO and not rich
    dynamic = order == DYNAMIC
    cycling = backfill == bf.RESERVATIONS
    yielding = cycling or backfill == bf.YIELDING
    calendar = int(backfill in (bf.EASY, bf.SHORTEST))
    easy = backfill == bf.EASY
    shortest = backfill == bf.SHORTEST
    picky = order == FIFO and not shortest

    @loop
    def advance(state: State, until: int, budget: int) -> int:
        """Handle every event up to and including `until`, at most about `budget` of them."""
        s = state.scalars
        stop = s[EVENTS] + budget
        while True:
            if s[EVENTS] >= stop or s[STOP]:
                return BUDGET
            due = False
            phase = s[PHASE]
            if phase == IDLE:
                now = min(next_submission(state), next_end(state))
                if rich:
                    now = min(now, next_later(state))
                over = is_over(state, now)
                now = min(now, next_clock(state))
                if cycling:
                    now = min(now, next_cycle(state))
                if s[FORCED]:
                    now = s[NOW]
                elif over:
                    return DONE
                if now >= NEVER:
                    return DONE
                if now > until:
                    return UNTIL
                begin_instant(state, now)
                gather_ends(state, calendar, rich)
                if cycling:
                    begin_cycles(state)
                    if s[BATCH] > 0:
                        s[CALM] = 0
                s[PHASE] = ARRIVE
            elif phase == ARRIVE or phase == REJOIN:
                if rich:
                    job = next_arrived(state, s[NOW])
                else:
                    job = next_submitted(state, s[NOW])
                if job < 0:
                    s[PHASE] = END if phase == ARRIVE else CLOCK
                    continue
                s[EVENTS] += 1
                if fifo:
                    append(state, job)
                else:
                    k = insert(state, rich, 0, job)
                    if cycling:
                        has_come(state, k)
                due = s[ON_SUBMIT] > 0
                if yielding:
                    if due and s[RULE] == FCFS:
                        due = fits(state, job)
                elif picky and due:
                    if rich:
                        due = fits(state, job)
                    else:
                        due = state.jobs[job]["size"] <= s[FREE]
            elif phase == END:
                if s[TURN] == s[BATCH]:
                    s[PHASE] = REJOIN
                    continue
                s[EVENTS] += 1
                slot = int(state.batch[s[TURN]])
                s[TURN] += 1
                if state.running[slot]["expected"] != s[NOW]:
                    if cycling:
                        give_rest(state, slot)
                    give_back(state, calendar, rich, slot)
                job = retire(state, slot)
                if rich:
                    end_job(state, job, s[NOW])
                due = s[ON_END] > 0
            else:
                s[PHASE] = IDLE
                due = is_tick(state)
                s[FORCED] = 0
            if due and s[WAITING] > 0:
                s[HEAD] = -1  # what counts as gone changes from event to event: no shadow time is kept
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
                else:
                    plain_pass(state)
                if cycling:
                    if s[CYCLE_EVERY] == 0 and s[WAITING] > 0:
                        make_cycle(state)
            if phase == CLOCK:
                if cycling:
                    if is_cycle(state):
                        if is_dynamic(state):
                            resort(state, rich)
                        make_cycle(state)
                count_waiting(state)

    return advance
