"""The best node for a task without looking at every node: what was found before, by blocks of nodes.

For each thing that a task may ask (a row) an entry a block says which nodes have room, and which of those score
best.  It holds while nothing in the block has changed; of what has changed, one word a node tells most of the
nodes without room.  The same over groups of blocks.  Finds exactly what `choose.choose` finds by looking at all.
"""

from __future__ import annotations

import math

from timonier.simulate.kernel.chance import draw
from timonier.simulate.kernel.free import BLOCK, BLOCK_BITS, GROUP_BITS, RECENT
from timonier.simulate.kernel.jit import helper_once as helper
from timonier.simulate.kernel.jit import inline_once as inline
from timonier.simulate.kernel.room import MANY, capacity
from timonier.simulate.kernel.score import score_node
from timonier.simulate.kernel.site import DECISIONS, LATER_ROOM, MIRRORED, NOW_ROOM, SEED, Cluster, Room
from timonier.simulate.kernel.state import Array

NOTHING = -math.inf  # the best score of no node


@inline
def count_bits(bits: int) -> int:
    """How many of 32 bits are set."""
    x = bits - ((bits >> 1) & 0x55555555)
    x = (x & 0x33333333) + ((x >> 2) & 0x33333333)
    x = (x + (x >> 4)) & 0x0F0F0F0F
    return ((x * 0x01010101) >> 24) & 63


@inline
def lowest_bit(bits: int) -> int:
    """The place of the lowest bit that is set."""
    return count_bits((bits & -bits) - 1)


@inline
def may_fit(words: Array, wish: int, guard: int) -> int:
    """Bit i is set where no field of word i is below that of `wish`."""
    found = 0
    for i in range(len(words)):
        found |= int((((words[i] | guard) - wish) & guard) == guard) << i
    return found


@inline
def is_awkward(cluster: Cluster, s: int) -> bool:
    """Does what the job has on a node change whether another of its tasks fits there, beyond what it takes?"""
    shape = cluster.site.shape[s]
    return bool(shape["whole"] or shape["per_node"] < MANY)


@helper
def find_fits(cluster: Cluster, ask: tuple[int, int, int], row: int, b: int) -> int:
    """Find again which nodes of block b have room for a task of ask = (job, shape, alternative)."""
    index = cluster.known
    room = cluster.room
    site = cluster.site
    job, s, alt = ask
    base = b << BLOCK_BITS
    found = may_fit(room.word[base : base + BLOCK], index.wish[row], index.guard[0])
    found &= index.fine[index.fine_of[row], b]
    if index.exact[row] == 0:
        left = found
        while left:
            low = left & -left
            left ^= low
            if capacity(site, room, job, s, alt, base + lowest_bit(low), 1) == 0:
                found ^= low
    if cluster.scores.near[0] > 0 and is_awkward(cluster, s):
        per_node = site.shape[s]["per_node"]
        for i in range(min(BLOCK, len(site.node) - base)):
            n = base + i
            if cluster.mine[n] > 0:
                found &= ~(1 << i)
                if cluster.mine[n] < per_node and capacity(site, room, job, s, alt, n, 1) > 0:
                    found |= 1 << i
    index.group_count[row, b >> GROUP_BITS] += count_bits(int(found)) - count_bits(int(index.fits[row, b]))
    index.fits[row, b] = found
    index.at[row, b] = room.stamp[b]
    return int(found)


@inline
def fits_of(cluster: Cluster, ask: tuple[int, int, int], row: int, b: int) -> int:
    """Which nodes of block b have room."""
    if cluster.known.at[row, b] == cluster.room.stamp[b]:
        return int(cluster.known.fits[row, b])
    return find_fits(cluster, ask, row, b)


@inline
def row_beside(cluster: Cluster, view: int, alt: int) -> int:
    """The row by which EASY may leave out nodes in `later` and `both` (may_have_room), -1: it has to look at all."""
    if view == NOW_ROOM or cluster.luck[MIRRORED] == 0:
        return -1
    return int(cluster.known.row_of[alt])


@inline
def may_have_room(cluster: Cluster, view: int, ask: tuple[int, int, int], row: int, b: int) -> int:
    """Which nodes of block b may have room: those that have it now; in `later`, where only the head is placed, `able`."""
    if view == LATER_ROOM:
        return int(cluster.able[b])
    return fits_of(cluster, ask, row, b)


@inline
def count_fits(cluster: Cluster, ask: tuple[int, int, int], row: int, most: int) -> int:
    """How many nodes have room for a task, counted up to `most`."""
    index = cluster.known
    room = cluster.room
    blocks = len(room.stamp)
    count = 0
    for g in range(len(room.group_stamp)):
        known = index.group_at[row, g]
        now = room.group_stamp[g]
        recent = now - known <= RECENT
        first = g << GROUP_BITS
        for step in range(now - known if recent else min(1 << GROUP_BITS, blocks - first)):
            b = int(room.changed[g, (known + step) & (RECENT - 1)]) if recent else first + step
            fits_of(cluster, ask, row, b)
        index.group_at[row, g] = now
        count += index.group_count[row, g]
        if count >= most:
            break
    return count


