"""Why a running job of a state cannot be where its placement says: who holds its GPU, or fills its node."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from timonier.simulate.kernel import site as k
from timonier.simulate.kernel.state import PEAK

Ints = NDArray[np.int64]
_MOST_NAMES = 5  # jobs in one sentence


def why_not_there(cluster: k.Cluster, job: int, nodes: list[str], name_of: Callable[[int], str]) -> str:
    """The cause, in words, after `occupy` has returned this job.

    nodes: their names.  name_of: a packed job's name in the job table.
    """
    before = _placed_before(cluster, job)
    own = _rows(cluster, job)
    for at in own.tolist():
        d = int(cluster.held.device[at])
        if d < 0:
            continue
        where = f"GPU {d - int(cluster.site.node[cluster.held.node[at]]['first'])} of node {nodes[cluster.held.node[at]]!r}"
        holders = [other for other in before if _clash(cluster, at, job, other)]
        if holders:
            return f"{where} is held by {_jobs(holders, name_of)}"
        if (cluster.held.device[own] == d).sum() > 1 and cluster.site.shape[_shape(cluster, job)][
            "profile"
        ] < 0:
            return f"it names {where} more than once"
    here = sorted(set(cluster.held.node[own].tolist()))
    beside = [other for other in before if np.isin(cluster.held.node[_rows(cluster, other)], here).any()]
    words = ", ".join(repr(nodes[n]) for n in here[:_MOST_NAMES]) + (
        ", ..." if len(here) > _MOST_NAMES else ""
    )
    kind = "node" if len(here) == 1 else "nodes"
    if beside:
        return f"{kind} {words} cannot hold it beside {_jobs(beside, name_of)}"
    return f"{kind} {words} cannot hold what it asks for, even empty"


def _clash(cluster: k.Cluster, at: int, job: int, other: int) -> bool:
    """Does another job hold what this row names of its GPU?"""
    rows = _rows(cluster, other)
    rows = rows[cluster.held.device[rows] == cluster.held.device[at]]
    if not len(rows):
        return False
    mine, theirs = (cluster.site.shape[_shape(cluster, one)] for one in (job, other))
    if mine["share"] and theirs["share"]:
        return True  # a GPU that is full of shares, or has too many sharers: all of them hold it
    if mine["profile"] < 0 or theirs["profile"] < 0:
        return True
    geometry = cluster.site.device[cluster.held.device[at]]["geometry"]
    start, width = cluster.held.start[at], cluster.site.slices[geometry, mine["profile"]]
    starts, widths = cluster.held.start[rows], cluster.site.slices[geometry, theirs["profile"]]
    return bool(((starts < start + width) & (start < starts + widths)).any())


def _placed_before(cluster: k.Cluster, job: int) -> list[int]:
    """The running jobs that had their places when this one was tried."""
    running = cluster.base.running["job"][: cluster.base.scalars[PEAK]].tolist()
    return [int(one) for one in running[: running.index(job)] if one >= 0]


def _shape(cluster: k.Cluster, job: int) -> int:
    return int(cluster.ask[job]["shape"])


def _rows(cluster: k.Cluster, job: int) -> Ints:
    ask = cluster.ask[job]
    width = int(cluster.site.shape[ask["shape"]]["width"])
    return np.arange(int(ask["at"]), int(ask["at"]) + int(ask["tasks"]) * width)


def _jobs(jobs: list[int], name_of: Callable[[int], str]) -> str:
    names = ", ".join(repr(name_of(one)) for one in jobs[:_MOST_NAMES])
    more = f" and {len(jobs) - _MOST_NAMES:,} more" if len(jobs) > _MOST_NAMES else ""
    return f"job{'s' if len(jobs) > 1 else ''} {names}{more}"
