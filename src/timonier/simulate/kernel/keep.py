"""Promises of a state that goes on under other rules: those that still fit are kept."""

from __future__ import annotations

from timonier.simulate.kernel.jit import loop
from timonier.simulate.kernel.pool import is_held
from timonier.simulate.kernel.reservations import book, end_of, first_hole, mark_all, reserve
from timonier.simulate.kernel.state import DUE, NEVER, NOW, Array, State


@loop
def keep_promises(state: State, rich: int, places: Array, promised: Array) -> None:
    """Reserve for the jobs at these places, in turn, what they were promised, unless it is taken, or they are held.

    places: int64, of the line.  promised: int64[J], ticks.
    """
    s = state.scalars
    for c in range(len(places)):
        k = int(places[c])
        job = int(state.waiting.job[k])
        begin = max(int(promised[job]), int(s[NOW]))
        if rich and is_held(state, job):
            continue
        start, _, _ = first_hole(state, rich, k, begin, NEVER, begin + 1)
        if start != begin:
            continue
        reserve(state, k, start)
        state.marks[job]["promised"] = start
        book(state, rich, job, start, end_of(start, int(state.jobs[job]["est"])), -1)
        s[DUE] = min(s[DUE], start)
    mark_all(state)