@helper
def fits_by_index(cluster: Cluster, room: Room, ask: tuple[int, int, int], row: int, tasks: int) -> bool:
    """Do the nodes together take as many tasks, in a room that has no more than is free now?"""
    job, s, alt = ask
    now = len(room.word) > 0
    if now and count_fits(cluster, ask, row, tasks) >= tasks:
        return True
    if now and tasks == 1:
        return False
    sum_ = 0
    for b in range(len(cluster.room.stamp)):
        left = fits_of(cluster, ask, row, b)
        while left:
            low = left & -left
            left ^= low
            n = (b << BLOCK_BITS) + lowest_bit(low)
            sum_ += capacity(cluster.site, room, job, s, alt, n, tasks)
            if sum_ >= tasks:
                return True
    return False


@inline
def score_of(cluster: Cluster, s: int, alt: int, n: int) -> float:
    """The score of a node with room, remembered where scores are."""
    scores = cluster.scores
    room = cluster.room
    memo = int(scores.memo_of[alt])
    if memo < 0:
        return score_node(cluster.site, room, scores, cluster.luck, s, alt, n)
    if scores.memo_at[memo, n] != room.version[n]:
        scores.memo[memo, n] = score_node(cluster.site, room, scores, cluster.luck, s, alt, n)
        scores.memo_at[memo, n] = room.version[n]
    return float(scores.memo[memo, n])


@helper
def find_best(cluster: Cluster, ask: tuple[int, int, int], row: int, b: int, left: int) -> float:
    """Find again which nodes of block b, of those in `left`, score best; returns their score."""
    _, s, alt = ask
    best = 0
    highest = NOTHING
    while left:
        low = left & -left
        left ^= low
        total = score_of(cluster, s, alt, (b << BLOCK_BITS) + lowest_bit(low))
        if total > highest:
            highest = total
            best = low
        elif total == highest:
            best |= low
    cluster.known.total[row, b] = highest
    cluster.known.best[row, b] = best
    cluster.known.scored[row, b] = cluster.room.stamp[b]
    return highest


@inline
def total_of(cluster: Cluster, ask: tuple[int, int, int], row: int, b: int) -> float:
    """The best score in block b, NOTHING where no node has room."""
    index = cluster.known
    if index.scored[row, b] == cluster.room.stamp[b]:
        return float(index.total[row, b])
    return find_best(cluster, ask, row, b, fits_of(cluster, ask, row, b))


@helper
def total_of_group(cluster: Cluster, ask: tuple[int, int, int], row: int, g: int) -> float:
    """The best score in a group of blocks."""
    index = cluster.known
    room = cluster.room
    if index.group_scored[row, g] != room.group_stamp[g]:
        highest = NOTHING
        first = g << GROUP_BITS
        for b in range(first, min(first + (1 << GROUP_BITS), len(room.stamp))):
            highest = max(highest, total_of(cluster, ask, row, b))
        index.group_total[row, g] = highest
        index.group_scored[row, g] = room.group_stamp[g]
    return float(index.group_total[row, g])


@helper
def first_best(cluster: Cluster, ask: tuple[int, int, int], row: int) -> int:
    """The node of lowest index among those that score best, -1: none has room."""
    index = cluster.known
    highest = NOTHING
    group = -1
    for g in range(len(cluster.room.group_stamp)):
        total = total_of_group(cluster, ask, row, g)
        if total > highest:
            highest = total
            group = g
    if group < 0:
        return -1
    b = group << GROUP_BITS
    while index.total[row, b] != highest:
        b += 1
    return int((b << BLOCK_BITS) + lowest_bit(index.best[row, b]))


@helper
def drawn_best(cluster: Cluster, ask: tuple[int, int, int], row: int) -> int:
    """The node of highest draw among those that score best, -1: none has room."""
    index = cluster.known
    room = cluster.room
    luck = cluster.luck
    highest = NOTHING
    for g in range(len(room.group_stamp)):
        highest = max(highest, total_of_group(cluster, ask, row, g))
    best = -1
    best_draw = -1
    for g in range(len(room.group_stamp)):
        if highest == NOTHING or index.group_total[row, g] != highest:
            continue
        first = g << GROUP_BITS
        for b in range(first, min(first + (1 << GROUP_BITS), len(room.stamp))):
            left = index.best[row, b] if index.total[row, b] == highest else 0
            while left:
                low = left & -left
                left ^= low
                n = (b << BLOCK_BITS) + lowest_bit(low)
                number = draw(luck[SEED], luck[DECISIONS], n)
                if number > best_draw:
                    best_draw = number
                    best = n
    return best
