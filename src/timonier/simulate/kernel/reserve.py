"""EASY on nodes: the blocked head holds named nodes, GPUs and slices at the earliest time at which it fits.

`later` is the room at that time (shadow.py), with the head placed in it `both` what is free now and then: what a
candidate may take that runs past that time. The head is named anew, at the same time, when a job started that ends
before it: it then prefers what is not free now, so that a reservation lies idle as little as can be.
"""

from __future__ import annotations

from timonier.simulate.kernel.backfill import SHORTEST, sort_picks
from timonier.simulate.kernel.gang import place, which_fits_by_index
from timonier.simulate.kernel.jit import helper_once as helper
from timonier.simulate.kernel.jit import inline_once as inline
from timonier.simulate.kernel.pool import charge, is_held, take
from timonier.simulate.kernel.room import meet_node
from timonier.simulate.kernel.shadow import find_shadow, follow_start, is_simple, move_in, which_fits_later
from timonier.simulate.kernel.site import (
    BOTH_ROOMS,
    CHANGES,
    DECISIONS,
    FIRST,
    FITTING,
    FOUND,
    LATER_ROOM,
    MIRRORED,
    NAMED,
    NOW_ROOM,
    REFUSED,
    RELEASES,
    Cluster,
)
from timonier.simulate.kernel.state import HEAD, HI, HOLE, NEVER, NOW, SHADOW
from timonier.simulate.kernel.waiting import vacate

# Columns of `tired`.
WHEN, TASKS_NOW, WHEN_BOTH, TASKS_BOTH = range(4)


@inline
def which_fits_now(cluster: Cluster, job: int) -> int:
    """The first alternative with which a job fits now, -1: none.

    What did not fit since the last release does not fit yet, nor does more of it.
    """
    s = int(cluster.ask[job]["shape"])
    tasks = int(cluster.ask[job]["tasks"])
    tired = cluster.tired[s]
    if tired[WHEN] == cluster.luck[RELEASES] and tasks >= tired[TASKS_NOW]:
        return -1
    alt = which_fits_by_index(cluster, cluster.room, job, s, tasks)
    if alt < 0:
        cluster.luck[REFUSED] += 1
        tired[WHEN] = cluster.luck[RELEASES]
        tired[TASKS_NOW] = tasks
    return int(alt)


@inline
def which_fits_beside(cluster: Cluster, job: int) -> int:
    """The first alternative with which a job fits beside the head, now and later, -1: none."""
    s = int(cluster.ask[job]["shape"])
    tasks = int(cluster.ask[job]["tasks"])
    tired = cluster.tired[s]
    if tired[WHEN_BOTH] == cluster.luck[NAMED] and tasks >= tired[TASKS_BOTH]:
        return -1
    alt = which_fits_by_index(cluster, cluster.both, job, s, tasks)
    if alt < 0:
        tired[WHEN_BOTH] = cluster.luck[NAMED]
        tired[TASKS_BOTH] = tasks
    return int(alt)


@inline
def start(cluster: Cluster, k: int, job: int) -> int:
    """The job at place k, whose nodes are taken, starts; returns its slot."""
    base = cluster.base
    slot = take(base, 0, job, base.scalars[NOW])
    base.running[slot]["after"] = 0
    charge(base, job, 1)
    vacate(base, k)
    return slot


@helper
def start_now(cluster: Cluster, k: int, job: int, alt: int) -> None:
    """Start a job that fits (which_fits_now was just asked)."""
    place(cluster, NOW_ROOM, job, alt)
    slot = start(cluster, k, job)
    cluster.luck[CHANGES] += 1
    if cluster.luck[MIRRORED]:
        follow_start(cluster, slot, NOW_ROOM)


@inline
def meet_head(cluster: Cluster, head: int) -> None:
    """What is free now and later, on the head's nodes; elsewhere that is what is free now."""
    ask = cluster.ask[head]
    width = int(cluster.site.shape[ask["shape"]]["width"])
    for task in range(ask["tasks"]):
        n = int(cluster.held.node[int(ask["at"]) + task * width])
        meet_node(cluster.site, cluster.room, cluster.later, cluster.both, n)
    for c in range(len(cluster.room.licence)):
        cluster.both.licence[c] = min(cluster.room.licence[c], cluster.later.licence[c])


@helper
def name_head(cluster: Cluster, head: int) -> None:
    """Place the head in `later`, where nothing of it is, and find what is free beside it."""
    luck = cluster.luck
    decisions = luck[DECISIONS]
    first = luck[FIRST]
    shape = int(cluster.ask[head]["shape"])
    alt = int(cluster.site.shape[shape]["first"])
    if not is_simple(cluster, shape):
        alt = which_fits_later(cluster, head)
    place(cluster, LATER_ROOM, head, alt)
    meet_head(cluster, head)
    luck[DECISIONS] = decisions
    luck[FIRST] = first
    luck[NAMED] += 1


