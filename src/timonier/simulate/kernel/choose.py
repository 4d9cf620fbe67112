"""The node for the next task: every node is looked at. The plain way, which faster ones must equal.

Only in the rooms of EASY nodes are left out of which it is known that they have no room.
"""

from __future__ import annotations

from timonier.simulate.kernel.chance import draw
from timonier.simulate.kernel.free import BLOCK, BLOCK_BITS
from timonier.simulate.kernel.index import may_have_room, row_beside
from timonier.simulate.kernel.jit import helper_once as helper
from timonier.simulate.kernel.jit import inline_once as inline
from timonier.simulate.kernel.room import capacity, is_spare, room_of
from timonier.simulate.kernel.score import score_node
from timonier.simulate.kernel.site import (
    ANYWHERE,
    DECISIONS,
    FIRST,
    IN_RACK,
    LATER_ROOM,
    NOW_ROOM,
    SAMPLE,
    SEED,
    TIES,
    Cluster,
)

LOWEST_INDEX, UNIFORM, PREORDER = range(3)


@inline
def sample_size(nodes: int) -> int:
    """How many feasible nodes kube-scheduler looks for, of so many.

    Source: Kubernetes 1.36, schedule_one.go, numFeasibleNodesToFind with percentageOfNodesToScore = 0.
    """
    if nodes < 100:
        return nodes
    percent = max(5, 50 - nodes // 125)
    return max(100, nodes * percent // 100)


@inline
def stands_before(a: int, b: int) -> bool:
    """Does place a of a binary heap come before place b in the order node, left, right?"""
    up_a = a + 1
    up_b = b + 1
    depth = 0
    while up_a >> depth > 1:
        depth += 1
    other = 0
    while up_b >> other > 1:
        other += 1
    if depth > other:
        up_a >>= depth - other
    else:
        up_b >>= other - depth
    if up_a != up_b:
        return up_a < up_b
    return depth < other  # one stands above the other


@inline
def wins_tie(
    ties: int, n: int, best: int, place: int, best_place: int, number: int, best_number: int
) -> bool:
    """Of two nodes with one score, is n chosen rather than `best`?  number: what each drew, looked at by UNIFORM."""
    if ties == UNIFORM:
        return number > best_number
    if ties == PREORDER:
        return stands_before(place, best_place)
    return n < best


@inline
def in_open_domain(cluster: Cluster, within: int, n: int) -> int:
    """The first domain of node n in which the whole job fits, -1: none."""
    site = cluster.site
    if within == IN_RACK:
        rack = int(site.node[n]["rack"])
        return rack if rack >= 0 and cluster.open[rack] else -1
    for m in range(site.member_at[n], site.member_at[n + 1]):
        if cluster.open[site.member[m]]:
            return int(site.member[m])
    return -1


@helper
def choose(cluster: Cluster, view: int, ask: tuple[int, int, int], domain: int, among: int, need: int) -> int:
    """The best node for a task of ask = (job, shape, alternative); -1: none has room.

    view: NOW_ROOM, LATER_ROOM (first of all, what takes nothing that is free now) or BOTH_ROOMS.
    domain: only its nodes, -1: all.  among: IN_SWITCH or IN_RACK where only open domains count.
    need: tasks that must fit.
    """
    site = cluster.site
    room = room_of(cluster, view)
    scores = cluster.scores
    luck = cluster.luck
    job, s, alt = ask
    count = len(site.node)
    first = 0
    begin = 0
    if domain >= 0:
        begin = int(site.domain_at[domain])
        count = int(site.domain_at[domain + 1]) - begin
    sampled = luck[SAMPLE] and domain < 0
    most = count
    if sampled:
        first = luck[FIRST]
        most = sample_size(count)
    per_node = site.shape[s]["per_node"]
    ties = luck[TIES]
    row = int(scores.memo_of[alt]) if view == NOW_ROOM else -1
    beside = row_beside(cluster, view, alt)
    block = -1
    bits = 0
    found = 0
    seen = 0
    best = -1
    best_place = 0
    best_total = 0.0
    best_spare = False
    best_draw = 0
    for step in range(count):
        i = first + step
        if i >= count:
            i -= count
        n = int(site.domain_node[begin + i]) if domain >= 0 else i
        if beside >= 0:
            if n >> BLOCK_BITS != block:
                block = n >> BLOCK_BITS
                bits = may_have_room(cluster, view, ask, beside, block)
            if (bits >> (n & (BLOCK - 1))) & 1 == 0:
                seen += 1
                continue
        fine = cluster.mine[n] < per_node and capacity(site, room, job, s, alt, n, need) >= need
        if fine and among != ANYWHERE:
            fine = in_open_domain(cluster, among, n) >= 0
        if not fine:
            seen += 1
            continue
        if found == most:
            break
        place = found
        found += 1
        gain = view == LATER_ROOM and is_spare(site, room, cluster.room, s, alt, n)
        if row >= 0 and scores.memo_at[row, n] == room.version[n]:
            total = scores.memo[row, n]
        else:
            total = score_node(site, room, scores, luck, s, alt, n)
            if row >= 0:
                scores.memo[row, n] = total
                scores.memo_at[row, n] = room.version[n]
        if best >= 0:
            if best_spare and not gain:
                continue
            if gain == best_spare:
                if total < best_total:
                    continue
                number = draw(luck[SEED], luck[DECISIONS], n) if ties == UNIFORM else 0
                if total == best_total and not wins_tie(ties, n, best, place, best_place, number, best_draw):
                    continue
        best = n
        best_place = place
        best_total = total
        best_spare = gain
        if ties == UNIFORM:
            best_draw = draw(luck[SEED], luck[DECISIONS], n)
    if best >= 0:
        luck[DECISIONS] += 1
    if sampled:
        luck[FIRST] = (first + min(found, most) + seen) % count
    return best
