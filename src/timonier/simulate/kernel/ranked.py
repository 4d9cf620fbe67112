"""The best node where all shapes rank the nodes alike: nodes in the order of a key, looked at from the best on.

Best fit scores what would be left of a node: what is left now is the key, what is asked only moves all scores by the
same.  Nodes that may have room for the same shapes stand in lists in the order of their keys; a search begins where
a node would be filled to the brim, and ends behind the nodes that score as the first one with room.
Finds exactly what `choose.choose` finds by looking at all.
"""

from __future__ import annotations

from timonier.simulate.kernel.chance import draw
from timonier.simulate.kernel.choose import LOWEST_INDEX, UNIFORM, wins_tie
from timonier.simulate.kernel.free import BLOCK, NODE_BITS, find_rank
from timonier.simulate.kernel.index import NOTHING, lowest_bit
from timonier.simulate.kernel.jit import helper_once as helper
from timonier.simulate.kernel.jit import inline_once as inline
from timonier.simulate.kernel.room import capacity
from timonier.simulate.kernel.score import score_node
from timonier.simulate.kernel.site import (
    BY_CORES,
    BY_GPUS,
    DECISIONS,
    SCALE,
    SEED,
    SPAN,
    TIES,
    Cluster,
)
from timonier.simulate.kernel.state import NEVER, Array

Found = tuple[int, int, float, int, int]  # the best node, its draw and score; keys_of_equals
NODE_MASK = (1 << NODE_BITS) - 1
NOT_SURE = 1e-9  # of the span: keys nearer than this may score either way, by rounding


@inline
def may_fit_before(words: Array, keys: Array, wish: int, guard: int, before: int) -> int:
    """Bit i is set where no field of word i is below that of `wish`, and the node of key i is below `before`."""
    found = 0
    for i in range(len(words)):
        fits = (((words[i] | guard) - wish) & guard) == guard
        found |= int(fits & ((keys[i] & NODE_MASK) < before)) << i
    return found


@inline
def key_at(cluster: Cluster, asked: int, value: float) -> int:
    """The highest key at which a task may score `value` of 100 or more, whatever is rounded.

    asked: what the task takes from a node's key.
    """
    span = float(cluster.site.rank_by[SPAN])
    return int(asked + span * (1.0 - value / 100.0 + NOT_SURE)) + 1


@inline
def keys_of_equals(cluster: Cluster, asked: int, key: int, total: float) -> tuple[int, int]:
    """(sure, last) when a node of this key scores `total`: beyond `last` no key scores as much, beyond `sure` none more."""
    scale = cluster.luck[SCALE]
    if scale == 0:
        last = key + key_at(cluster, 0, 100.0)
        return last, last
    level = round(total / cluster.scores.rule[0]["weight"])
    return key_at(cluster, asked, 100.0 * (level + 1) / scale), key_at(cluster, asked, 100.0 * level / scale)


@inline
def is_equal(cluster: Cluster, n: int, other: int) -> bool:
    """Is as much left of both nodes, so that they score the same however it is rounded?"""
    room = cluster.room
    return bool(room.left[n, 0] == room.left[other, 0] and room.gpus[n] == room.gpus[other])


@helper
def best_in_list(
    cluster: Cluster, ask: tuple[int, int, int], row: int, q: int, keys: tuple[int, int], found: Found
) -> Found:
    """The best node of list q or the one found so far; keys: the lowest key that may have room, what the task takes."""
    site = cluster.site
    room = cluster.room
    index = cluster.known
    luck = cluster.luck
    job, s, alt = ask
    least, asked = keys
    best, best_draw, highest, sure, last = found
    lowest = luck[TIES] == LOWEST_INDEX
    end = int(site.rank_at[q + 1])
    p = find_rank(room.rank, least << NODE_BITS, int(site.rank_at[q]), end)
    while p < end and room.rank[p] >> NODE_BITS <= last:
        stop = min(p + BLOCK, end)
        before = best if lowest and room.rank[p] >> NODE_BITS > sure else NEVER
        left = may_fit_before(
            room.rank_word[p:stop], room.rank[p:stop], index.wish[row], index.guard[0], before
        )
        while left:
            low = left & -left
            left ^= low
            entry = int(room.rank[p + lowest_bit(low)])
            key = entry >> NODE_BITS
            n = entry & NODE_MASK
            if key > last:
                break
            if lowest and n > best >= 0 and key > sure:
                continue
            if index.exact[row] == 0 and capacity(site, room, job, s, alt, n, 1) == 0:
                continue
            total = highest
            if best < 0 or not is_equal(cluster, n, best):
                total = score_node(site, room, cluster.scores, luck, s, alt, n)
            number = draw(luck[SEED], luck[DECISIONS], n) if luck[TIES] == UNIFORM else 0
            if total > highest:
                sure, last = keys_of_equals(cluster, asked, key, total)
            elif total < highest or not wins_tie(luck[TIES], n, best, 0, 0, number, best_draw):
                continue
            best, best_draw, highest = n, number, total
        p = stop
    return best, best_draw, highest, sure, last


@helper
def best_by_rank(cluster: Cluster, ask: tuple[int, int, int], row: int) -> int:
    """The best node for a task of ask = (job, shape, alternative), -1: none has room."""
    site = cluster.site
    _, s, _ = ask
    shape = site.shape[s]
    cores = int(site.want[s, 0]) * int(site.rank_by[BY_CORES])
    asked = cores + int(shape["thousandths"]) * int(site.rank_by[BY_GPUS])
    least = asked if shape["profile"] < 0 else cores  # what is left of a GPU that is cut is rounded
    found = (-1, -1, NOTHING, NEVER, NEVER)
    listed = cluster.known.listed[cluster.known.fine_of[row]]
    for q in range(len(listed)):
        if listed[q]:
            found = best_in_list(cluster, ask, row, q, (least, asked), found)
    return found[0]
