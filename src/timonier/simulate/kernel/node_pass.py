"""A scheduling pass on nodes: start who fits, in order; what a blocked job blocks; EASY behind the blocked head."""

from __future__ import annotations

from timonier.simulate.kernel.arrivals import settle
from timonier.simulate.kernel.backfill import NONE
from timonier.simulate.kernel.jit import helper_once as helper
from timonier.simulate.kernel.pool import charge, is_held
from timonier.simulate.kernel.reserve import backfill as backfill_behind
from timonier.simulate.kernel.reserve import start_now, which_fits_now
from timonier.simulate.kernel.room import move_job
from timonier.simulate.kernel.shadow import follow_end
from timonier.simulate.kernel.site import (
    BACKFILL,
    BLOCKED,
    CHANGES,
    DROP,
    MIRRORED,
    PARTITION,
    QUEUE,
    RELEASES,
    Cluster,
)
from timonier.simulate.kernel.state import DROPPED, HI, HOLE, LO, NOW
from timonier.simulate.kernel.waiting import tidy, vacate


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
    if cluster.luck[MIRRORED]:
        follow_end(cluster, slot)
    charge(base, job, -1)
    base.running[slot]["after"] = 1
    cluster.luck[RELEASES] += 1
    cluster.luck[CHANGES] += 1


@helper
def drop(cluster: Cluster, k: int, job: int) -> None:
    """A job that does not fit leaves for good."""
    base = cluster.base
    vacate(base, k)
    base.marks[job]["state"] = DROPPED
    settle(base, job, base.scalars[NOW])


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
            start_now(cluster, k, job, alt)
        elif blocked == QUEUE:
            return int(k)
        elif blocked == PARTITION:
            cluster.closed[partition] = 1
        elif blocked == DROP:
            drop(cluster, k, job)
    return -1


@helper
def node_pass(cluster: Cluster) -> None:
    """One pass."""
    backfill = cluster.luck[BACKFILL]
    head = start_in_order(cluster)
    if backfill != NONE and head >= 0:
        backfill_behind(cluster, head, backfill)
    tidy(cluster.base)
