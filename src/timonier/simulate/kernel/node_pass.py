"""A scheduling pass on nodes: start who fits, in order; what a blocked job blocks; EASY behind the blocked head."""

from __future__ import annotations

from timonier.simulate.kernel.arrivals import settle
from timonier.simulate.kernel.gang import place, which_fits
from timonier.simulate.kernel.jit import helper, inline
from timonier.simulate.kernel.pool import charge, is_held, take
from timonier.simulate.kernel.room import move_job
from timonier.simulate.kernel.site import BLOCKED, DROP, PARTITION, QUEUE, RELEASES, Cluster
from timonier.simulate.kernel.state import DROPPED, HI, HOLE, LO, NOW, WAITING, State
from timonier.simulate.kernel.waiting import compact, vacate

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
    alt = which_fits(cluster, cluster.room, job, s, tasks)
    if alt < 0:
        tired[WHEN] = cluster.luck[RELEASES]
        tired[TASKS_NOW] = tasks
    return int(alt)


@inline
def start(cluster: Cluster, k: int, job: int) -> None:
    """The job at place k, whose nodes are taken, starts."""
    base = cluster.base
    take(base, 0, job, base.scalars[NOW])
    charge(base, job, 1)
    vacate(base, k)


@helper
def give_back(cluster: Cluster, slot: int) -> None:
    """All that a running job holds is free again; it is not yet marked as ended."""
    base = cluster.base
    job = int(base.running[slot]["job"])
    ask = cluster.ask[job]
    move_job(
        cluster.site,
        cluster.room,
        cluster.held,
        job,
        int(ask["shape"]),
        int(ask["at"]),
        int(ask["tasks"]),
        -1,
    )
    charge(base, job, -1)
    base.running[slot]["after"] = 1
    cluster.luck[RELEASES] += 1


@helper
def drop(cluster: Cluster, k: int, job: int) -> None:
    """A job that does not fit leaves for good."""
    base = cluster.base
    vacate(base, k)
    base.marks[job]["state"] = DROPPED
    settle(base, job, base.scalars[NOW])


@inline
def tidy(state: State) -> None:
    """Forget the holes at the front of the line, and close the others when they are many."""
    s = state.scalars
    while s[LO] < s[HI] and state.waiting.size[s[LO]] == HOLE:
        s[LO] += 1
    if s[HI] - s[LO] > 2 * s[WAITING] + 64:
        compact(state)


@helper
def start_in_order(cluster: Cluster) -> int:
    """Start who fits, in order; returns the place of the head that blocks the queue, -1: nobody does."""
    base = cluster.base
    s = base.scalars
    waiting = base.waiting
    blocked = cluster.luck[BLOCKED]
    cluster.closed[:] = 0
    for k in range(s[LO], s[HI]):
        if waiting.size[k] == HOLE:
            continue
        job = int(waiting.job[k])
        if is_held(base, job):
            continue
        partition = int(cluster.ask[job]["partition"]) + 1
        if cluster.closed[partition]:
            continue
        alt = which_fits_now(cluster, job)
        if alt >= 0:
            place(cluster, cluster.room, job, alt, 0)
            start(cluster, k, job)
        elif blocked == QUEUE:
            return int(k)
        elif blocked == PARTITION:
            cluster.closed[partition] = 1
        elif blocked == DROP:
            drop(cluster, k, job)
    return -1


@helper
def node_pass(cluster: Cluster, backfill: int) -> None:
    """One pass."""
    head = start_in_order(cluster)
    tidy(cluster.base)
