"""Free processors over time: what running jobs and reservations leave, as a step function.

A line is two arrays, at (int64, ticks) and free (int32, processors free from at[k] to at[k + 1]), and its
span (int64[2]): segments span[FIRST] .. span[COUNT] - 1 are in use, the last one never ends. Free may be
negative where an overrunning job met a reservation. Each partition has a line of its own besides the machine's.
"""

from __future__ import annotations

from numpy import int32, int64, uint64

from timonier.simulate.kernel.jit import helper, inline
from timonier.simulate.kernel.state import NEVER, Array

FIRST, COUNT = range(2)
CHUNK = 16  # segments tested at once
LEVELS = 4  # sizes for which it is told what a release means
GAIN = 2 + 3 * LEVELS


@inline
def segment(at: Array, low: int, high: int, when: int) -> int:
    """The last segment in [low, high) that begins at or before `when`; at[low] <= when."""
    k = uint64(low)  # an unsigned index needs no test for being negative
    length = uint64(high - low)
    while length > uint64(1):
        half = length >> uint64(1)
        if at[k + half] <= when:
            k += half
        length -= half
    return int64(k)  # type: ignore[return-value]


@inline
def shift_right(at: Array, free: Array, low: int, high: int) -> None:
    """Move segments [low, high) up by one place."""
    for m in range(uint64(high - low)):
        to = uint64(high) - m
        at[to] = at[to - uint64(1)]
        free[to] = free[to - uint64(1)]


@inline
def shift_left(at: Array, free: Array, low: int, high: int) -> None:
    """Move segments [low, high) down by one place."""
    for m in range(uint64(low), uint64(high)):
        at[m - uint64(1)] = at[m]
        free[m - uint64(1)] = free[m]


@inline
def cut(at: Array, free: Array, span: Array, low: int, when: int) -> int:
    """The segment that begins at `when`, at `low` or later, made by cutting one in two if there is none."""
    count = span[COUNT]
    k = segment(at, low, count, when)
    if at[k] == when:
        return k
    split(at, free, span, k + 1, when)
    return k + 1


@inline
def split(at: Array, free: Array, span: Array, k: int, when: int) -> None:
    """Let a segment begin at `when`, at place k, by cutting the one before in two."""
    count = span[COUNT]
    shift_right(at, free, k, count)
    at[k] = when
    free[k] = free[k - 1]
    span[COUNT] = count + 1


@inline
def join(at: Array, free: Array, span: Array, k: int) -> None:
    """Take segment k away if it has as many free as the one before."""
    if k <= span[FIRST] or free[k] != free[k - 1]:
        return
    shift_left(at, free, k + 1, span[COUNT])
    span[COUNT] -= 1


@helper
def add(at: Array, free: Array, span: Array, begin: int, end: int, amount: int, gain: Array) -> None:
    """`amount` more processors are free on [begin, end), NEVER: for ever. What is given back is told in `gain`."""
    if begin >= end:
        return
    a = cut(at, free, span, span[FIRST], begin)
    b = span[COUNT] if end >= NEVER else cut(at, free, span, a, end)
    least, most = raise_all(free[a:b], amount)
    if amount > 0:
        tell(at, free, span, a, b, least - amount, most, gain)
    if b < span[COUNT]:
        join(at, free, span, b)
    join(at, free, span, a)


@helper
def slide(
    at: Array,
    free: Array,
    span: Array,
    size: int,
    a: int,
    b: int,
    old: int,
    end: int,
    old_end: int,
    gain: Array,
) -> None:
    """Move what is taken on [old, old_end) to [at[a], end), where at[a] < old < end < old_end.

    b: the first segment that begins at `old` or later. The same as two times `add`, but most segments stay
    where they are.
    """
    if b == span[COUNT] or at[b] != old:
        split(at, free, span, b, old)
    raise_all(free[a:b], -size)
    c = segment(at, b, span[COUNT], end)
    e = c + 1
    while e < span[COUNT] and at[e] < old_end:
        e += 1
    if e == span[COUNT] or at[e] != old_end:
        split(at, free, span, e, old_end)
    count = span[COUNT]
    fresh = at[c] != end
    drop_e = free[e - 1] + size == free[e]
    value = free[c]
    if free[b] == free[b - 1]:
        shift_left(at, free, b + 1, c + 1)
        if not fresh:
            shift_left(at, free, c + 1, count)
            count -= 1
            c -= 1
            e -= 1
    elif fresh:
        c += 1
        if drop_e:
            drop_e = False
            shift_right(at, free, c, e)
        else:
            shift_right(at, free, c, count)
            count += 1
        e += 1
    if fresh:
        at[c] = end
        free[c] = value
    least, most = raise_all(free[c:e], size)
    span[COUNT] = count
    tell(at, free, span, c, e, least - size, most, gain)
    if drop_e:
        shift_left(at, free, e + 1, count)
        span[COUNT] = count - 1


@inline
def tell(at: Array, free: Array, span: Array, a: int, b: int, before: int, after: int, gain: Array) -> None:
    """What became free on segments [a, b): write down for whom that may open a hole, and how long a one.

    gain: from `before`, to `after` processors; then for LEVELS sizes, falling from `after` to `before`, each:
    larger jobs than this (but no larger than the level before) see a gap of so long that ends at this instant.
    """
    gain[0] = before
    gain[1] = after
    count = span[COUNT]
    first = span[FIRST]
    low = a
    high = b
    for level in range(LEVELS):
        more = before if level + 1 == LEVELS else before + ((after - before) >> (level + 1))
        while low > first and free[low - 1] > more:
            low -= 1
        while high < count and free[high] > more:
            high += 1
        until = NEVER if high == count else at[high]
        gain[2 + 3 * level] = more
        gain[3 + 3 * level] = until - at[low]
        gain[4 + 3 * level] = until


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
    at[first] = max(at[first], now)
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
def hole(
    at: Array, free: Array, span: Array, begin: int, size: int, est: int, before: int, last: int
) -> tuple[int, int, int]:
    """The first u >= begin with `size` free on [u, min(u + est, before)), if it is earlier than `last`.

    Returns u, its segment, and the first segment that begins at the end of that time or later; NEVER when there is none.
    """
    count = span[COUNT]
    k = segment(at, span[FIRST], count, begin)
    start = begin
    first = k
    while True:
        if free[k] < size:
            k += 1
            while k + CHUNK <= count and not roomy(free[k : k + CHUNK], size):
                k += CHUNK
            while k < count and free[k] < size:
                k += 1
            if k == count:
                return NEVER, 0, 0
            start = at[k]
            first = k
        if start >= last:
            return NEVER, 0, 0
        until = before if est >= NEVER else min(start + est, before)
        while True:
            k += 1
            if k == count or at[k] >= until:
                return int(start), first, k
            if free[k] < size:
                break
