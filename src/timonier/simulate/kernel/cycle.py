"""When a pass is due, and what every build shares around it."""

from __future__ import annotations

from timonier.simulate.kernel.arrivals import come_later
from timonier.simulate.kernel.jit import inline, loop
from timonier.simulate.kernel.pool import charge, take
from timonier.simulate.kernel.state import (
    ARRIVED,
    BATCH,
    ENDED,
    EVERY,
    FORCED,
    NEVER,
    NEXT,
    NOW,
    ON_END,
    ON_SUBMIT,
    PENDING,
    WAITING,
    State,
)
from timonier.simulate.kernel.waiting import append, count_waiting, heap_push, insert

FIFO, STATIC, DYNAMIC = range(3)


@inline
def next_clock(state: State) -> int:
    """The next tick of the clock, if there is one and somebody waits."""
    s = state.scalars
    if s[EVERY] == 0 or s[WAITING] == 0:
        return NEVER
    return int((s[NOW] // s[EVERY] + 1) * s[EVERY])


@inline
def is_tick(state: State) -> bool:
    """Does the clock ask for a pass now?"""
    s = state.scalars
    return bool(s[FORCED] or (s[EVERY] > 0 and s[NOW] % s[EVERY] == 0))


@inline
def is_due(state: State) -> bool:
    """Is a pass due at this instant: something happened that asks for one, or the clock ticks."""
    s = state.scalars
    if (s[ENDED] and s[ON_END]) or (s[ARRIVED] and s[ON_SUBMIT]):
        return True
    return is_tick(state)


@loop
def prime(state: State, fifo: int, rich: int, calendar: int, heaped: int) -> None:
    """Bring in what a state says runs and waits already, without a pass.

    The running jobs stand in `batch`, in the order of their starts; the waiting ones come by index.
    """
    s = state.scalars
    for c in range(s[BATCH]):
        job = int(state.batch[c])
        if calendar:
            take(state, 1, job, int(state.marks[job]["start"]))
        else:
            take(state, 0, job, int(state.marks[job]["start"]))
        if rich:
            charge(state, job, 1)
    s[BATCH] = 0
    for job in range(s[NEXT]):
        if state.marks[job]["start"] >= 0 or state.marks[job]["state"] != PENDING:
            continue
        if rich:
            opening = state.opening[job]
            if opening["missing"] == 0 and opening["eligible"] <= s[NOW]:
                insert(state, 1, 0, job)
        elif heaped:
            heap_push(state, job)
        elif fifo:
            append(state, job)
        else:
            insert(state, 0, 0, job)
    if rich:
        for job in range(len(state.jobs)):
            opening = state.opening[job]
            if (
                state.marks[job]["state"] == PENDING
                and state.rules[job]["depends"]
                and opening["missing"] == 0
            ):
                if opening["eligible"] > s[NOW]:
                    come_later(state, job, int(opening["eligible"]))
    if not s[FORCED]:
        count_waiting(state)
