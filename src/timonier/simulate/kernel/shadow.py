"""The room at the shadow time, kept from pass to pass.

`later` is `room` with all given back that is expected to end by SHADOW, which are the first GONE of `due`; `both` is
`room` again, but where the head is named.  A new shadow time is reached from the one before, end by end: more room
never hurts, so that the head fits from its shadow time on, and never before.
"""

from __future__ import annotations

from timonier.simulate.kernel.free import BLOCK, BLOCK_BITS
from timonier.simulate.kernel.gang import fits_job
from timonier.simulate.kernel.index import fits_of, lowest_bit
from timonier.simulate.kernel.jit import helper_once as helper
from timonier.simulate.kernel.jit import inline_once as inline
from timonier.simulate.kernel.room import capacity, copy_room, licensed, move_job
from timonier.simulate.kernel.site import (
    ANYWHERE,
    CHANGES,
    DUE,
    FITTING,
    FOUND,
    GONE,
    MIRRORED,
    NOW_ROOM,
    Cluster,
    Room,
)
from timonier.simulate.kernel.state import HEAD, NEVER, NOW, PEAK, SHADOW, SLOT_BITS
from timonier.simulate.kernel.waiting import move_down, move_up


@helper
def move_in(cluster: Cluster, room: Room, job: int, sign: int) -> None:
    """Take (1) or give back (-1) in a room what a job holds, or held, by its rows."""
    ask = cluster.ask[job]
    move_job(
        cluster.site, room, cluster.held, job, int(ask["shape"]), int(ask["at"]), int(ask["tasks"]), sign
    )


@inline
def is_simple(cluster: Cluster, s: int) -> bool:
    """One alternative, wherever it is: a job fits where the nodes together take its tasks."""
    shape = cluster.site.shape[s]
    return bool(shape["within"] == ANYWHERE and shape["last"] == shape["first"] + 1)


@helper
def room_later(cluster: Cluster, s: int, alt: int, n: int, most: int) -> int:
    """How many tasks of a head node n can take in `later`, counted up to `most`."""
    return capacity(cluster.site, cluster.later, -2, s, alt, n, most)


@helper
def move_later(cluster: Cluster, job: int, sign: int) -> None:
    """Take (1) or give back (-1) in `later` what a job holds; keep FITTING and `able` of the head."""
    site = cluster.site
    later = cluster.later
    luck = cluster.luck
    head = int(cluster.base.scalars[HEAD])
    if head < 0 or luck[FITTING] < 0:
        move_in(cluster, later, job, sign)
        return
    ask = cluster.ask[job]
    of = int(ask["shape"])
    s = int(cluster.ask[head]["shape"])
    most = int(cluster.ask[head]["tasks"])
    alt = int(site.shape[s]["first"])
    for task in range(ask["tasks"]):
        row = int(ask["at"]) + task * int(site.shape[of]["width"])
        n = int(cluster.held.node[row])
        luck[FITTING] -= room_later(cluster, s, alt, n, most)
        move_job(site, later, cluster.held, job, of, row, 1, sign)
        count = room_later(cluster, s, alt, n, most)
        luck[FITTING] += count
        bit = 1 << (n & (BLOCK - 1))
        cluster.able[n >> BLOCK_BITS] &= ~bit
        if count > 0:
            cluster.able[n >> BLOCK_BITS] |= bit


@helper
def ease(cluster: Cluster, job: int, sign: int) -> None:
    """The nodes of a job have more in `later` than now (1), or no longer because of this job (-1)."""
    ask = cluster.ask[job]
    width = int(cluster.site.shape[ask["shape"]]["width"])
    for task in range(ask["tasks"]):
        n = int(cluster.held.node[int(ask["at"]) + task * width])
        cluster.easing[n] += sign
        bit = 1 << (n & (BLOCK - 1))
        if cluster.easing[n] > 0:
            cluster.eased[n >> BLOCK_BITS] |= bit
        else:
            cluster.eased[n >> BLOCK_BITS] &= ~bit


