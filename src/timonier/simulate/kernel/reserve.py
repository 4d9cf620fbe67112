"""EASY on nodes: the blocked head holds named nodes, GPUs and slices at the earliest time at which it fits.

`later` is the room at that time, the head placed in it; `both` what is free now and then: what a candidate may
take that runs past that time. The head is named anew, at the same time, when a job started that ends before it:
it then prefers what is not free now, so that a reservation lies idle as little as can be.
Both are kept from pass to pass: they follow `room`, and a pass gives back in `later` what ends by the shadow time
and takes it again when it is done.
"""

from __future__ import annotations

from timonier.simulate.kernel.backfill import SHORTEST, sort_picks
from timonier.simulate.kernel.free import BLOCK, BLOCK_BITS
from timonier.simulate.kernel.gang import place, which_fits, which_fits_by_index
from timonier.simulate.kernel.index import fits_of, lowest_bit
from timonier.simulate.kernel.jit import helper_once as helper
from timonier.simulate.kernel.jit import inline_once as inline
from timonier.simulate.kernel.pool import charge, is_held, take
from timonier.simulate.kernel.room import capacity, copy_room, licensed, meet_node, move_job
from timonier.simulate.kernel.site import (
    ANYWHERE,
    BOTH_ROOMS,
    DECISIONS,
    DUE,
    FIRST,
    LATER_ROOM,
    MIRRORED,
    NAMED,
    NOW_ROOM,
    REFUSED,
    RELEASES,
    Cluster,
    Room,
)
from timonier.simulate.kernel.state import HI, HOLE, NEVER, NOW, PEAK, SHADOW, SLOT_BITS
from timonier.simulate.kernel.waiting import move_down, move_up, vacate

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
def start(cluster: Cluster, k: int, job: int) -> None:
    """The job at place k, whose nodes are taken, starts."""
    base = cluster.base
    slot = take(base, 0, job, base.scalars[NOW])
    base.running[slot]["after"] = 0
    charge(base, job, 1)
    vacate(base, k)
    if cluster.luck[MIRRORED]:
        enter_end(cluster, slot)


@helper
def move_in(cluster: Cluster, room: Room, job: int, sign: int) -> None:
    """Take (1) or give back (-1) in a room what a job holds, or held, by its rows."""
    ask = cluster.ask[job]
    move_job(
        cluster.site, room, cluster.held, job, int(ask["shape"]), int(ask["at"]), int(ask["tasks"]), sign
    )


@helper
def mirror(cluster: Cluster, job: int, sign: int) -> None:
    """Do in `later` and `both` what was done in `room`: between passes all three are the same."""
    move_in(cluster, cluster.later, job, sign)
    move_in(cluster, cluster.both, job, sign)


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
    """From now on `later` and `both` follow `room`, and expected ends are in order."""
    base = cluster.base
    copy_room(cluster.room, cluster.later)
    copy_room(cluster.room, cluster.both)
    cluster.luck[MIRRORED] = 1
    for slot in range(base.scalars[PEAK]):
        if base.running[slot]["job"] >= 0 and base.running[slot]["after"] == 0:  # somebody, not gone already
            enter_end(cluster, slot)


@inline
def is_simple(cluster: Cluster, s: int) -> bool:
    """One alternative, wherever it is: a job fits where the nodes together take its tasks."""
    shape = cluster.site.shape[s]
    return bool(shape["within"] == ANYWHERE and shape["last"] == shape["first"] + 1)


@inline
def ease(cluster: Cluster, job: int) -> None:
    """The nodes of a job may have more in `later` than now."""
    ask = cluster.ask[job]
    width = int(cluster.site.shape[ask["shape"]]["width"])
    for task in range(ask["tasks"]):
        n = int(cluster.held.node[int(ask["at"]) + task * width])
        cluster.eased[n >> BLOCK_BITS] |= 1 << (n & (BLOCK - 1))


@helper
def release(cluster: Cluster, slot: int, s: int, alt: int, most: int) -> int:
    """Give a running job's nodes back in `later`; returns how many more tasks of shape s fit, counted up to `most`."""
    job = int(cluster.base.running[slot]["job"])
    site = cluster.site
    later = cluster.later
    held = cluster.held
    ask = cluster.ask[job]
    of = int(ask["shape"])
    width = int(site.shape[of]["width"])
    more = 0
    for task in range(ask["tasks"]):
        row = int(ask["at"]) + task * width
        n = int(held.node[row])
        if most > 0:
            more -= capacity(site, later, -2, s, alt, n, most)
        move_job(site, later, held, job, of, row, 1, -1)
        if most > 0:
            more += capacity(site, later, -2, s, alt, n, most)
    return more


