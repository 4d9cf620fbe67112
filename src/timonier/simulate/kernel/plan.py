"""The plan of named nodes: what running jobs and reservations hold over time, and the earliest hole for a job.

A commitment is a job with its rows of `held` from `begin` until `end`.  Each node knows the rows that lie on it,
whatever their time; they are few, so that what is free of a node throughout a window is found by looking at them.
From one candidate instant to the next only the nodes of those commitments are looked at again that leave the window
at its begin or enter it at its end: everywhere else the least of what is free stays what it was.
"""

from __future__ import annotations

from timonier.simulate.kernel.gang import which_fits
from timonier.simulate.kernel.heap import pop, push
from timonier.simulate.kernel.jit import helper_once as helper
from timonier.simulate.kernel.jit import inline_once as inline
from timonier.simulate.kernel.room import capacity, licensed, meet_node, move_device, move_node
from timonier.simulate.kernel.site import (
    ANYWHERE,
    FREE_SHARE,
    MASK,
    OWNER,
    SHARERS,
    TASKS,
    WHOLE,
    Cluster,
)
from timonier.simulate.kernel.state import HI, HOLE, JOB_BITS, LO, NEVER, PEAK


@helper
def link(cluster: Cluster, job: int, begin: int, end: int) -> None:
    """Commit the rows that a job has in `held` from begin until end."""
    plan = cluster.plan
    ask = cluster.ask[job]
    width = int(cluster.site.shape[ask["shape"]]["width"])
    plan.begin[job] = begin
    plan.end[job] = end
    for task in range(ask["tasks"]):
        row = int(ask["at"]) + task * width
        n = int(cluster.held.node[row])
        after = plan.head[n]
        plan.of[row] = job
        plan.next[row] = after
        plan.before[row] = -1
        if after >= 0:
            plan.before[after] = row
        plan.head[n] = row


@helper
def unlink(cluster: Cluster, job: int) -> None:
    """Take a commitment back."""
    plan = cluster.plan
    if plan.begin[job] >= NEVER:
        return
    ask = cluster.ask[job]
    width = int(cluster.site.shape[ask["shape"]]["width"])
    plan.begin[job] = NEVER
    for task in range(ask["tasks"]):
        row = int(ask["at"]) + task * width
        after = plan.next[row]
        before = plan.before[row]
        if after >= 0:
            plan.before[after] = before
        if before >= 0:
            plan.next[before] = after
        else:
            plan.head[int(cluster.held.node[row])] = after


@inline
def clear_node(cluster: Cluster, n: int, both: bool) -> None:
    """All of a node is free, in `both` or in `later`."""
    site = cluster.site
    room = cluster.both if both else cluster.later
    room.version[n] += 1
    for r in range(room.left.shape[1]):
        room.left[n, r] = site.total[n, r]
    room.users[n, TASKS] = 0
    room.users[n, OWNER] = -1
    for sort in range(room.sorts.shape[1]):
        room.sorts[n, sort] = 0
    node = site.node[n]
    room.gpus[n] = WHOLE * (node["last"] - node["first"])
    for d in range(node["first"], node["last"]):
        room.device[d, FREE_SHARE] = WHOLE
        room.device[d, SHARERS] = 0
        room.device[d, MASK] = 0


@inline
def move_row(cluster: Cluster, row: int, n: int, sign: int) -> None:
    """Take (1) or give back (-1) in `later` what the task at a row holds on node n."""
    site = cluster.site
    held = cluster.held
    job = int(cluster.plan.of[row])
    s = int(cluster.ask[job]["shape"])
    for i in range(site.shape[s]["gpus"]):
        move_device(site, cluster.later, s, int(held.device[row + i]), int(held.start[row + i]), sign)
    move_node(site, cluster.later, job, s, n, sign)


@helper
def look_at(cluster: Cluster, n: int, instant: int) -> None:
    """Narrow what is free of a node in `both` by what is free at an instant."""
    site = cluster.site
    plan = cluster.plan
    later = cluster.later
    clear_node(cluster, n, False)
    row = int(plan.head[n])
    while row >= 0:
        job = int(plan.of[row])
        if plan.begin[job] <= instant < plan.end[job]:
            move_row(cluster, row, n, 1)
        row = int(plan.next[row])
    meet_node(site, cluster.both, later, cluster.both, n)


@helper
def narrow(cluster: Cluster, n: int, begin: int, end: int) -> None:
    """Set what is free of a node in `both` to what is free throughout [begin, end)."""
    plan = cluster.plan
    clear_node(cluster, n, True)
    if plan.head[n] < 0:
        return
    look_at(cluster, n, begin)
    half = len(plan.sweep) >> 1
    leave = plan.sweep[half:]
    coming = 0
    leaving = 0
    row = int(plan.head[n])
    while row >= 0:
        job = int(plan.of[row])
        if begin < plan.begin[job] < end:
            push(plan.sweep, coming, (int(plan.begin[job]) << JOB_BITS) | row)
            coming += 1
        row = int(plan.next[row])
    if coming == 0:
        return
    row = int(plan.head[n])
    while row >= 0:
        job = int(plan.of[row])
        if plan.begin[job] < end and begin < plan.end[job] < end:
            push(leave, leaving, (int(plan.end[job]) << JOB_BITS) | row)
            leaving += 1
        row = int(plan.next[row])
    while coming > 0:
        instant = int(plan.sweep[0]) >> JOB_BITS
        while leaving > 0 and int(leave[0]) >> JOB_BITS <= instant:
            move_row(cluster, int(leave[0]) & ((1 << JOB_BITS) - 1), n, -1)
            pop(leave, leaving)
            leaving -= 1
        while coming > 0 and int(plan.sweep[0]) >> JOB_BITS == instant:
            move_row(cluster, int(plan.sweep[0]) & ((1 << JOB_BITS) - 1), n, 1)
            pop(plan.sweep, coming)
            coming -= 1
        meet_node(cluster.site, cluster.both, cluster.later, cluster.both, n)


