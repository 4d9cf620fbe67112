"""The best node for a task, by the index where there is one, else by looking at every node; both find the same."""

from __future__ import annotations

from timonier.simulate.kernel.chance import draw
from timonier.simulate.kernel.choose import (
    LOWEST_INDEX,
    PREORDER,
    UNIFORM,
    choose,
    sample_size,
    wins_tie,
)
from timonier.simulate.kernel.free import BLOCK, BLOCK_BITS
from timonier.simulate.kernel.index import (
    NOTHING,
    count_bits,
    drawn_best,
    first_best,
    fits_of,
    is_awkward,
    lowest_bit,
    score_of,
    total_of,
)
from timonier.simulate.kernel.jit import helper_once as helper
from timonier.simulate.kernel.jit import inline_once as inline
from timonier.simulate.kernel.ranked import best_by_rank
from timonier.simulate.kernel.site import (
    ANYWHERE,
    DECISIONS,
    FIRST,
    FLEETING,
    NOW_ROOM,
    SAMPLE,
    SEED,
    TIES,
    Cluster,
)

EVERY_BIT = (1 << BLOCK) - 1


@helper
def best_node(
    cluster: Cluster, view: int, ask: tuple[int, int, int], domain: int, among: int, need: int
) -> int:
    """What `choose` finds."""
    luck = cluster.luck
    row = int(cluster.known.row_of[ask[2]])
    if row < 0 or view != NOW_ROOM or domain >= 0 or among != ANYWHERE or need > 1:
        return choose(cluster, view, ask, domain, among, need)
    if luck[SAMPLE] or luck[FLEETING] or luck[TIES] == PREORDER:
        n = best_in_turn(cluster, ask, row)
    elif len(cluster.room.rank) > 0 and not is_awkward(cluster, ask[1]):
        n = best_by_rank(cluster, ask, row)
    elif luck[TIES] == LOWEST_INDEX:
        n = first_best(cluster, ask, row)
    else:
        n = drawn_best(cluster, ask, row)
    if n >= 0:
        luck[DECISIONS] += 1
    return int(n)


@inline
def lowest_bits(bits: int, count: int) -> int:
    """The lowest `count` of the bits that are set."""
    rest = bits
    for _ in range(count):
        rest &= rest - 1
    return bits ^ rest


@inline
def inside(b: int, begin: int, end: int) -> int:
    """The bits of block b that stand for nodes in [begin, end)."""
    base = b << BLOCK_BITS
    bits = EVERY_BIT
    if base < begin:
        bits &= EVERY_BIT << (begin - base)
    if base + BLOCK > end:
        bits &= (1 << (end - base)) - 1
    return bits


@helper
def best_in_turn(cluster: Cluster, ask: tuple[int, int, int], row: int) -> int:
    """The best of the nodes with room, node after node from where the search begins, as far as it goes."""
    luck = cluster.luck
    _, s, alt = ask
    count = len(cluster.site.node)
    sampled = luck[SAMPLE] != 0
    first = int(luck[FIRST]) if sampled else 0
    most = sample_size(count) if sampled else count
    kept = luck[FLEETING] == 0
    ties = luck[TIES]
    found = 0
    best = -1
    best_place = 0
    highest = NOTHING
    best_draw = -1
    for turn in range(2):
        begin = first if turn == 0 else 0
        end = count if turn == 0 else first
        if begin >= end:
            continue
        for b in range(begin >> BLOCK_BITS, ((end - 1) >> BLOCK_BITS) + 1):
            bits = fits_of(cluster, ask, row, b)
            taken = bits & inside(b, begin, end)
            if taken == 0:
                continue
            rest = 0
            if found + count_bits(taken) > most:
                few = lowest_bits(taken, most - found)
                rest = taken ^ few
                taken = few
            left = taken
            whole = kept and taken == bits
            total = NOTHING
            if whole:
                total = total_of(cluster, ask, row, b)
                left = int(cluster.known.best[row, b]) if total >= highest else 0
            while left:
                low = left & -left
                left ^= low
                n = (b << BLOCK_BITS) + lowest_bit(low)
                if not whole:
                    total = score_of(cluster, s, alt, n)
                if total < highest:
                    continue
                place = found + count_bits(taken & (low - 1))
                number = draw(luck[SEED], luck[DECISIONS], n) if ties == UNIFORM else 0
                if total == highest and not wins_tie(ties, n, best, place, best_place, number, best_draw):
                    continue
                highest = total
                best = n
                best_place = place
                best_draw = number
            found += count_bits(taken)
            if rest:
                luck[FIRST] = (b << BLOCK_BITS) + lowest_bit(rest)
                return best
    return best
