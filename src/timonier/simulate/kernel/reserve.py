"""EASY on nodes: the blocked head holds named nodes, GPUs and slices at the earliest time at which it fits.

`later` is the room at that time, the head placed in it; `both` what is free now and then: what a candidate may
take that runs past that time. The head is named anew, at the same time, when a job started that ends before it:
it then prefers what is not free now, so that a reservation lies idle as little as can be.
"""

from __future__ import annotations

from timonier.simulate.kernel.backfill import SHORTEST, sort_picks
from timonier.simulate.kernel.gang import place, which_fits, which_fits_by_index
from timonier.simulate.kernel.heap import pop, push
from timonier.simulate.kernel.jit import helper, inline
from timonier.simulate.kernel.pool import charge, is_held, take
from timonier.simulate.kernel.room import capacity, copy_room, licensed, meet, move_job
from timonier.simulate.kernel.site import (
    ANYWHERE,
    BOTH_ROOMS,
    DECISIONS,
    FIRST,
    LATER_ROOM,
    NAMED,
    NOW_ROOM,
    RELEASES,
    SEARCHES,
    Cluster,
)
from timonier.simulate.kernel.state import HI, HOLE, NEVER, NOW, PEAK, SHADOW, SLOT_BITS, State
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
    cluster.luck[SEARCHES] += 1
    alt = which_fits_by_index(cluster, job, s, tasks)
    if alt < 0:
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
    alt = which_fits(cluster, cluster.both, job, s, tasks)
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


@helper
def list_ends(state: State) -> int:
    """A heap of (expected end, slot) of all that runs and is expected to end, in `scratch`; returns how many."""
    s = state.scalars
    running = state.running
    count = 0
    for slot in range(s[PEAK]):
        if running[slot]["job"] < 0 or running[slot]["after"] == 1:  # nobody, or gone already
            continue
        expected = running[slot]["expected"]
        if expected >= NEVER:
            continue
        if expected <= s[NOW]:
            expected = s[NOW] + 1
        push(state.scratch, count, (expected << SLOT_BITS) | slot)
        count += 1
    return count


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
def find_shadow(cluster: Cluster, head: int) -> None:
    """Set SHADOW to the first time at which the head fits by expected ends, and `later` to what is then free."""
    base = cluster.base
    s = base.scalars
    site = cluster.site
    later = cluster.later
    copy_room(cluster.room, later)
    count = list_ends(base)
    shape = int(cluster.ask[head]["shape"])
    tasks = int(cluster.ask[head]["tasks"])
    first = int(site.shape[shape]["first"])
    simple = site.shape[shape]["within"] == ANYWHERE and site.shape[shape]["last"] == first + 1
    fitting = 0
    if simple:
        for n in range(len(site.node)):
            fitting += capacity(site, later, -2, shape, first, n, tasks)
    while count > 0:
        when = base.scratch[0] >> SLOT_BITS
        while count > 0 and base.scratch[0] >> SLOT_BITS == when:
            slot = int(base.scratch[0] & ((1 << SLOT_BITS) - 1))
            pop(base.scratch, count)
            count -= 1
            fitting += release(cluster, slot, shape, first, tasks if simple else 0)
        if simple:
            found = fitting >= tasks and licensed(site, later, shape, tasks)
        else:
            found = which_fits(cluster, later, head, shape, tasks) >= 0
        if found:
            s[SHADOW] = when
            return
    s[SHADOW] = NEVER


@helper
def name_head(cluster: Cluster, head: int) -> None:
    """Place the head in `later`, where nothing of it is, and find what is free beside it."""
    luck = cluster.luck
    decisions = luck[DECISIONS]
    first = luck[FIRST]
    shape = int(cluster.ask[head]["shape"])
    alt = which_fits(cluster, cluster.later, head, shape, int(cluster.ask[head]["tasks"]))
    place(cluster, LATER_ROOM, head, alt)
    meet(cluster.site, cluster.room, cluster.later, cluster.both)
    luck[DECISIONS] = decisions
    luck[FIRST] = first
    luck[NAMED] += 1


@helper
def start_beside(cluster: Cluster, k: int, job: int, alt: int) -> None:
    """Start a job that runs past the shadow time, on what the head does not need."""
    ask = cluster.ask[job]
    place(cluster, BOTH_ROOMS, job, alt)
    for room in (cluster.room, cluster.later):
        move_job(
            cluster.site, room, cluster.held, job, int(ask["shape"]), int(ask["at"]), int(ask["tasks"]), 1
        )
    start(cluster, k, job)


@helper
def backfill(cluster: Cluster, place_of_head: int, kind: int) -> None:
    """EASY: start candidates that do not delay the head."""
    base = cluster.base
    s = base.scalars
    waiting = base.waiting
    head = int(waiting.job[place_of_head])
    find_shadow(cluster, head)
    shadow = s[SHADOW]
    if base.marks[head]["promised"] < 0 and shadow < NEVER:
        base.marks[head]["promised"] = shadow
    count = 0
    for m in range(place_of_head + 1, s[HI]):
        if waiting.size[m] != HOLE:
            base.pick[count] = m
            count += 1
    if kind == SHORTEST:
        sort_picks(base, 1, count)
    ask = cluster.ask[head]
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
            start(cluster, k, job)
            if named:
                rows = int(ask["at"])
                move_job(
                    cluster.site,
                    cluster.later,
                    cluster.held,
                    head,
                    int(ask["shape"]),
                    rows,
                    int(ask["tasks"]),
                    -1,
                )
                named = False
            continue
        if not named:
            name_head(cluster, head)
            named = True
        alt = which_fits_beside(cluster, job)
        if alt >= 0:
            start_beside(cluster, k, job, alt)