@helper
def count_now(cluster: Cluster, job: int, s: int, alt: int, tasks: int) -> int:
    """How many tasks of a shape fit now, each node counted up to `tasks`."""
    row = int(cluster.known.row_of[alt])
    sum_ = 0
    if row < 0:
        for n in range(len(cluster.site.node)):
            sum_ += capacity(cluster.site, cluster.room, job, s, alt, n, tasks)
        return sum_
    for b in range(len(cluster.room.stamp)):
        left = fits_of(cluster, (job, s, alt), row, b)
        while left:
            low = left & -left
            left ^= low
            n = (b << BLOCK_BITS) + lowest_bit(low)
            sum_ += capacity(cluster.site, cluster.room, job, s, alt, n, tasks)
    return sum_


@helper
def find_shadow(cluster: Cluster, head: int) -> int:
    """Set SHADOW to the first time at which the head fits by expected ends, and give back in `later` what ends by then.

    Returns how many ends, the first of `due`, that was; their jobs stand in `list`.
    """
    base = cluster.base
    s = base.scalars
    site = cluster.site
    later = cluster.later
    shape = int(cluster.ask[head]["shape"])
    tasks = int(cluster.ask[head]["tasks"])
    first = int(site.shape[shape]["first"])
    simple = is_simple(cluster, shape)
    fitting = count_now(cluster, -2, shape, first, tasks) if simple else 0
    count = 0
    soonest = (s[NOW] + 1) << SLOT_BITS  # an overdue job is expected to end next
    while count < cluster.luck[DUE]:
        when = max(cluster.due[count], soonest) >> SLOT_BITS
        while count < cluster.luck[DUE] and max(cluster.due[count], soonest) >> SLOT_BITS == when:
            slot = int(cluster.due[count] & ((1 << SLOT_BITS) - 1))
            cluster.list[count] = base.running[slot]["job"]
            ease(cluster, int(cluster.list[count]))
            count += 1
            fitting += release(cluster, slot, shape, first, tasks if simple else 0)
        if simple:
            found = fitting >= tasks and licensed(site, later, shape, tasks)
        else:
            found = which_fits(cluster, later, head, shape, tasks) >= 0
        if found:
            s[SHADOW] = when
            return count
    s[SHADOW] = NEVER
    return count


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
        alt = which_fits(cluster, cluster.later, head, shape, int(cluster.ask[head]["tasks"]))
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
def start_beside(cluster: Cluster, k: int, job: int, alt: int) -> None:
    """Start a job that runs past the shadow time, on what the head does not need."""
    place(cluster, BOTH_ROOMS, job, alt)
    move_in(cluster, cluster.room, job, 1)
    move_in(cluster, cluster.later, job, 1)
    start(cluster, k, job)


@helper
def backfill(cluster: Cluster, place_of_head: int, kind: int) -> None:
    """EASY: start candidates that do not delay the head."""
    base = cluster.base
    s = base.scalars
    waiting = base.waiting
    head = int(waiting.job[place_of_head])
    count = 0
    for m in range(place_of_head + 1, s[HI]):
        if waiting.size[m] != HOLE:
            base.pick[count] = m
            count += 1
    if count == 0 and base.marks[head]["promised"] >= 0:
        return
    if not cluster.luck[MIRRORED]:
        begin_mirror(cluster)
    cluster.eased[:] = 0
    absent = find_shadow(cluster, head)
    shadow = s[SHADOW]
    if base.marks[head]["promised"] < 0 and shadow < NEVER:
        base.marks[head]["promised"] = shadow
    if kind == SHORTEST:
        sort_picks(base, 1, count)
    named = False
    for c in range(count):
        k = int(base.pick[c])
        job = int(waiting.job[k])
        if is_held(base, job):
            continue
        alt = which_fits_now(cluster, job)
        if alt < 0:
            continue
        est = base.jobs[job]["est"]
        if shadow >= NEVER or (est < NEVER and s[NOW] + est <= shadow):
            place(cluster, NOW_ROOM, job, alt)
            move_in(cluster, cluster.both, job, 1)
            start(cluster, k, job)
            cluster.list[absent] = job  # in `later` it has ended
            absent += 1
            ease(cluster, job)
            if named:
                forget_head(cluster, head)
                named = False
            continue
        if not named:
            name_head(cluster, head)
            named = True
        alt = which_fits_beside(cluster, job)
        if alt >= 0:
            start_beside(cluster, k, job, alt)
    if named:
        forget_head(cluster, head)
    for i in range(absent):
        move_in(cluster, cluster.later, int(cluster.list[i]), 1)
