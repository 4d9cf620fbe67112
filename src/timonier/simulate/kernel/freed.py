"""What was given back in the plan of named nodes, and whether a waiting job could gain by it.

A job that holds the earliest hole there was finds an earlier one only where something was given back since: of each
node it is remembered from when and until when, since the last round of looking at all jobs began, and before that
round.  A hole that uses none of it was there before.
"""

from __future__ import annotations

from timonier.simulate.kernel.jit import helper_once as helper
from timonier.simulate.kernel.jit import inline_once as inline
from timonier.simulate.kernel.plan import narrow, window_end
from timonier.simulate.kernel.room import capacity
from timonier.simulate.kernel.site import Cluster
from timonier.simulate.kernel.state import NEVER

# Columns of `freed`: from when, until when; before this round, since it began.
FROM, UNTIL, FROM_NOW, UNTIL_NOW = range(4)


@helper
def free_all(cluster: Cluster) -> None:
    """Anything may be free anywhere: all jobs are looked at."""
    freed = cluster.plan.freed
    for n in range(len(freed)):
        freed[n, FROM_NOW] = 0
        freed[n, UNTIL_NOW] = NEVER


@helper
def mark_freed(cluster: Cluster, job: int, begin: int, end: int) -> None:
    """A job gives back, or will, what it has by its rows from begin until end."""
    freed = cluster.plan.freed
    ask = cluster.ask[job]
    width = int(cluster.site.shape[ask["shape"]]["width"])
    for task in range(ask["tasks"]):
        n = int(cluster.held.node[int(ask["at"]) + task * width])
        freed[n, FROM_NOW] = min(freed[n, FROM_NOW], begin)
        freed[n, UNTIL_NOW] = max(freed[n, UNTIL_NOW], end)


@helper
def begin_round(cluster: Cluster) -> None:
    """All jobs are about to be looked at: what is given back from now on concerns the next round too."""
    freed = cluster.plan.freed
    for n in range(len(freed)):
        freed[n, FROM] = freed[n, FROM_NOW]
        freed[n, UNTIL] = freed[n, UNTIL_NOW]
        freed[n, FROM_NOW] = NEVER
        freed[n, UNTIL_NOW] = 0


@inline
def freed_of(cluster: Cluster, n: int) -> tuple[int, int]:
    """From when and until when something of a node was given back; an empty span: nothing was."""
    freed = cluster.plan.freed
    return int(min(freed[n, FROM], freed[n, FROM_NOW])), int(max(freed[n, UNTIL], freed[n, UNTIL_NOW]))


@inline
def reach(now: int, old: int, est: int, span: tuple[int, int]) -> tuple[int, int]:
    """[after, before): where a window that begins before `old` must begin to have some part of a span."""
    begin, end = span
    after = now if est >= NEVER else max(now, begin - est + 1)
    return after, min(old, end)


@helper
def has_room(cluster: Cluster, job: int, n: int, after: int, before: int) -> bool:
    """Is there an instant in [after, before) from which node n has room for one task of the job for its estimate?"""
    plan = cluster.plan
    site = cluster.site
    s = int(cluster.ask[job]["shape"])
    est = int(cluster.base.jobs[job]["est"])
    begin = after
    while begin < before:
        narrow(cluster, n, begin, window_end(begin, est))
        for alt in range(site.shape[s]["first"], site.shape[s]["last"]):
            if capacity(site, cluster.both, -2, s, alt, n, 1) > 0:
                return True
        following = before
        row = int(plan.head[n])
        while row >= 0:
            end = int(plan.end[int(plan.of[row])])
            if begin < end < following:
                following = end
            row = int(plan.next[row])
        begin = following
    return False


@helper
def where_gained(cluster: Cluster, job: int, now: int, old: int) -> tuple[int, int]:
    """[after, before): where an earlier hole of a job than the one at `old` may begin; empty: there is none.

    The job holds nothing at present.
    """
    site = cluster.site
    s = int(cluster.ask[job]["shape"])
    est = int(cluster.base.jobs[job]["est"])
    first = NEVER
    last = 0
    some = False
    for n in range(len(site.node)):
        span = freed_of(cluster, n)
        if span[0] >= span[1] or site.allowed[s, site.node[n]["kind"]] == 0:
            continue
        after, before = reach(now, old, est, span)
        if after >= before:
            continue
        first = min(first, after)
        last = max(last, before)
        some = some or has_room(cluster, job, n, after, before)
    return (first, last) if some else (now, now)
