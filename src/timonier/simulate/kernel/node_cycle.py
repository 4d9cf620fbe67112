"""Backfill by reservations on nodes: a plan of named nodes that each cycle makes anew, and forgets at its end.

docs/background/node-engine.md says what a cycle does; what is free when is found as for conservative (`plan`).
"""

from __future__ import annotations

from timonier.simulate.kernel.count_cycle import first_unplanned, is_cycle, is_dynamic
from timonier.simulate.kernel.gang import place, which_fits
from timonier.simulate.kernel.jit import helper_once as helper
from timonier.simulate.kernel.node_hole import (
    add_running,
    find_hole,
    gather_running,
    mark_nodes,
    open_rooms,
    restore,
)
from timonier.simulate.kernel.plan import link, window_end
from timonier.simulate.kernel.pool import is_held
from timonier.simulate.kernel.reserve import start
from timonier.simulate.kernel.room import move_job
from timonier.simulate.kernel.site import (
    BOTH_ROOMS,
    DECISIONS,
    FIRST,
    Cluster,
)
from timonier.simulate.kernel.state import (
    CALM,
    CYCLE_DEPTH,
    CYCLE_GRID,
    CYCLE_USER,
    HI,
    HOLE,
    LO,
    LOOKED,
    NAMED_JOBS,
    NEVER,
    NOW,
    PEAK,
    PLANNED,
    RUNNING,
    SEEN,
    SEQ,
    STOP,
    WAITING,
)
from timonier.simulate.kernel.waiting import resort


@helper
def cycle_by_clock(cluster: Cluster) -> None:
    """The last thing of an instant: a cycle, where its clock ticks and somebody waits."""
    base = cluster.base
    if is_cycle(base):
        if is_dynamic(base):
            resort(base, 1)
        make_cycle(cluster)


@helper
def commit_running(cluster: Cluster) -> None:
    """What runs is held until its expected end; what counts as gone is not. Who overruns, or will, ends the calm."""
    base = cluster.base
    s = base.scalars
    now = int(s[NOW])
    for slot in range(s[PEAK]):
        running = base.running[slot]
        job = int(running["job"])
        if job < 0 or running["after"] == 1:
            continue
        expected = int(running["expected"])
        link(cluster, job, now, max(expected, now + 1))
        if base.jobs[job]["run"] > base.jobs[job]["est"]:
            s[CALM] = min(int(s[CALM]), expected) if expected > now else 0


@helper
def begin_plan(cluster: Cluster) -> None:
    """Forget the plan of the last cycle; the new one is what runs, and nobody has been looked at."""
    base = cluster.base
    s = base.scalars
    plan = cluster.plan
    plan.head[:] = -1
    for at in range(s[NAMED_JOBS]):
        plan.begin[int(cluster.list[at])] = NEVER
    s[NAMED_JOBS] = 0
    s[LOOKED] = 0
    s[CALM] = NEVER
    plan.looked[:] = 0
    open_rooms(cluster)
    commit_running(cluster)


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
    add_running(cluster, int(base.idle[base.scalars[RUNNING] - 1]))


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
    grid = int(cluster.base.scalars[CYCLE_GRID])
    end = window_end(begin, int(cluster.base.jobs[job]["est"]))
    if end < NEVER:
        end = max(end // grid, begin // grid + 1) * grid
    link(cluster, job, begin, end)
    cluster.list[cluster.base.scalars[NAMED_JOBS]] = job
    cluster.base.scalars[NAMED_JOBS] += 1


@helper
def make_cycle(cluster: Cluster) -> None:
    """One cycle: plan the waiting jobs in order; start who fits now, reserve for who fits within the window.

    If nothing has happened since the last one, it finds what that one found: only who came since is planned.
    """
    base = cluster.base
    s = base.scalars
    plan = cluster.plan
    now = int(s[NOW])
    calm = now < s[CALM] and s[SEQ] == s[SEEN]
    s[SEEN] = s[SEQ]
    if calm:
        k = first_unplanned(base)
    else:
        begin_plan(cluster)
        k = int(s[LO])
    if k < s[HI]:
        gather_running(cluster)
    while k < s[HI] and s[LOOKED] < s[CYCLE_DEPTH] and not s[STOP]:
        job = int(base.waiting.job[k])
        user = int(plan.user[job])
        free = base.waiting.size[k] != HOLE and plan.looked[user] < s[CYCLE_USER]
        if free and not is_held(base, job):
            s[LOOKED] += 1
            plan.looked[user] += 1
            begin = find_hole(cluster, job)
            if begin == now:
                start_in_hole(cluster, k, job)
            elif begin < NEVER:
                reserve_hole(cluster, job, begin)
                s[CALM] = min(int(s[CALM]), begin)
            if begin < NEVER:
                mark_nodes(cluster, job)
            restore(cluster)
        k += 1
    s[PLANNED] = s[WAITING]
    if is_dynamic(base):
        s[CALM] = 0