@helper
def narrow_licences(cluster: Cluster, begin: int, end: int, count: int) -> None:
    """The same for licences; the commitments that have some stand in plan.list[:count]."""
    plan = cluster.plan
    for c in range(len(cluster.both.licence)):
        total = plan.licences[c]
        least = total
        for at in range(-1, count):
            instant = begin if at < 0 else int(plan.begin[plan.list[at]])
            if at >= 0 and not begin < instant < end:
                continue
            free = total
            for other in range(count):
                job = int(plan.list[other])
                if plan.begin[job] <= instant < plan.end[job]:
                    ask = cluster.ask[job]
                    free -= ask["tasks"] * cluster.site.licence[ask["shape"], c]
            least = min(least, free)
        cluster.both.licence[c] = least


@helper
def list_commitments(
    cluster: Cluster, ends_in: tuple[int, int], begins_in: tuple[int, int]
) -> tuple[int, int, int]:
    """Heaps of (end, job) in `scratch` and of (begin, job) in plan.heap; those with licences in a list.

    ends_in: between, both excluded.  begins_in: from, to excluded.
    Returns how many of each.
    """
    base = cluster.base
    s = base.scalars
    plan = cluster.plan
    ends = 0
    begins = 0
    licensed_ = 0
    for at in range(s[PEAK] + s[HI] - s[LO]):
        if at < s[PEAK]:
            job = int(base.running[at]["job"])
        else:
            k = s[LO] + at - s[PEAK]
            job = int(base.waiting.job[k]) if base.waiting.size[k] != HOLE else -1
        if job < 0 or plan.begin[job] >= NEVER:
            continue
        end = int(plan.end[job])
        begin = int(plan.begin[job])
        if ends_in[0] < end < ends_in[1]:
            push(base.scratch, ends, (end << JOB_BITS) | job)
            ends += 1
        if begins_in[0] <= begin < begins_in[1]:
            push(plan.heap, begins, (begin << JOB_BITS) | job)
            begins += 1
        if cluster.site.shape[cluster.ask[job]["shape"]]["licensed"]:
            plan.list[licensed_] = job
            licensed_ += 1
    return ends, begins, licensed_


@helper
def renew(cluster: Cluster, job: int, window: tuple[int, int], ask: tuple[int, int, int]) -> int:
    """Look again at the nodes of a commitment; returns how many more tasks of ask = (shape, alternative, most) fit."""
    site = cluster.site
    shape, alt, most = ask
    begin, end = window
    of = cluster.ask[job]
    width = int(site.shape[of["shape"]]["width"])
    more = 0
    last = -1
    for task in range(of["tasks"]):
        n = int(cluster.held.node[int(of["at"]) + task * width])
        if n == last or site.allowed[shape, site.node[n]["kind"]] == 0:
            continue
        last = n
        if most > 0:
            more -= capacity(site, cluster.both, -2, shape, alt, n, most)
        narrow(cluster, n, begin, end)
        if most > 0:
            more += capacity(site, cluster.both, -2, shape, alt, n, most)
    return more


@inline
def window_end(begin: int, est: int) -> int:
    """Where a window of an estimate ends."""
    return begin + est if est < NEVER else NEVER


@helper
def find_hole(cluster: Cluster, job: int, after: int, before: int) -> int:
    """The first instant in [after, before) from which a job without a commitment fits for its estimate; NEVER: none.

    What is then free throughout stands in `both`, for nodes that the job may use.
    """
    base = cluster.base
    site = cluster.site
    plan = cluster.plan
    s = int(cluster.ask[job]["shape"])
    tasks = int(cluster.ask[job]["tasks"])
    est = int(base.jobs[job]["est"])
    first = int(site.shape[s]["first"])
    simple = site.shape[s]["within"] == ANYWHERE and site.shape[s]["last"] == first + 1
    has_licences = site.shape[s]["licensed"] > 0
    if after >= before:
        return NEVER
    begin = after
    end = window_end(begin, est)
    ends, begins, licensed_ = list_commitments(cluster, (after, before), (end, window_end(before, est)))
    fitting = 0
    for n in range(len(site.node)):
        if site.allowed[s, site.node[n]["kind"]] == 0:
            continue
        narrow(cluster, n, begin, end)
        if simple:
            fitting += capacity(site, cluster.both, -2, s, first, n, tasks)
    ask = (s, first, tasks if simple else 0)
    while begin < before:
        if has_licences:
            narrow_licences(cluster, begin, end, licensed_)
        if simple:
            found = fitting >= tasks and licensed(site, cluster.both, s, tasks)
        else:
            found = which_fits(cluster, cluster.both, job, s, tasks) >= 0
        if found:
            return begin
        if ends == 0:
            return NEVER
        begin = int(base.scratch[0] >> JOB_BITS)
        end = window_end(begin, est)
        while ends > 0 and int(base.scratch[0] >> JOB_BITS) == begin:
            gone = int(base.scratch[0] & ((1 << JOB_BITS) - 1))
            pop(base.scratch, ends)
            ends -= 1
            fitting += renew(cluster, gone, (begin, end), ask)
        while begins > 0 and int(plan.heap[0] >> JOB_BITS) < end:
            come = int(plan.heap[0] & ((1 << JOB_BITS) - 1))
            pop(plan.heap, begins)
            begins -= 1
            fitting += renew(cluster, come, (begin, end), ask)
    return NEVER