@helper
def forget_head(cluster: Cluster, head: int) -> None:
    """Take the head out of `later` again."""
    move_in(cluster, cluster.later, head, -1)
    meet_head(cluster, head)


@helper
def shares_node(cluster: Cluster, job: int, other: int) -> bool:
    """Do two jobs hold something of one node?"""
    found = False
    for turn in range(3):  # mark the nodes of one, look at those of the other, forget the marks
        ask = cluster.ask[job if turn == 1 else other]
        width = int(cluster.site.shape[ask["shape"]]["width"])
        for task in range(ask["tasks"]):
            n = int(cluster.held.node[int(ask["at"]) + task * width])
            if turn == 1:
                found |= cluster.mine[n] > 0
            else:
                cluster.mine[n] = 1 - turn // 2
    return found


@helper
def start_beside(cluster: Cluster, k: int, job: int, alt: int) -> None:
    """Start a job that runs past the shadow time, on what the head does not need."""
    place(cluster, BOTH_ROOMS, job, alt)
    move_in(cluster, cluster.room, job, 1)
    if shares_node(cluster, job, int(cluster.base.scalars[HEAD])):
        cluster.luck[FITTING] = -1
    follow_start(cluster, start(cluster, k, job), BOTH_ROOMS)
    cluster.luck[CHANGES] += 1


@helper
def try_beside(cluster: Cluster, k: int, job: int, named: int) -> None:
    """Start a job that runs past the shadow time if it fits beside the head; named: CHANGES when that was named."""
    alt = which_fits_beside(cluster, job)
    if alt >= 0:
        start_beside(cluster, k, job, alt)
    elif named == cluster.luck[CHANGES]:
        cluster.stays[job] = -named


@inline
def pick_candidates(cluster: Cluster, place_of_head: int, kind: int) -> int:
    """The places behind the head whose jobs may fit now, in the order in which they are tried; how many."""
    base = cluster.base
    waiting = base.waiting
    releases = cluster.luck[RELEASES]
    count = 0
    for m in range(place_of_head + 1, base.scalars[HI]):
        if waiting.size[m] != HOLE and cluster.stays[waiting.job[m]] != releases:
            base.pick[count] = m
            count += 1
    if kind == SHORTEST:
        sort_picks(base, 1, count)
    return count


@helper
def promise(cluster: Cluster, head: int) -> bool:
    """Write down the first promise to the head; returns whether SHADOW is its shadow time: what stayed beside it stays."""
    s = cluster.base.scalars
    luck = cluster.luck
    mark = cluster.base.marks[head]
    found = s[HEAD] == head and luck[FOUND] == luck[CHANGES] and s[SHADOW] > s[NOW]
    if not found:
        luck[CHANGES] += 1
    if mark["promised"] < 0:
        if not found:
            find_shadow(cluster, head)
        found = True
        if s[SHADOW] < NEVER:
            mark["promised"] = s[SHADOW]
    return bool(found)


@helper
def backfill(cluster: Cluster, place_of_head: int, kind: int) -> None:
    """EASY: start candidates that do not delay the head.

    Who does not fit now, or is held, stays until something is given back.  Who does not fit beside the head stays
    until anything changes at all: then the head may be named otherwise.
    """
    base = cluster.base
    s = base.scalars
    luck = cluster.luck
    head = int(base.waiting.job[place_of_head])
    found = promise(cluster, head)
    named = -1
    for c in range(pick_candidates(cluster, place_of_head, kind)):
        k = int(base.pick[c])
        job = int(base.waiting.job[k])
        if cluster.stays[job] == -luck[CHANGES]:
            continue
        alt = which_fits_now(cluster, job)
        if alt < 0 or is_held(base, job):
            cluster.stays[job] = luck[RELEASES]
            continue
        if not found:
            find_shadow(cluster, head)
            found = True
            alt = which_fits_now(cluster, job)  # `open` has been the head's meanwhile
        est = base.jobs[job]["est"]
        if s[SHADOW] >= NEVER or (est < NEVER and s[NOW] + est <= s[SHADOW]):
            if named >= 0:
                forget_head(cluster, head)
                named = -1
            start_now(cluster, k, job, alt)
            continue
        if named < 0:
            name_head(cluster, head)
            named = luck[CHANGES]
        try_beside(cluster, k, job, named)
    if named >= 0:
        forget_head(cluster, head)
