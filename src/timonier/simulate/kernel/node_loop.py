"""The event loop on nodes, in a few builds: the instants of `loop` and `turns`, with named nodes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from timonier.simulate.kernel.arrivals import (
    begin_instant,
    end_job,
    is_over,
    next_arrived,
    next_later,
    next_submission,
)
from timonier.simulate.kernel.backfill import SHORTEST
from timonier.simulate.kernel.count_cycle import begin_cycles, has_come, next_cycle
from timonier.simulate.kernel.cycle import is_due, is_tick, next_clock
from timonier.simulate.kernel.jit import helper_once as helper
from timonier.simulate.kernel.jit import inline_once as inline
from timonier.simulate.kernel.jit import loop
from timonier.simulate.kernel.node_cycle import cycle_by_clock, make_cycle
from timonier.simulate.kernel.node_pass import give_back, node_pass
from timonier.simulate.kernel.order import DYNAMIC_RULES, FCFS
from timonier.simulate.kernel.pool import next_end, pop_end, retire
from timonier.simulate.kernel.refs import by_ref
from timonier.simulate.kernel.reserve import which_fits_now
from timonier.simulate.kernel.site import BACKFILL, Cluster
from timonier.simulate.kernel.state import (
    ARRIVE,
    ARRIVED,
    BATCH,
    BUDGET,
    CALM,
    CLOCK,
    CYCLE_EVERY,
    DONE,
    END,
    ENDED,
    ENDS,
    EVENTS,
    FORCED,
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
from timonier.simulate.kernel.waiting import count_waiting, insert, resort

AdvanceNodes = Callable[[Cluster, int, int], int]
WFP3, UNICEF = DYNAMIC_RULES


@inline
def next_instant(state: State) -> int:
    """When something is submitted, comes or ends."""
    return min(next_submission(state), next_end(state), next_later(state))


@inline
def cycle_after_pass(cluster: Cluster) -> None:
    """What follows each pass where cycles have no clock of their own."""
    s = cluster.base.scalars
    if s[CYCLE_EVERY] == 0 and s[WAITING] > 0:
        make_cycle(cluster)


@helper
def make_pass(cluster: Cluster) -> None:
    """A pass, backfill behind its head included."""
    base = cluster.base
    rule = base.scalars[RULE]
    if base.scalars[WAITING] > 0:
        if rule == WFP3 or rule == UNICEF:
            resort(base, 1)
        node_pass(cluster)


@helper
def gather_ends(cluster: Cluster) -> None:
    """Take all ends of now from the heap, in the order of starts; the expected ones give back at once."""
    base = cluster.base
    s = base.scalars
    running = base.running
    batch = base.batch
    count = 0
    while s[ENDS] > 0 and next_end(base) <= s[NOW]:
        slot = pop_end(base)
        if running[slot]["expected"] == s[NOW]:
            give_back(cluster, slot)
        k = count
        while k > 0 and running[batch[k - 1]]["seq"] > running[slot]["seq"]:
            batch[k] = batch[k - 1]
            k -= 1
        batch[k] = slot
        count += 1
    s[BATCH] = count
    s[TURN] = 0


@cache
def build_nodes(event: int, cycling: int = 0) -> AdvanceNodes:
    """The loop for one kind of profile: advance(cluster, until, budget) -> reason.

    event: a pass for every event.  cycling: 1 for backfill by reservations.
    """
    return _build_turns(cycling) if event else _build_instants(cycling)


def _build_instants(cycling: int) -> AdvanceNodes:
    @loop
    def advance(whole: Cluster, until: int, budget: int) -> int:
        """Handle every event up to and including `until`, at most `budget` instants."""
        cluster = by_ref(whole)
        base = cluster.base
        s = base.scalars
        stop = s[EVENTS] + budget
        while True:
            now = next_instant(base)
            if s[FORCED]:
                now = s[NOW]
            else:
                if is_over(base, now):
                    return DONE
                now = min(now, next_clock(base))
                if cycling:
                    now = min(now, next_cycle(base))
            if now > until:
                return DONE if now >= NEVER else UNTIL
            if s[EVENTS] >= stop or s[STOP]:
                return BUDGET
            begin_instant(base, now)
            if cycling:
                begin_cycles(base)
            s[EVENTS] += 1
            while s[ENDS] > 0 and next_end(base) <= now:
                slot = pop_end(base)
                give_back(cluster, slot)
                end_job(base, retire(base, slot), now)
                s[ENDED] = 1
                s[CALM] = 0
            while True:
                job = next_arrived(base, now)
                if job < 0:
                    break
                k = insert(base, 1, 0, job)
                if cycling:
                    has_come(base, k)
                s[ARRIVED] = 1
            if is_due(base):
                s[FORCED] = 0
                make_pass(cluster)
                if cycling:  # here, where Numba knows it: else it compiles cycles into every loop
                    cycle_after_pass(cluster)
                s[ENDED] = 0
                s[ARRIVED] = 0
            if cycling:
                cycle_by_clock(cluster)
            count_waiting(base)

    return advance


def _build_turns(cycling: int) -> AdvanceNodes:
    @loop
    def advance(whole: Cluster, until: int, budget: int) -> int:
        """Handle every event up to and including `until`, at most about `budget` of them."""
        cluster = by_ref(whole)
        base = cluster.base
        s = base.scalars
        stop = s[EVENTS] + budget
        while True:
            if s[EVENTS] >= stop or s[STOP]:
                return BUDGET
            due = False
            phase = s[PHASE]
            if phase == IDLE:
                now = next_instant(base)
                over = is_over(base, now)
                now = min(now, next_clock(base))
                if cycling:
                    now = min(now, next_cycle(base))
                if s[FORCED]:
                    now = s[NOW]
                elif over:
                    return DONE
                if now >= NEVER:
                    return DONE
                if now > until:
                    return UNTIL
                begin_instant(base, now)
                if cycling:
                    begin_cycles(base)
                gather_ends(cluster)
                if s[BATCH] > 0:
                    s[CALM] = 0
                s[PHASE] = ARRIVE
            elif phase == ARRIVE or phase == REJOIN:
                job = next_arrived(base, s[NOW])
                if job < 0:
                    s[PHASE] = END if phase == ARRIVE else CLOCK
                    continue
                s[EVENTS] += 1
                k = insert(base, 1, 0, job)
                if cycling:
                    has_come(base, k)
                due = s[ON_SUBMIT] > 0
                if due and s[RULE] == FCFS and cluster.luck[BACKFILL] != SHORTEST:
                    due = which_fits_now(cluster, job) >= 0
            elif phase == END:
                if s[TURN] == s[BATCH]:
                    s[PHASE] = REJOIN
                    continue
                s[EVENTS] += 1
                slot = int(base.batch[s[TURN]])
                s[TURN] += 1
                if base.running[slot]["expected"] != s[NOW]:
                    give_back(cluster, slot)
                end_job(base, retire(base, slot), s[NOW])
                s[CALM] = 0
                due = s[ON_END] > 0
            else:
                s[PHASE] = IDLE
                due = is_tick(base)
                s[FORCED] = 0
            if due:
                make_pass(cluster)
                if cycling:
                    cycle_after_pass(cluster)
            if cycling:
                if phase == CLOCK:
                    cycle_by_clock(cluster)
            if phase == CLOCK:
                count_waiting(base)

    return advance
