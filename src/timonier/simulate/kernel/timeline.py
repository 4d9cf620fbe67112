"""Free processors over time: what running jobs and reservations leave, as a step function.

A line is two arrays, at (int64, ticks) and free (int32, processors free from at[k] to at[k + 1]), and its
span (int64[2]): segments span[FIRST] .. span[COUNT] - 1 are in use, the last one never ends. Free may be
negative where an overrunning job met a reservation. Each partition has a line of its own besides the machine's.
"""

from __future__ import annotations

from numpy import int32, uint64

from timonier.simulate.kernel.jit import helper, inline
from timonier.simulate.kernel.state import NEVER, Array

FIRST, COUNT = range(2)
CHUNK = 16  # segments tested at once


@inline
def segment(at: Array, low: int, high: int, when: int) -> int:
    """The last segment in [low, high) that begins at or before `when`; at[low] <= when."""
    while high - low > 1:
        middle = (low + high) >> 1
        if at[middle] <= when:
            low = middle
        else:
            high = middle
    return low


@inline
def cut(at: Array, free: Array, span: Array, when: int) -> int:
    """The segment that begins at `when`, made by cutting one in two if there is none."""
    count = span[COUNT]
    k = segment(at, span[FIRST], count, when)
    if at[k] == when:
        return k
    for m in range(uint64(count - k - 1)):  # an unsigned index needs no test for being negative
        to = uint64(count) - m
        at[to] = at[to - uint64(1)]
        free[to] = free[to - uint64(1)]
    at[k + 1] = when
    free[k + 1] = free[k]
    span[COUNT] = count + 1
    return k + 1


@inline
def join(at: Array, free: Array, span: Array, k: int) -> None:
    """Take segment k away if it has as many free as the one before."""
    if k <= span[FIRST] or free[k] != free[k - 1]:
        return
    count = span[COUNT] - 1
    for m in range(uint64(k), uint64(count)):
        at[m] = at[m + uint64(1)]
        free[m] = free[m + uint64(1)]
    span[COUNT] = count


@helper
def add(at: Array, free: Array, span: Array, begin: int, end: int, amount: int) -> tuple[int, int]:
    """`amount` more processors are free on [begin, end), NEVER: for ever. Returns the least and most free then."""
    if begin >= end:
        return 0, 0
    a = cut(at, free, span, begin)
    b = span[COUNT] if end >= NEVER else cut(at, free, span, end)
    least, most = raise_all(free[a:b], amount)
    if b < span[COUNT]:
        join(at, free, span, b)
    join(at, free, span, a)
    return least, most


@inline
def raise_all(free: Array, amount: int) -> tuple[int, int]:
    """Add `amount` to every segment; the least and the most that is then free. Many are done at once."""
    more = int32(amount)
    least = free[0] + more
    most = free[0] + more
    for k in range(len(free)):
        now = int32(free[k] + more)
        free[k] = now
        least = min(int32(least), now)
        most = max(int32(most), now)
    return int(least), int(most)


@helper
def forget(at: Array, free: Array, span: Array, now: int) -> None:
    """Leave out what is over: the first segment in use is the one of `now`."""
    first = span[FIRST]
    while first + 1 < span[COUNT] and at[first + 1] <= now:
        first += 1
    span[FIRST] = first
    if first > 64 and 2 * first > span[COUNT]:
        kept = span[COUNT] - first
        for k in range(kept):
            at[k] = at[first + k]
            free[k] = free[first + k]
        span[FIRST] = 0
        span[COUNT] = kept


@inline
def roomy(free: Array, size: int) -> bool:
    """Is there room for `size` in one of these segments? Written so that many are tested at once."""
    found = False
    least = int32(size)
    for k in range(len(free)):
        found |= free[k] >= least
    return found


@helper
def hole(at: Array, free: Array, span: Array, begin: int, size: int, est: int, before: int, last: int) -> int:
    """The first u >= begin with `size` free on [u, min(u + est, before)), if it is earlier than `last`.

    Returns NEVER when there is none.
    """
    count = span[COUNT]
    k = segment(at, span[FIRST], count, begin)
    start = begin
    while True:
        if free[k] < size:
            k += 1
            while k + CHUNK <= count and not roomy(free[k : k + CHUNK], size):
                k += CHUNK
            while k < count and free[k] < size:
                k += 1
            if k == count:
                return NEVER
            start = at[k]
        if start >= last:
            return NEVER
        until = before if est >= NEVER else min(start + est, before)
        while True:
            k += 1
            if k == count or at[k] >= until:
                return int(start)
            if free[k] < size:
                break
