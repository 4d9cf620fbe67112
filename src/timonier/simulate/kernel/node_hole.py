"""The holes of a cycle on nodes: when a job fits beside what runs and what the cycle has planned.

Between two searches `both` is what is free now, on all nodes.  A search looks again only at nodes of planned jobs that
its window meets, and from one candidate instant to the next at those of whom leaves or enters it;
what it changed it marks in `eased`, and puts back afterwards.  The expected ends of the running jobs are put in order
once a cycle, and only as far as some search goes: `scratch` has the first ones, `due` the rest as a heap.
The jobs that are planned stand in `list`.
"""

from __future__ import annotations

from timonier.simulate.kernel.bits import first_bit
from timonier.simulate.kernel.free import BLOCK, BLOCK_BITS
from timonier.simulate.kernel.gang import which_fits
from timonier.simulate.kernel.heap import pop, push
from timonier.simulate.kernel.jit import helper_once as helper
from timonier.simulate.kernel.jit import inline_once as inline
from timonier.simulate.kernel.plan import narrow, narrow_licences, window_end
from timonier.simulate.kernel.room import capacity, copy_room, licensed
from timonier.simulate.kernel.site import (
    ANYWHERE,
    FREE_SHARE,
    MASK,
    OWNER,
    SHARERS,
    TASKS,
    Cluster,
)
from timonier.simulate.kernel.state import (
    CALM,
    CYCLE_GRID,
    CYCLE_WINDOW,
    ENDING,
    JOB_BITS,
    NAMED_JOBS,
    NEVER,
    NOW,
    ORDERED,
    PEAK,
    SLOT_BITS,
)

# ---- what is free now, in `both`


@helper
def open_rooms(cluster: Cluster) -> None:
    """Let `both` be what is free now."""
    copy_room(cluster.room, cluster.both)
    for n in range(len(cluster.both.version)):
        cluster.both.version[n] += 1
    cluster.eased[:] = 0


@helper
def mark_nodes(cluster: Cluster, job: int) -> None:
    """The nodes of a job are no longer in `both` what they are now."""
    ask = cluster.ask[job]
    width = int(cluster.site.shape[ask["shape"]]["width"])
    for task in range(ask["tasks"]):
        n = int(cluster.held.node[int(ask["at"]) + task * width])
        cluster.eased[n >> BLOCK_BITS] |= 1 << (n & (BLOCK - 1))


@helper
def restore_node(cluster: Cluster, n: int) -> None:
    """Let a node in `both` be what it is now."""
    room = cluster.room
    both = cluster.both
    both.version[n] += 1
    for r in range(room.left.shape[1]):
        both.left[n, r] = room.left[n, r]
    both.users[n, TASKS] = room.users[n, TASKS]
    both.users[n, OWNER] = room.users[n, OWNER]
    both.gpus[n] = room.gpus[n]
    for sort in range(room.sorts.shape[1]):
        both.sorts[n, sort] = room.sorts[n, sort]
    for d in range(cluster.site.node[n]["first"], cluster.site.node[n]["last"]):
        both.device[d, FREE_SHARE] = room.device[d, FREE_SHARE]
        both.device[d, SHARERS] = room.device[d, SHARERS]
        both.device[d, MASK] = room.device[d, MASK]


@helper
def restore(cluster: Cluster) -> None:
    """Put back in `both` what a search and a placement have changed."""
    for block in range(len(cluster.eased)):
        bits = int(cluster.eased[block])
        while bits != 0:
            bit = first_bit(bits)
            bits &= bits - 1
            restore_node(cluster, (block << BLOCK_BITS) + bit)
        cluster.eased[block] = 0
    for c in range(len(cluster.room.licence)):
        cluster.both.licence[c] = cluster.room.licence[c]


# ---- expected ends, in order


@helper
def gather_running(cluster: Cluster) -> None:
    """A heap of the expected ends of the running jobs; of who counts as gone, or never ends, none."""
    base = cluster.base
    s = base.scalars
    s[ENDING] = 0
    s[ORDERED] = 0
    for slot in range(s[PEAK]):
        running = base.running[slot]
        if running["job"] >= 0 and running["after"] != 1 and running["expected"] < NEVER:
            end = max(int(running["expected"]), int(s[NOW]) + 1)
            push(cluster.due, int(s[ENDING]), (end << SLOT_BITS) | slot)
            s[ENDING] += 1


@helper
def add_running(cluster: Cluster, slot: int) -> None:
    """A job has started in the cycle: its expected end among the others."""
    base = cluster.base
    s = base.scalars
    end = int(base.running[slot]["expected"])
    if end >= NEVER:
        return
    key = (end << SLOT_BITS) | slot
    i = int(s[ORDERED])
    if i == 0 or key > base.scratch[i - 1]:
        push(cluster.due, int(s[ENDING]), key)
        s[ENDING] += 1
        return
    while i > 0 and base.scratch[i - 1] > key:
        base.scratch[i] = base.scratch[i - 1]
        i -= 1
    base.scratch[i] = key
    s[ORDERED] += 1


@helper
def running_end(cluster: Cluster, i: int) -> int:
    """The i-th expected end, as tick << SLOT_BITS | slot; NEVER << 1: there are fewer."""
    s = cluster.base.scalars
    if i < s[ORDERED]:
        return int(cluster.base.scratch[i])
    if s[ENDING] == 0:
        return NEVER << 1
    key = int(cluster.due[0])
    pop(cluster.due, int(s[ENDING]))
    s[ENDING] -= 1
    cluster.base.scratch[i] = key
    s[ORDERED] += 1
    return key


