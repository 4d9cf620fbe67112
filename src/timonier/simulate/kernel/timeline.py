"""Free processors over time: what running jobs and reservations leave, as a step function.

Row 0 is the machine, row p + 1 partition p. Segments first[row] .. count[row] - 1 are in use; the last one
never ends. Free may be negative where an overrunning job met a reservation.
"""

from __future__ import annotations

from timonier.simulate.kernel.jit import helper
from timonier.simulate.kernel.state import NEVER, Array, Line


@helper
def segment(at: Array, low: int, high: int, when: int) -> int:
    """The last segment in [low, high) that begins at or before `when`; at[low] <= when."""
    while high - low > 1:
        middle = (low + high) >> 1
        if at[middle] <= when:
            low = middle
        else:
            high = middle
    return low


@helper
def cut(line: Line, row: int, when: int) -> int:
    """The segment that begins at `when`, made by cutting one in two if there is none."""
    at = line.at[row]
    free = line.free[row]
    count = line.count[row]
    k = segment(at, line.first[row], count, when)
    if at[k] == when:
        return int(k)
    for m in range(count, k + 1, -1):
        at[m] = at[m - 1]
        free[m] = free[m - 1]
    at[k + 1] = when
    free[k + 1] = free[k]
    line.count[row] = count + 1
    return int(k + 1)


@helper
def join(line: Line, row: int, k: int) -> None:
    """Take segment k away if it has as many free as the one before."""
    at = line.at[row]
    free = line.free[row]
    if k <= line.first[row] or free[k] != free[k - 1]:
        return
    count = line.count[row] - 1
    for m in range(k, count):
        at[m] = at[m + 1]
        free[m] = free[m + 1]
    line.count[row] = count


@helper
def add(line: Line, row: int, begin: int, end: int, amount: int) -> None:
    """`amount` more processors are free on [begin, end); NEVER: for ever."""
    if begin >= end:
        return
    a = cut(line, row, begin)
    b = line.count[row] if end >= NEVER else cut(line, row, end)
    free = line.free[row]
    for k in range(a, b):
        free[k] += amount
    if b < line.count[row]:
        join(line, row, b)
    join(line, row, a)


@helper
def forget(line: Line, row: int, now: int) -> None:
    """Leave out what is over: the first segment in use is the one of `now`."""
    line.first[row] = segment(line.at[row], line.first[row], line.count[row], now)
    first = line.first[row]
    if first > 64 and 2 * first > line.count[row]:
        kept = line.count[row] - first
        for k in range(kept):
            line.at[row, k] = line.at[row, first + k]
            line.free[row, k] = line.free[row, first + k]
        line.first[row] = 0
        line.count[row] = kept


@helper
def hole(line: Line, row: int, begin: int, size: int, est: int, before: int) -> int:
    """The first u >= begin with `size` free on [u, min(u + est, before)).

    Returns `before` (or more) when there is none earlier: with before = NEVER, never.
    """
    at = line.at[row]
    free = line.free[row]
    count = line.count[row]
    k = segment(at, line.first[row], count, begin)
    start = begin
    while start < before:
        while free[k] < size:
            k += 1
            if k == count:
                return NEVER
            start = at[k]
        if start >= before:
            break
        until = before if est >= NEVER else min(start + est, before)
        while True:
            k += 1
            if k == count:
                return int(start)
            if at[k] >= until:
                return int(start)
            if free[k] < size:
                break
    return before
