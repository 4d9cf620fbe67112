"""Free processors over time: what running jobs and reservations leave, as a step function.

A line is two arrays, at (int64, ticks) and free (int32, processors free from at[k] to at[k + 1]), and its
span (int64[2]): segments span[FIRST] .. span[COUNT] - 1 are in use, the last one never ends. Free may be
negative where an overrunning job met a reservation. Each partition has a line of its own besides the machine's.
"""

from __future__ import annotations

from numpy import int32, uint64

from timonier.simulate.kernel.bits import FEW, WIDTH, at_least, below, few_below, first_bit, last_bit
from timonier.simulate.kernel.jit import helper, inline
from timonier.simulate.kernel.state import LONGEST, NEVER, Array

FIRST, COUNT = range(2)
LEVELS = 4  # sizes for which it is told what a release means
BEGIN = FEW  # the first place in a line, so that as many may be looked at before it
GAIN = 2 + 3 * LEVELS

# Where free processors changed: segments [a, b), and the least and the most that is free there now.
Change = tuple[int, int, int, int]


@inline
def segment(at: Array, low: int, high: int, when: int) -> int:
    """The last segment in [low, high) that begins at or before `when`; at[low] <= when."""
    begun = first_bit(~few_below(at, low, when + 1))
    if begun < FEW:  # mostly it is near
        return low + min(begun, high - low) - 1
    k = low
    length = high - low
    while length > WIDTH:
        half = length >> 1
        if at[uint64(k + half)] <= when:
            k += half
        length -= half
    return k + min(first_bit(~below(at, k, when + 1)), length) - 1


@inline
def next_from(at: Array, low: int, high: int, when: int) -> int:
    """The first segment in [low, high) that begins at `when` or later, or high."""
    k = low
    while k < high:
        earlier = first_bit(~few_below(at, k, when))
        k += earlier
        if earlier < FEW:
            break
    return min(k, high)


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
def join(at: Array, free: Array, span: Array, k: int) -> bool:
    """Take segment k away if it has as many free as the one before; says whether."""
    if k <= span[FIRST] or free[k] != free[k - 1]:
        return False
    shift_left(at, free, k + 1, span[COUNT])
    span[COUNT] -= 1
    return True


@helper
def add(at: Array, free: Array, span: Array, begin: int, end: int, amount: int) -> Change:
    """`amount` more processors are free on [begin, end), NEVER: for ever; begin < end."""
    a = cut(at, free, span, span[FIRST], begin)
    b = span[COUNT] if end >= NEVER else cut(at, free, span, a, end)
    least, most = raise_all(free[a:b], amount)
    if b < span[COUNT]:
        join(at, free, span, b)
    if join(at, free, span, a):
        return a - 1, b - 1, least, most
    return a, b, least, most


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
) -> Change:
    """Move what is taken on [old, old_end) to [at[a], end), where at[a] < old < end < old_end.

    b: the first segment that begins at `old` or later. The same as two times `add`, but most segments stay
    where they are.
    """
    if b == span[COUNT] or at[b] != old:
        split(at, free, span, b, old)
    raise_all(free[a:b], -size)
    c = segment(at, b, span[COUNT], end)
    e = next_from(at, c + 1, span[COUNT], old_end)
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
    if drop_e:
        shift_left(at, free, e + 1, count)
        count -= 1
    span[COUNT] = count
    return c, e, least, most


@inline
def tell(at: Array, free: Array, span: Array, change: Change, amount: int, base: int, gain: Array) -> None:
    """`amount` became free in `change`: write down for whom that may open a hole, and how long a one.

    gain: from, to how many processors; then for LEVELS sizes, falling from the latter to the former, each:
    larger jobs than this (but no larger than the level before) see a gap of so long, that ends so long after `base`.
    """
    a, b, least, after = change
    before = least - amount
    gain[0] = before
    gain[1] = after
    count = span[COUNT]
    first = span[FIRST]
    for level in range(LEVELS):
        more = before if level + 1 == LEVELS else before + ((after - before) >> (level + 1))
        low = gap_begin(free, first, a, more + 1)
        high = gap_end(free, b, count, more + 1)
        until = NEVER if high == count else at[uint64(high)]
        gain[2 + 3 * level] = more
        gain[3 + 3 * level] = min(until - at[uint64(low)], LONGEST)
        gain[4 + 3 * level] = min(until - base, LONGEST)


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
            at[BEGIN + k] = at[first + k]
            free[BEGIN + k] = free[first + k]
        span[FIRST] = BEGIN
        span[COUNT] = BEGIN + kept


@inline
def rooms(free: Array, k: int, count: int, size: int) -> int:
    """Which of the segments from k on, 64 at most, have room for `size`, as bits."""
    bits = at_least(free, k, size)
    if count - k < WIDTH:
        bits &= ~(-1 << (count - k))
    return bits


@inline
def gap_begin(free: Array, low: int, k: int, size: int) -> int:
    """The first segment in [low, k] from which on all before k have room for `size`."""
    while k > low:
        full = last_bit(few_below(free, k - FEW, size))
        k += full + 1 - FEW
        if full >= 0:
            break
    return max(k, low)


@inline
def gap_end(free: Array, k: int, high: int, size: int) -> int:
    """The first segment from k on that has no room for `size`, or high."""
    while k < high:
        full = first_bit(few_below(free, k, size))
        k += min(full, FEW)
        if full < FEW:
            break
    return min(k, high)


@inline
def run_end(free: Array, k: int, count: int, size: int) -> int:
    """The first segment from k on that has no room for `size`, or count."""
    while k < count:
        more = first_bit(~at_least(free, k, size))
        k += more
        if more < WIDTH:
            break
    return min(k, count)


@helper
def hole(
    at: Array, free: Array, span: Array, begin: int, size: int, est: int, before: int, last: int
) -> tuple[int, int, int]:
    """The first u >= begin with `size` free on [u, min(u + est, before)), if it is earlier than `last`.

    Returns u, its segment, and the first segment that begins at the end of that time or later; NEVER when there is none.
    """
    count = span[COUNT]
    k = segment(at, span[FIRST], count, begin)
    room = rooms(free, k, count, size)
    while True:
        while room == 0:
            k += WIDTH
            if k >= count or at[k] >= last:
                return NEVER, 0, 0
            room = rooms(free, k, count, size)
        bit = first_bit(room)
        first = k + bit
        start = max(begin, at[uint64(first)])
        if start >= last:
            return NEVER, 0, 0
        until = before if est >= NEVER else min(start + est, before)
        end = first + first_bit(~(room >> bit))
        across = end >= k + WIDTH
        if across:
            end = run_end(free, k + WIDTH, count, size)
        if end >= count or at[uint64(end)] >= until:
            return int(start), first, next_from(at, first + 1, end, until)
        if across:
            k = end
            room = rooms(free, k, count, size)
        else:
            room &= room + (1 << bit)  # a carry runs through the run and clears it
