"""The calendar of expected ends: running jobs in buckets of time, for the shadow time of a blocked head.

A bucket is 1 << SHIFT ticks, chosen so that the longest estimate spans fewer buckets than there are:
an expected end's bucket is then (end >> SHIFT) mod BUCKETS, without ambiguity, and putting a job in or
taking it out costs the same however many run. Overrunning jobs sit in a bucket of their own, OVERDUE.
"""

from __future__ import annotations

from timonier.simulate.kernel.jit import helper, inline
from timonier.simulate.kernel.state import (
    AT_SHADOW,
    BUCKETS,
    EXTRA,
    GROUP_BITS,
    NEVER,
    NOW,
    OVERDUE,
    OVERRUNS,
    SHADOW,
    SHIFT,
    SWEPT,
    State,
)


@inline
def file(state: State, slot: int, index: int, size: int) -> None:
    """Put a slot into bucket `index`."""
    running = state.running
    first = state.bucket[index]
    running[slot]["after"] = first
    running[slot]["before"] = -1
    if first >= 0:
        running[first]["before"] = slot
    state.bucket[index] = slot
    state.held[index] += size
    if index < BUCKETS:
        state.group[index >> GROUP_BITS] += size


@inline
def unfile(state: State, slot: int, index: int, size: int) -> None:
    """Take a slot out of bucket `index`."""
    running = state.running
    after = running[slot]["after"]
    before = running[slot]["before"]
    if before >= 0:
        running[before]["after"] = after
    else:
        state.bucket[index] = after
    if after >= 0:
        running[after]["before"] = before
    state.held[index] -= size
    if index < BUCKETS:
        state.group[index >> GROUP_BITS] -= size


@inline
def enter(state: State, slot: int) -> None:
    """File a job that starts; one that is expected to run for ever is in no bucket."""
    running = state.running
    expected = running[slot]["expected"]
    if expected < NEVER:
        index = (expected >> state.scalars[SHIFT]) & (BUCKETS - 1)
        if state.scalars[OVERRUNS] and expected <= state.scalars[SWEPT]:
            index = OVERDUE
        file(state, slot, index, int(running[slot]["size"]))


@inline
def leave(state: State, slot: int) -> None:
    """Take out a job that ends."""
    running = state.running
    expected = running[slot]["expected"]
    if expected < NEVER:
        index = (expected >> state.scalars[SHIFT]) & (BUCKETS - 1)
        if state.scalars[OVERRUNS] and expected <= state.scalars[SWEPT]:
            index = OVERDUE
        unfile(state, slot, index, int(running[slot]["size"]))


@helper
def sweep(state: State) -> None:
    """Move every job expected by now, and still running, to the overdue bucket."""
    s = state.scalars
    running = state.running
    now = s[NOW]
    if s[SWEPT] >= now:
        return
    shift = s[SHIFT]
    first = s[SWEPT] >> shift
    last = now >> shift
    if last - first >= BUCKETS:
        first = last - BUCKETS + 1
    for position in range(first, last + 1):
        index = position & (BUCKETS - 1)
        slot = state.bucket[index]
        while slot >= 0:
            after = running[slot]["after"]
            if running[slot]["expected"] <= now:
                size = int(running[slot]["size"])
                unfile(state, slot, index, size)
                file(state, slot, OVERDUE, size)
            slot = after
    s[SWEPT] = now


@inline
def find_shadow(state: State, need: int) -> None:
    """Set SHADOW, EXTRA and AT_SHADOW for a head that needs `need` processors more than are free.

    Source: Lifka (1995); Mu'alem and Feitelson (2001), section 2.
    """
    s = state.scalars
    running = state.running
    now = s[NOW]
    released = 0
    if s[OVERRUNS]:
        released = int(state.held[OVERDUE])  # expected at now + 1
    shift = s[SHIFT]
    first = now >> shift
    position = first
    end = first + BUCKETS
    if released < need:
        while position < end:
            index = position & (BUCKETS - 1)
            if index & ((1 << GROUP_BITS) - 1) == 0 and position > first:
                block = state.group[index >> GROUP_BITS]
                if released + block < need and position + (1 << GROUP_BITS) <= end:
                    released += block
                    position += 1 << GROUP_BITS
                    continue
            if released + state.held[index] >= need:
                break
            released += state.held[index]
            position += 1
        if position >= end:
            s[SHADOW] = NEVER
            s[EXTRA] = 0
            s[AT_SHADOW] = 0
            return
        shadow = pick_end(state, position & (BUCKETS - 1), need - released)
    else:
        shadow = now + 1
    at_shadow = 0
    slot = state.bucket[(shadow >> shift) & (BUCKETS - 1)]
    while slot >= 0:
        expected = running[slot]["expected"]
        if expected == shadow:
            at_shadow += int(running[slot]["size"])
            released += int(running[slot]["size"])
        elif expected < shadow:
            released += int(running[slot]["size"])
        slot = running[slot]["after"]
    s[SHADOW] = shadow
    s[EXTRA] = released - need
    s[AT_SHADOW] = at_shadow


@inline
def pick_end(state: State, index: int, need: int) -> int:
    """The first expected end in a bucket by which `need` of its processors are free."""
    running = state.running
    reached = -1
    taken = 0
    while True:
        earliest = NEVER
        amount = 0
        slot = state.bucket[index]
        while slot >= 0:
            expected = running[slot]["expected"]
            if expected > reached:
                if expected < earliest:
                    earliest = expected
                    amount = int(running[slot]["size"])
                elif expected == earliest:
                    amount += int(running[slot]["size"])
            slot = running[slot]["after"]
        taken += amount
        if taken >= need:
            return earliest
        reached = earliest
