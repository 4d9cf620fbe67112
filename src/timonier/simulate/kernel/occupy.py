"""Filling a machine with nodes before a run: what can run on it at all, and what runs already."""

from __future__ import annotations

from timonier.simulate.kernel.gang import which_fits
from timonier.simulate.kernel.jit import loop
from timonier.simulate.kernel.room import move_job
from timonier.simulate.kernel.site import Array, Cluster
from timonier.simulate.kernel.state import PEAK


@loop
def can_run(cluster: Cluster, shapes: Array, tasks: Array, able: Array) -> None:
    """able[i]: would so many tasks of that shape fit on the machine as it is?"""
    for i in range(len(shapes)):
        able[i] = which_fits(cluster, cluster.room, -2, int(shapes[i]), int(tasks[i])) >= 0


@loop
def occupy(cluster: Cluster) -> None:
    """Take what the running jobs hold, as their rows of `held` say."""
    running = cluster.base.running
    for slot in range(cluster.base.scalars[PEAK]):
        job = int(running[slot]["job"])
        if job >= 0:
            ask = cluster.ask[job]
            s = int(ask["shape"])
            move_job(cluster.site, cluster.room, cluster.held, job, s, int(ask["at"]), int(ask["tasks"]), 1)
            running[slot]["after"] = 0
