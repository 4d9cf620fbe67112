"""Placing a whole job: does it fit, and where does each task go."""

from __future__ import annotations

from timonier.simulate.kernel.best import best_node
from timonier.simulate.kernel.choose import LOWEST_INDEX, in_open_domain
from timonier.simulate.kernel.device import put_task
from timonier.simulate.kernel.free import BLOCK, BLOCK_BITS, touch
from timonier.simulate.kernel.index import (
    fits_by_index,
    fits_of,
    is_awkward,
    lowest_bit,
    may_have_room,
    row_beside,
)
from timonier.simulate.kernel.jit import helper_once as helper
from timonier.simulate.kernel.jit import inline_once as inline
from timonier.simulate.kernel.room import capacity, is_spare, licensed, room_of
from timonier.simulate.kernel.site import (
    ANYWHERE,
    BOTH_ROOMS,
    DECISIONS,
    IN_NODE,
    LATER_ROOM,
    NOW_ROOM,
    SAMPLE,
    TIES,
    Cluster,
    Room,
    Site,
)


@helper
def fits_job(cluster: Cluster, room: Room, job: int, s: int, alt: int, tasks: int) -> bool:
    """Is there room for all tasks of a job, with this alternative of its shape?

    Where tasks must stay together, every switch or rack that has room for all is marked in `open`.
    Equal tasks do not get into each other's way: they fit if the nodes together take as many.
    """
    site = cluster.site
    if not licensed(site, room, s, tasks):
        return False
    within = site.shape[s]["within"]
    if within == ANYWHERE or within == IN_NODE:
        need = tasks if within == IN_NODE else 1
        sum_ = 0
        for n in range(len(site.node)):
            count = capacity(site, room, job, s, alt, n, tasks)
            if count >= need:
                sum_ += count
                if sum_ >= tasks:
                    return True
        return False
    some = False
    for domain in range(len(cluster.open)):
        cluster.open[domain] = 0
        if site.domain_kind[domain] != within:
            continue
        sum_ = 0
        for m in range(site.domain_at[domain], site.domain_at[domain + 1]):
            sum_ += capacity(site, room, job, s, alt, int(site.domain_node[m]), tasks)
            if sum_ >= tasks:
                cluster.open[domain] = 1
                some = True
                break
    return some


@helper
def which_fits_by_index(cluster: Cluster, room: Room, job: int, s: int, tasks: int) -> int:
    """What `which_fits` finds in a room that has no more than is free now."""
    shape = cluster.site.shape[s]
    for alt in range(shape["first"], shape["last"]):
        row = int(cluster.known.row_of[alt])
        if row >= 0 and shape["within"] == ANYWHERE:
            fits = licensed(cluster.site, room, s, tasks) and fits_by_index(
                cluster, room, (job, s, alt), row, tasks
            )
        else:
            fits = fits_job(cluster, room, job, s, alt, tasks)
        if fits:
            return int(alt)
    return -1


@helper
def which_fits(cluster: Cluster, room: Room, job: int, s: int, tasks: int) -> int:
    """The first alternative with which the job fits, -1: none."""
    shape = cluster.site.shape[s]
    for alt in range(shape["first"], shape["last"]):
        if fits_job(cluster, room, job, s, alt, tasks):
            return int(alt)
    return -1


@inline
def asks_something(site: Site, s: int) -> bool:
    """Does a task take anything of its node?  Then it takes what is free now where nothing ends by the shadow time."""
    shape = site.shape[s]
    asks = shape["whole"] != 0 or shape["gpus"] > 0
    for r in range(len(site.limited) - 1):
        asks |= site.want[s, r] > 0
    return bool(asks)


@inline
def nodes_to_try(cluster: Cluster, view: int, ask: tuple[int, int, int], row: int, b: int) -> int:
    """The nodes of block b in which to look for room: where there may be some, all if that is not known (row -1)."""
    if row >= 0:
        return may_have_room(cluster, view, ask, row, b)
    return (1 << min(BLOCK, len(cluster.site.node) - (b << BLOCK_BITS))) - 1