@inline
def find_end(cluster: Cluster, key: int) -> int:
    """The place of a key among the expected ends, or where it belongs."""
    low = 0
    high = int(cluster.luck[DUE])
    while low < high:
        middle = (low + high) >> 1
        if cluster.due[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


@helper
def enter_end(cluster: Cluster, slot: int) -> None:
    """A running job joins the expected ends, which are in order."""
    expected = cluster.base.running[slot]["expected"]
    if expected < NEVER:
        key = (expected << SLOT_BITS) | slot
        k = find_end(cluster, key)
        move_up(cluster.due, k, cluster.luck[DUE])
        cluster.due[k] = key
        cluster.luck[DUE] += 1


@helper
def leave_end(cluster: Cluster, slot: int) -> None:
    """A job that gives back what it holds leaves the expected ends."""
    expected = cluster.base.running[slot]["expected"]
    if expected < NEVER:
        k = find_end(cluster, (expected << SLOT_BITS) | slot)
        move_down(cluster.due, k + 1, cluster.luck[DUE])
        cluster.luck[DUE] -= 1


@helper
def begin_mirror(cluster: Cluster) -> None:
    """From now on `later` and `both` follow `room`, and expected ends are in order; so far none is gone."""
    base = cluster.base
    luck = cluster.luck
    copy_room(cluster.room, cluster.later)
    copy_room(cluster.room, cluster.both)
    luck[MIRRORED] = 1
    luck[GONE] = 0
    luck[FITTING] = -1
    base.scalars[SHADOW] = -NEVER
    for slot in range(base.scalars[PEAK]):
        if base.running[slot]["job"] >= 0 and base.running[slot]["after"] == 0:  # somebody, not gone already
            enter_end(cluster, slot)


@inline
def is_gone(cluster: Cluster, slot: int) -> bool:
    """Has this job ended in `later`?"""
    expected = cluster.base.running[slot]["expected"]
    return bool(expected <= cluster.base.scalars[SHADOW] and expected < NEVER)


@helper
def follow_start(cluster: Cluster, slot: int, view: int) -> None:
    """A job has taken its part of `room`, and of `both` where it was placed there: so do the others."""
    job = int(cluster.base.running[slot]["job"])
    if view == NOW_ROOM:
        move_in(cluster, cluster.both, job, 1)
    if is_gone(cluster, slot):
        ease(cluster, job, 1)
        cluster.luck[GONE] += 1
    else:
        move_later(cluster, job, 1)
    enter_end(cluster, slot)


@helper
def follow_end(cluster: Cluster, slot: int) -> None:
    """A job has given back its part of `room`."""
    job = int(cluster.base.running[slot]["job"])
    move_in(cluster, cluster.both, job, -1)
    if is_gone(cluster, slot):
        ease(cluster, job, -1)
        cluster.luck[GONE] -= 1
    else:
        move_later(cluster, job, -1)
    leave_end(cluster, slot)


@helper
def count_later(cluster: Cluster, s: int, alt: int, tasks: int) -> int:
    """How many tasks of a shape fit in `later`, each node counted up to `tasks`; `able` tells where."""
    row = int(cluster.known.row_of[alt])
    sum_ = 0
    if row < 0:
        for n in range(len(cluster.site.node)):
            sum_ += room_later(cluster, s, alt, n, tasks)
        return sum_
    for b in range(len(cluster.eased)):
        left = fits_of(cluster, (-2, s, alt), row, b) | int(cluster.eased[b])
        able = 0
        while left:
            low = left & -left
            left ^= low
            count = room_later(cluster, s, alt, (b << BLOCK_BITS) + lowest_bit(low), tasks)
            sum_ += count
            if count > 0:
                able |= low
        cluster.able[b] = able
    return sum_


@helper
def which_fits_later(cluster: Cluster, head: int) -> int:
    """The first alternative with which the head fits in `later`, -1: none; `able` tells where there may be room."""
    s = int(cluster.ask[head]["shape"])
    tasks = int(cluster.ask[head]["tasks"])
    shape = cluster.site.shape[s]
    for alt in range(shape["first"], shape["last"]):
        if shape["within"] == ANYWHERE:
            fits = (
                licensed(cluster.site, cluster.later, s, tasks)
                and count_later(cluster, s, alt, tasks) >= tasks
            )
        else:
            fits = fits_job(cluster, cluster.later, head, s, alt, tasks)
            row = int(cluster.known.row_of[alt])
            if fits and row >= 0:
                for b in range(len(cluster.eased)):
                    cluster.able[b] = fits_of(cluster, (-2, s, alt), row, b) | cluster.eased[b]
        if fits:
            return int(alt)
    return -1


@helper
def shift(cluster: Cluster, k: int, sign: int) -> None:
    """The job of the k-th expected end is gone in `later` (-1), or there again (1)."""
    job = int(cluster.base.running[cluster.due[k] & ((1 << SLOT_BITS) - 1)]["job"])
    move_later(cluster, job, sign)
    ease(cluster, job, -sign)
    cluster.luck[GONE] -= sign


@helper
def head_fits(cluster: Cluster, head: int) -> bool:
    """Does the head fit in `later`?"""
    s = int(cluster.ask[head]["shape"])
    tasks = int(cluster.ask[head]["tasks"])
    if is_simple(cluster, s):
        return bool(cluster.luck[FITTING] >= tasks and licensed(cluster.site, cluster.later, s, tasks))
    return which_fits_later(cluster, head) >= 0


@helper
def find_shadow(cluster: Cluster, head: int) -> None:
    """Set SHADOW to the first time at which the blocked head fits by expected ends, NEVER: at none; move `later` there."""
    s = cluster.base.scalars
    luck = cluster.luck
    due = cluster.due
    if not luck[MIRRORED]:
        begin_mirror(cluster)
    if s[HEAD] != head:
        s[HEAD] = head
        luck[FITTING] = -1
    soonest = int(s[NOW] + 1)  # an overdue job is expected to end next
    if s[SHADOW] < soonest:
        s[SHADOW] = soonest
        while luck[GONE] < luck[DUE] and due[luck[GONE]] >> SLOT_BITS <= soonest:
            shift(cluster, luck[GONE], -1)
    shape = int(cluster.ask[head]["shape"])
    if luck[FITTING] < 0 and is_simple(cluster, shape):
        first = int(cluster.site.shape[shape]["first"])
        luck[FITTING] = count_later(cluster, shape, first, int(cluster.ask[head]["tasks"]))
    if head_fits(cluster, head):
        go_back(cluster, head, soonest)
    else:
        go_on(cluster, head)
    luck[FOUND] = luck[CHANGES]


@helper
def go_on(cluster: Cluster, head: int) -> None:
    """The head does not fit by SHADOW: go on from one time at which something ends to the next until it does."""
    s = cluster.base.scalars
    luck = cluster.luck
    while luck[GONE] < luck[DUE]:
        when = cluster.due[luck[GONE]] >> SLOT_BITS
        while luck[GONE] < luck[DUE] and cluster.due[luck[GONE]] >> SLOT_BITS == when:
            shift(cluster, luck[GONE], -1)
        if head_fits(cluster, head):
            s[SHADOW] = when
            return
    s[SHADOW] = NEVER


@helper
def go_back(cluster: Cluster, head: int, soonest: int) -> None:
    """The head fits by SHADOW: go back to the first time at which it does."""
    s = cluster.base.scalars
    luck = cluster.luck
    due = cluster.due
    while luck[GONE] > 0:
        when = due[luck[GONE] - 1] >> SLOT_BITS
        s[SHADOW] = max(when, soonest)
        if when <= soonest:
            return
        while luck[GONE] > 0 and due[luck[GONE] - 1] >> SLOT_BITS == when:
            shift(cluster, luck[GONE] - 1, 1)
        if not head_fits(cluster, head):
            while luck[GONE] < luck[DUE] and due[luck[GONE]] >> SLOT_BITS == when:
                shift(cluster, luck[GONE], -1)
            return
