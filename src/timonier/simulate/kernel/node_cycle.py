"""Backfill by reservations on nodes: a plan of named nodes that each cycle makes anew, and forgets at its end.

docs/background/node-engine.md says what a cycle does; what is free when is found as for conservative (`plan`).
"""

from __future__ import annotations

from timonier.simulate.kernel.gang import place, which_fits
from timonier.simulate.kernel.jit import helper_once as helper
from timonier.simulate.kernel.jit import inline_once as inline
from timonier.simulate.kernel.order import DYNAMIC_RULES
from timonier.simulate.kernel.plan import find_hole, link, unlink, window_end
from timonier.simulate.kernel.pool import is_held
from timonier.simulate.kernel.reserve import start
from timonier.simulate.kernel.room import move_job
from timonier.simulate.kernel.site import (
    BOTH_ROOMS,
    DECISIONS,
    DEPTH,
    FIRST,
    GRID,
    PERIOD,
    USER_JOBS,
    WINDOW,
    Cluster,
)
from timonier.simulate.kernel.state import BEFORE, HI, HOLE, LO, NEVER, NOW, PEAK, RULE, STOP, WAITING
from timonier.simulate.kernel.waiting import resort

WFP3, UNICEF = DYNAMIC_RULES


@inline
def next_cycle(cluster: Cluster) -> int:
    """The next instant at which a cycle is due by its own clock; NEVER: it has none, or nobody waits."""
    s = cluster.base.scalars
    period = cluster.plan.knobs[PERIOD]
    if period == 0 or s[WAITING] == 0:
        return NEVER
    return int((s[NOW] // period + 1) * period)


@inline
def begin_cycles(cluster: Cluster) -> None:
    """An instant begins: whether nothing started counts only where the clock of the cycles ticks too."""
    s = cluster.base.scalars
    period = cluster.plan.knobs[PERIOD]
    if period > 0 and s[NOW] % period != 0:
        s[BEFORE] = -1


@helper
def cycle_by_clock(cluster: Cluster) -> None:
    """The last thing of an instant: a cycle, where its clock ticks and somebody waits."""
    base = cluster.base
    s = base.scalars
    period = cluster.plan.knobs[PERIOD]
    if period == 0 or s[NOW] % period != 0 or s[WAITING] == 0:
        return
    if s[RULE] == WFP3 or s[RULE] == UNICEF:
        resort(base, 1)
    make_cycle(cluster)


@helper
def commit_running(cluster: Cluster) -> None:
    """What runs is held until its expected end; what counts as gone is not."""
    base = cluster.base
    now = int(base.scalars[NOW])
    for slot in range(base.scalars[PEAK]):
        running = base.running[slot]
        if running["job"] >= 0 and running["after"] != 1:
            link(cluster, int(running["job"]), now, max(int(running["expected"]), now + 1))


@helper
def forget(cluster: Cluster) -> None:
    """The plan of a cycle is over."""
    base = cluster.base
    s = base.scalars
    for slot in range(s[PEAK]):
        if base.running[slot]["job"] >= 0:
            unlink(cluster, int(base.running[slot]["job"]))
    for k in range(s[LO], s[HI]):
        if base.waiting.size[k] != HOLE:
            unlink(cluster, int(base.waiting.job[k]))


@helper
def start_in_hole(cluster: Cluster, k: int, job: int) -> None:
    """Start the job at place k on what is free throughout its estimate, which stands in `both`."""
    base = cluster.base
    ask = cluster.ask[job]
    s = int(ask["shape"])
    tasks = int(ask["tasks"])
    now = int(base.scalars[NOW])
    place(cluster, BOTH_ROOMS, job, which_fits(cluster, cluster.both, job, s, tasks))
    move_job(cluster.site, cluster.room, cluster.held, job, s, int(ask["at"]), tasks, 1)
    start(cluster, k, job)
    link(cluster, job, now, window_end(now, int(base.jobs[job]["est"])))


@helper
def reserve_hole(cluster: Cluster, job: int, begin: int) -> None:
    """Name a job in its hole, and plan it from `begin` on, to an end on the grid; naming is no decision."""
    luck = cluster.luck
    decisions = luck[DECISIONS]
    first = luck[FIRST]
    ask = cluster.ask[job]
    alt = which_fits(cluster, cluster.both, job, int(ask["shape"]), int(ask["tasks"]))
    place(cluster, BOTH_ROOMS, job, alt)
    luck[DECISIONS] = decisions
    luck[FIRST] = first
    grid = int(cluster.plan.knobs[GRID])
    end = window_end(begin, int(cluster.base.jobs[job]["est"]))
    if end < NEVER:
        end = max(end // grid, begin // grid + 1) * grid
    link(cluster, job, begin, end)


@helper
def make_cycle(cluster: Cluster) -> None:
    """One cycle: plan the waiting jobs in order; start who fits now, reserve for who fits within the window."""
    base = cluster.base
    s = base.scalars
    plan = cluster.plan
    now = int(s[NOW])
    commit_running(cluster)
    plan.looked[:] = 0
    looked = 0
    for k in range(s[LO], s[HI]):
        if looked >= plan.knobs[DEPTH] or s[STOP]:
            break
        if base.waiting.size[k] == HOLE:
            continue
        job = int(base.waiting.job[k])
        user = int(plan.user[job])
        if is_held(base, job) or plan.looked[user] >= plan.knobs[USER_JOBS]:
            continue
        looked += 1
        plan.looked[user] += 1
        begin = find_hole(cluster, job, now, now + plan.knobs[WINDOW] + 1)
        if begin == now:
            start_in_hole(cluster, k, job)
        elif begin < NEVER:
            reserve_hole(cluster, job, begin)
    forget(cluster)