@inline
def fill(cluster: Cluster, view: int, ask: tuple[int, int, int], tasks: int, rows: int) -> None:
    """Put the tasks where they fit first, by index; for LATER_ROOM first where they take nothing that is free now."""
    site = cluster.site
    room = room_of(cluster, view)
    spare = 1 if view == LATER_ROOM else 0
    job, s, alt = ask
    width = int(site.shape[s]["width"])
    per_node = int(site.shape[s]["per_node"])
    index_row = int(cluster.known.row_of[alt]) if view == NOW_ROOM else row_beside(cluster, view, alt)
    only_eased = spare != 0 and index_row >= 0 and asks_something(site, s)
    done = 0
    for turn in range(2 if spare else 1):
        picky = spare != 0 and turn == 0
        for b in range((len(site.node) + BLOCK - 1) >> BLOCK_BITS):
            if done == tasks:
                return
            left = nodes_to_try(cluster, view, ask, index_row, b)
            if picky and only_eased:
                left &= int(cluster.eased[b])
            while left:
                low = left & -left
                left ^= low
                n = (b << BLOCK_BITS) + lowest_bit(low)
                while done < tasks and cluster.mine[n] < per_node:
                    if capacity(site, room, job, s, alt, n, 1) == 0:
                        break
                    if picky and not is_spare(site, room, cluster.room, s, alt, n):
                        break
                    row = rows + done * width
                    cluster.luck[DECISIONS] += 1
                    put_task(cluster, view, ask, n, row)
                    cluster.mine[n] += 1
                    done += 1


@inline
def look_first(cluster: Cluster, view: int, ask: tuple[int, int, int]) -> None:
    """Find where `both` may have room before a job is placed there whose own tasks change that: it holds meanwhile."""
    row = row_beside(cluster, view, ask[2])
    if row >= 0 and view == BOTH_ROOMS and is_awkward(cluster, ask[1]):
        for b in range(len(cluster.room.stamp)):
            fits_of(cluster, ask, row, b)


@helper
def place(cluster: Cluster, view: int, job: int, alt: int) -> None:
    """Put every task of a job that fits (fits_job was just asked) into a room, and into its rows of `held`."""
    site = cluster.site
    s = int(cluster.ask[job]["shape"])
    tasks = int(cluster.ask[job]["tasks"])
    rows = int(cluster.ask[job]["at"])
    shape = site.shape[s]
    width = int(shape["width"])
    within = shape["within"]
    ask = (job, s, alt)
    luck = cluster.luck
    look_first(cluster, view, ask)
    plain = len(cluster.scores.rule) == 0 and luck[TIES] == LOWEST_INDEX and luck[SAMPLE] == 0
    if plain and within == ANYWHERE:
        fill(cluster, view, ask, tasks, rows)
    else:
        domain = -1
        node = -1
        for task in range(tasks):
            if node >= 0:
                n = node
            elif within == IN_NODE:
                n = best_node(cluster, view, ask, -1, ANYWHERE, tasks)
                node = n
            elif domain >= 0 or within == ANYWHERE:
                n = best_node(cluster, view, ask, domain, ANYWHERE, 1)
            else:
                n = best_node(cluster, view, ask, -1, within, 1)
                domain = in_open_domain(cluster, within, n)
            put_task(cluster, view, ask, n, rows + task * width)
            cluster.mine[n] += 1
    cluster.scores.near[0] = 0
    forget = view == NOW_ROOM and tasks > 1 and is_awkward(cluster, s)
    for task in range(tasks):
        n = int(cluster.held.node[rows + task * width])
        cluster.mine[n] = 0
        if forget and len(cluster.room.stamp) > 0:
            touch(cluster.room, n)
        if site.node[n]["rack"] >= 0:
            cluster.scores.near[site.node[n]["rack"] + 1] = 0
