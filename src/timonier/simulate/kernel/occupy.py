"""Filling a machine with nodes before a run: what can run on it at all, and what runs already."""

from __future__ import annotations

from timonier.simulate.kernel.device import put_task
from timonier.simulate.kernel.gang import place, which_fits
from timonier.simulate.kernel.heap import pop, push
from timonier.simulate.kernel.jit import helper_once as helper
from timonier.simulate.kernel.jit import loop
from timonier.simulate.kernel.refs import by_ref
from timonier.simulate.kernel.room import MANY, capacity, licensed, move_job, units
from timonier.simulate.kernel.score import score_node
from timonier.simulate.kernel.site import DECISIONS, MASK, NOW_ROOM, Cluster, Room
from timonier.simulate.kernel.state import JOB_BITS, PEAK, Array

CHOOSE = -2  # a device that the rules choose
FAR = 1 << 34  # ends that fit a heap key


@loop
def can_run(whole: Cluster, shapes: Array, tasks: Array, able: Array) -> None:
    """able[i]: would so many tasks of that shape fit on the machine as it is?"""
    cluster = by_ref(whole)
    for i in range(len(shapes)):
        able[i] = which_fits(cluster, cluster.room, -2, int(shapes[i]), int(tasks[i])) >= 0


@loop
def score_nodes(whole: Cluster, s: int, alt: int, totals: Array) -> None:
    """totals[n]: how good node n is now for a task of shape s, whether it fits there or not."""
    cluster = by_ref(whole)
    for n in range(len(totals)):
        totals[n] = score_node(cluster.site, cluster.room, cluster.scores, cluster.luck, s, alt, n)


@helper
def is_free(cluster: Cluster, room: Room, job: int, by: tuple[int, int], row: int) -> bool:
    """Is what one task holds by its rows free in a room?  by: (shape, alternative)."""
    site = cluster.site
    held = cluster.held
    s, alt = by
    if capacity(site, room, job, s, alt, int(held.node[row]), 1) == 0 or not licensed(site, room, s, 1):
        return False
    if held.device[row] == CHOOSE:
        return True
    profile = int(site.shape[s]["profile"])
    for i in range(site.shape[s]["gpus"]):
        d = int(held.device[row + i])
        start = int(held.start[row + i])
        if units(site, room, s, alt, d) == 0 or (profile >= 0) != (start >= 0):
            return False
        for other in range(i):
            if held.device[row + other] == d and (start < 0 or held.start[row + other] == start):
                return False
        if profile >= 0:
            geometry = site.device[d]["geometry"]
            bits = ((1 << site.slices[geometry, profile]) - 1) << start
            if not (site.starts[geometry, profile] >> start) & 1 or room.device[d, MASK] & bits:
                return False
    return True


@loop
def occupy(whole: Cluster) -> int:
    """Take what the running jobs hold, as their rows of `held` say; returns a job that cannot be there, -1: none."""
    cluster = by_ref(whole)
    running = cluster.base.running
    held = cluster.held
    decisions = cluster.luck[DECISIONS]
    for slot in range(cluster.base.scalars[PEAK]):
        job = int(running[slot]["job"])
        if job < 0:
            continue
        running[slot]["after"] = 0
        ask = cluster.ask[job]
        s = int(ask["shape"])
        shape = cluster.site.shape[s]
        for task in range(ask["tasks"]):
            row = int(ask["at"]) + task * int(shape["width"])
            alt = int(shape["first"])
            while alt < shape["last"] and not is_free(cluster, cluster.room, job, (s, alt), row):
                alt += 1
            if alt == shape["last"]:
                return job
            if held.device[row] == CHOOSE:
                put_task(cluster, NOW_ROOM, (job, s, alt), int(held.node[row]), row)
            else:
                move_job(cluster.site, cluster.room, held, job, s, row, 1, 1)
    cluster.luck[DECISIONS] = decisions
    for r in range(len(cluster.scores.near)):
        cluster.scores.near[r] = 0
    return -1


@loop
def count_slots(whole: Cluster, s: int, slots: Array) -> None:
    """slots[n]: how many tasks of shape s fit on node n as it is."""
    cluster = by_ref(whole)
    alt = int(cluster.site.shape[s]["first"])
    for n in range(len(slots)):
        slots[n] = capacity(cluster.site, cluster.room, -2, s, alt, n, MANY)


@loop
def name_starts(whole: Cluster, started: Array, end: Array) -> None:
    """Place jobs that started, in this order; who has rows in `held` already runs there.

    end[j]: when job j ends.  What ends at an instant is free for what starts at it.
    """
    cluster = by_ref(whole)
    heap = cluster.base.scratch
    count = 0
    for i in range(len(started)):
        job = int(started[i])
        ask = cluster.ask[job]
        s = int(ask["shape"])
        tasks = int(ask["tasks"])
        start = cluster.base.marks[job]["start"]
        while count > 0 and heap[0] >> JOB_BITS <= start:
            gone = int(heap[0] & ((1 << JOB_BITS) - 1))
            pop(heap, count)
            count -= 1
            left = cluster.ask[gone]
            rows = int(left["at"])
            move_job(
                cluster.site,
                cluster.room,
                cluster.held,
                gone,
                int(left["shape"]),
                rows,
                int(left["tasks"]),
                -1,
            )
        if cluster.held.node[int(ask["at"])] >= 0:
            move_job(cluster.site, cluster.room, cluster.held, job, s, int(ask["at"]), tasks, 1)
        else:
            place(cluster, NOW_ROOM, job, which_fits(cluster, cluster.room, job, s, tasks))
        if end[job] < FAR:
            push(heap, count, (end[job] << JOB_BITS) | job)
            count += 1