# ---- a search


@inline
def window_on_grid(cluster: Cluster, begin: int, est: int) -> int:
    """Until when what a job takes must be free: to the end of its estimate, and on to the next multiple of the grid."""
    grid = int(cluster.base.scalars[CYCLE_GRID])
    end = window_end(begin, est)
    return end if grid == 1 or end >= NEVER else -(-end // grid) * grid


@helper
def list_licensed(cluster: Cluster) -> int:
    """Commitments with licences into plan.list; returns how many."""
    base = cluster.base
    count = 0
    for at in range(base.scalars[PEAK] + base.scalars[NAMED_JOBS]):
        if at < base.scalars[PEAK]:
            job = int(base.running[at]["job"])
        else:
            job = int(cluster.list[at - int(base.scalars[PEAK])])
        if job >= 0 and cluster.plan.begin[job] < NEVER:
            if cluster.site.shape[cluster.ask[job]["shape"]]["licensed"]:
                cluster.plan.list[count] = job
                count += 1
    return count


@helper
def look_again(
    cluster: Cluster, job: int, window: tuple[int, int], ask: tuple[int, int, int], enters: bool
) -> int:
    """A planned job enters the window, or one leaves it: look at its nodes, and remember to put them back.

    Returns how many more tasks of ask = (shape, alternative, most) fit there, 0 where `most` is: all nodes are looked at
    then. Else only those that such a task may use; and where it has no room, nobody who enters makes any.
    """
    site = cluster.site
    shape, alt, most = ask
    of = cluster.ask[job]
    width = int(site.shape[of["shape"]]["width"])
    more = 0
    last = -1
    for task in range(of["tasks"]):
        n = int(cluster.held.node[int(of["at"]) + task * width])
        if n == last:
            continue
        last = n
        before = 0
        if most > 0:
            if site.allowed[shape, site.node[n]["kind"]] == 0:
                continue
            before = int(capacity(site, cluster.both, -2, shape, alt, n, most))
            if enters and before == 0:
                continue
        cluster.eased[n >> BLOCK_BITS] |= 1 << (n & (BLOCK - 1))
        narrow(cluster, n, window[0], window[1])
        if most > 0:
            more += int(capacity(site, cluster.both, -2, shape, alt, n, most)) - before
    return more


@helper
def find_hole(cluster: Cluster, job: int) -> int:
    """The first instant from now on, and within the window, from which a job fits for its estimate; NEVER: none.

    What is then free throughout stands in `both`. Where there is none, CALM ends before one can be in reach.
    """
    base = cluster.base
    s_ = base.scalars
    site = cluster.site
    plan = cluster.plan
    s = int(cluster.ask[job]["shape"])
    tasks = int(cluster.ask[job]["tasks"])
    est = int(base.jobs[job]["est"])
    first = int(site.shape[s]["first"])
    simple = site.shape[s]["within"] == ANYWHERE and site.shape[s]["last"] == first + 1
    has_licences = site.shape[s]["licensed"] > 0
    begin = int(s_[NOW])
    before = begin + int(s_[CYCLE_WINDOW]) + 1
    end = window_on_grid(cluster, begin, est)
    ask = (s, first, tasks if simple else 0)
    fitting = 0
    if simple:
        for n in range(len(site.node)):
            fitting += capacity(site, cluster.both, -2, s, first, n, tasks)
    half = len(plan.heap) >> 1
    ends_heap = plan.heap[half:]
    ends = 0
    begins = 0
    for at in range(s_[NAMED_JOBS]):
        other = int(cluster.list[at])
        if plan.end[other] < NEVER:
            push(ends_heap, ends, (int(plan.end[other]) << JOB_BITS) | other)
            ends += 1
        if plan.begin[other] < end:
            fitting += look_again(cluster, other, (begin, end), ask, True)
        else:
            push(plan.heap, begins, (int(plan.begin[other]) << JOB_BITS) | other)
            begins += 1
    licensed_ = list_licensed(cluster) if has_licences else 0
    i = 0
    while True:
        if has_licences:
            narrow_licences(cluster, begin, end, licensed_)
        if simple:
            found = fitting >= tasks and licensed(site, cluster.both, s, tasks)
        else:
            found = which_fits(cluster, cluster.both, job, s, tasks) >= 0
        if found:
            return begin
        key = running_end(cluster, i)
        begin = key >> SLOT_BITS if key < NEVER << 1 else NEVER
        if ends > 0:
            begin = min(begin, int(ends_heap[0] >> JOB_BITS))
        if begin >= NEVER:
            return NEVER
        if begin >= before:
            s_[CALM] = min(int(s_[CALM]), begin - int(s_[CYCLE_WINDOW]))
            return NEVER
        end = window_on_grid(cluster, begin, est)
        while key < NEVER << 1 and key >> SLOT_BITS == begin:
            gone = int(base.running[key & ((1 << SLOT_BITS) - 1)]["job"])
            fitting += look_again(cluster, gone, (begin, end), ask, False)
            i += 1
            key = running_end(cluster, i)
        while ends > 0 and int(ends_heap[0] >> JOB_BITS) == begin:
            gone = int(ends_heap[0] & ((1 << JOB_BITS) - 1))
            pop(ends_heap, ends)
            ends -= 1
            fitting += look_again(cluster, gone, (begin, end), ask, False)
        while begins > 0 and int(plan.heap[0] >> JOB_BITS) < end:
            come = int(plan.heap[0] & ((1 << JOB_BITS) - 1))
            pop(plan.heap, begins)
            begins -= 1
            fitting += look_again(cluster, come, (begin, end), ask, True)
