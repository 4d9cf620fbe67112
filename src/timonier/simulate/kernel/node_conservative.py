"""Conservative backfill on named nodes: every waiting job holds an instant and its nodes, GPUs and slices.

The order of things in an instant is that of `conservative`; docs/background/node-engine.md says what names add.
"""

from __future__ import annotations

from functools import cache

from timonier.simulate.kernel.arrivals import (
    begin_instant,
    end_job,
    is_over,
    next_arrived,
    next_later,
    next_submission,
)
from timonier.simulate.kernel.conservative import HELD, UNPLACED, came_before, gather, is_stuck
from timonier.simulate.kernel.cycle import is_tick, next_clock
from timonier.simulate.kernel.freed import begin_round, free_all, mark_freed, where_gained
from timonier.simulate.kernel.gang import place, which_fits
from timonier.simulate.kernel.jit import helper_once as helper
from timonier.simulate.kernel.jit import inline_once as inline
from timonier.simulate.kernel.jit import loop
from timonier.simulate.kernel.node_loop import UNICEF, WFP3, AdvanceNodes
from timonier.simulate.kernel.node_pass import give_back
from timonier.simulate.kernel.occupy import is_free
from timonier.simulate.kernel.plan import find_hole, link, unlink, window_end
from timonier.simulate.kernel.pool import is_held, next_end, retire
from timonier.simulate.kernel.refs import by_ref
from timonier.simulate.kernel.reservations import find_due, next_within
from timonier.simulate.kernel.reserve import start
from timonier.simulate.kernel.room import move_job
from timonier.simulate.kernel.site import BOTH_ROOMS, NOW_ROOM, Cluster
from timonier.simulate.kernel.state import (
    ARRIVED,
    BATCH,
    BUDGET,
    DONE,
    DUE,
    ENDED,
    EVENTS,
    FORCED,
    HI,
    HOLE,
    LO,
    NEVER,
    NOW,
    ON_END,
    ON_SUBMIT,
    OVERRUNS,
    PEAK,
    RULE,
    STOP,
    TORN,
    UNTIL,
    WAITING,
)
from timonier.simulate.kernel.waiting import compact, count_waiting, insert, resort


@helper
def take_hole(cluster: Cluster, k: int, begin: int) -> None:
    """Name the nodes of the job at place k from `begin` on; what is free then stands in `both` (find_hole)."""
    base = cluster.base
    s = base.scalars
    job = int(base.waiting.job[k])
    base.waiting.start[k] = begin
    if begin >= NEVER:
        return
    ask = cluster.ask[job]
    alt = which_fits(cluster, cluster.both, job, int(ask["shape"]), int(ask["tasks"]))
    place(cluster, BOTH_ROOMS, job, alt)
    cluster.plan.alt[job] = alt
    link(cluster, job, begin, window_end(begin, int(base.jobs[job]["est"])))
    s[DUE] = min(s[DUE], begin)
    if base.marks[job]["promised"] < 0:
        base.marks[job]["promised"] = begin


@inline
def put(cluster: Cluster, k: int, after: int) -> None:
    """Give the job at place k its earliest hole from `after` on."""
    take_hole(cluster, k, find_hole(cluster, int(cluster.base.waiting.job[k]), after, NEVER))


@helper
def take_names(cluster: Cluster, view: int, job: int) -> bool:
    """Take the names that a job has, in the room of now or in `both`; False, and nothing is taken, where they are not free."""
    site = cluster.site
    held = cluster.held
    room = cluster.room if view == NOW_ROOM else cluster.both
    ask = cluster.ask[job]
    s = int(ask["shape"])
    width = int(site.shape[s]["width"])
    alt = int(cluster.plan.alt[job])
    for task in range(ask["tasks"]):
        row = int(ask["at"]) + task * width
        if not is_free(cluster, room, job, (s, alt), row):
            move_job(site, room, held, job, s, int(ask["at"]), task, -1)
            return False
        move_job(site, room, held, job, s, row, 1, 1)
    return True


@helper
def compress(cluster: Cluster) -> None:
    """One round: every waiting job not due now is lifted and put back, in queue order.

    Only where more is promised than there is (TORN) can a job lose its place; else it can only find an earlier
    one, and that only when something was given back since everybody was looked at.
    """
    base = cluster.base
    s = base.scalars
    now = int(s[NOW])
    waiting = base.waiting
    plan = cluster.plan
    torn = s[TORN] > 0
    if not torn and plan.gained[0] == 0:
        return
    s[TORN] = 0
    plan.gained[0] = 1 if torn else 0
    begin_round(cluster)
    if torn:
        free_all(cluster)
    for k in range(s[LO], s[HI]):
        if s[STOP]:
            return
        if waiting.size[k] == HOLE or waiting.start[k] <= now:
            continue
        job = int(waiting.job[k])
        old = int(waiting.start[k])
        unlink(cluster, job)
        after, before = (now, NEVER) if torn else where_gained(cluster, job, now, old)
        begin = find_hole(cluster, job, after, before)
        if not torn and begin >= NEVER:
            begin = old
        if begin == old and (begin >= NEVER or not torn or take_names(cluster, BOTH_ROOMS, job)):
            if begin < NEVER:
                link(cluster, job, begin, window_end(begin, int(base.jobs[job]["est"])))
            continue
        plan.gained[0] = 1
        if old < NEVER:
            mark_freed(cluster, job, old, window_end(old, int(base.jobs[job]["est"])))
        take_hole(cluster, k, begin)
    find_due(base)


@helper
def place_held(cluster: Cluster) -> None:
    """Jobs that are held no longer get their holes, in queue order."""
    base = cluster.base
    s = base.scalars
    for k in range(s[LO], s[HI]):
        if base.waiting.size[k] != HOLE and base.waiting.start[k] == HELD:
            if not is_held(base, int(base.waiting.job[k])):
                put(cluster, k, int(s[NOW]))


@inline
def place_one(cluster: Cluster, k: int) -> None:
    """A job that came gets its hole, unless a limit of its queue holds it back."""
    base = cluster.base
    if is_held(base, int(base.waiting.job[k])):
        base.waiting.start[k] = HELD
    else:
        put(cluster, k, int(base.scalars[NOW]))


@helper
def place_new(cluster: Cluster) -> None:
    """Jobs that came since the last pass get their holes, in the order in which they came."""
    base = cluster.base
    s = base.scalars
    count = 0
    k = next_within(base, int(s[LO]), UNPLACED, UNPLACED)
    while k < s[HI]:
        m = count
        while m > 0 and came_before(base, 1, k, int(base.pick[m - 1])):
            base.pick[m] = base.pick[m - 1]
            m -= 1
        base.pick[m] = k
        count += 1
        k = next_within(base, k + 1, UNPLACED, UNPLACED)
    for c in range(count):
        if s[STOP]:
            return
        place_one(cluster, int(base.pick[c]))


@helper
def start_due(cluster: Cluster) -> None:
    """Start the jobs whose reservation has come, on their names, in queue order; find the next one that will come."""
    base = cluster.base
    s = base.scalars
    waiting = base.waiting
    now = int(s[NOW])
    if s[DUE] > now:
        return
    k = next_within(base, int(s[LO]), 0, now)
    while k < s[HI] and not s[STOP]:
        job = int(waiting.job[k])
        was = int(waiting.start[k])
        unlink(cluster, job)
        if is_held(base, job):
            waiting.start[k] = HELD
            cluster.plan.gained[0] = 1
            mark_freed(cluster, job, was, window_end(was, int(base.jobs[job]["est"])))
        elif take_names(cluster, NOW_ROOM, job):
            if was < now:
                s[TORN] = 1
            start(cluster, k, job)
            link(cluster, job, now, window_end(now, int(base.jobs[job]["est"])))
        else:
            cluster.plan.gained[0] = 1
            mark_freed(cluster, job, was, window_end(was, int(base.jobs[job]["est"])))
            put(cluster, k, now + 1)
        k = next_within(base, k + 1, 0, now)
    while s[LO] < s[HI] and waiting.size[s[LO]] == HOLE:
        s[LO] += 1
    find_due(base)


@helper
def extend_overruns(cluster: Cluster) -> None:
    """Every job that runs although it was expected to have ended is expected at now + 1."""
    base = cluster.base
    s = base.scalars
    now = s[NOW]
    for slot in range(s[PEAK]):
        expected = int(base.running[slot]["expected"])
        job = int(base.running[slot]["job"])
        if job >= 0 and expected <= now and base.jobs[job]["run"] > base.jobs[job]["est"]:
            cluster.plan.end[job] = now + 1
            base.running[slot]["expected"] = now + 1
            s[TORN] = 1


@helper
def finish(cluster: Cluster, slot: int) -> None:
    """A job's turn to end."""
    base = cluster.base
    s = base.scalars
    s[EVENTS] += 1
    s[ENDED] = 1
    job = int(base.running[slot]["job"])
    if base.running[slot]["expected"] > s[NOW]:
        cluster.plan.gained[0] = 1
        mark_freed(cluster, job, int(s[NOW]), int(cluster.plan.end[job]))
    give_back(cluster, slot)
    unlink(cluster, job)
    end_job(base, retire(base, slot), s[NOW])


@helper
def round_after_ends(cluster: Cluster) -> None:
    """What follows an end: a round, then holes for the jobs that are held no longer."""
    cluster.base.scalars[ENDED] = 0
    compress(cluster)
    place_held(cluster)


@helper
def alternative_of(cluster: Cluster, job: int) -> int:
    """The first alternative of a job that has all the types of GPU on which it is named."""
    site = cluster.site
    ask = cluster.ask[job]
    shape = site.shape[ask["shape"]]
    for alt in range(shape["first"], shape["last"]):
        suits = True
        for row in range(ask["at"], ask["at"] + ask["tasks"] * shape["width"]):
            device = int(cluster.held.device[row])
            if device >= 0 and site.suits[alt, site.device[device]["type"]] == 0:
                suits = False
        if suits:
            return int(alt)
    return int(shape["first"])


@loop
def prime_plan(whole: Cluster, waits: int) -> int:
    """Commit what a state brings: the running jobs, and the reservations whose names stand in `held`.

    waits: what a waiting job without a reservation is, UNPLACED or HELD.
    """
    cluster = by_ref(whole)
    base = cluster.base
    s = base.scalars
    for slot in range(s[PEAK]):
        job = int(base.running[slot]["job"])
        if job >= 0:
            link(cluster, job, int(base.marks[job]["start"]), int(base.running[slot]["expected"]))
    for k in range(s[LO], s[HI]):
        job = int(base.waiting.job[k])
        begin = int(base.reserved[job])
        base.waiting.start[k] = begin if begin >= 0 else waits
        if 0 <= begin < NEVER:
            cluster.plan.alt[job] = alternative_of(cluster, job)
            link(cluster, job, begin, window_end(begin, int(base.jobs[job]["est"])))
    find_due(base)
    cluster.plan.gained[0] = 1
    free_all(cluster)
    return 0


@cache
def build_named(event: int) -> AdvanceNodes:
    """As `conservative.build_conservative`, on named nodes; event: 1 for a round after every single end."""

    @loop
    def advance(whole: Cluster, until: int, budget: int) -> int:
        """Handle every instant up to and including `until`, until about `budget` events are handled."""
        cluster = by_ref(whole)
        base = cluster.base
        s = base.scalars
        stop = s[EVENTS] + budget
        while True:
            now = min(next_submission(base), next_end(base), next_later(base))
            over = is_over(base, now) and is_stuck(base)
            now = min(now, next_clock(base))
            if s[ON_SUBMIT] or s[ON_END]:
                now = min(now, s[DUE])
            if s[FORCED]:
                now = s[NOW]
            elif over:
                return DONE
            if now >= NEVER:
                return DONE
            if now > until:
                return UNTIL
            if s[EVENTS] >= stop or s[STOP]:
                return BUDGET
            begin_instant(base, now)
            if s[HI] - s[LO] > 2 * s[WAITING] + 64:
                compact(base)
            if s[WAITING] > 0 and (s[RULE] == WFP3 or s[RULE] == UNICEF):
                resort(base, 1)
            gather(base)
            acted = s[BATCH] > 0 and s[ON_END]
            if event:
                if s[OVERRUNS]:
                    extend_overruns(cluster)
            else:
                for c in range(s[BATCH]):
                    finish(cluster, int(base.batch[c]))
            while True:
                job = next_arrived(base, now)
                if job < 0 or s[STOP]:
                    if not event or s[BATCH] == 0:
                        break
                    for c in range(s[BATCH]):
                        if s[STOP]:
                            return BUDGET
                        finish(cluster, int(base.batch[c]))
                        if s[ON_END]:
                            round_after_ends(cluster)
                    s[BATCH] = 0
                    continue
                s[EVENTS] += 1
                s[ARRIVED] = 1
                acted = acted or s[ON_SUBMIT]
                k = insert(base, 1, 1, job)
                base.waiting.start[k] = UNPLACED
                if event and s[ON_SUBMIT]:
                    place_one(cluster, k)
            tick = is_tick(base)
            live = s[ON_SUBMIT] or s[ON_END]
            if acted or tick or (live and s[DUE] <= now):
                s[FORCED] = 0
                if not event or tick:
                    if s[OVERRUNS]:
                        extend_overruns(cluster)
                    if s[ENDED]:
                        round_after_ends(cluster)
                    if s[ARRIVED]:
                        place_new(cluster)
                s[ARRIVED] = 0
                start_due(cluster)
            count_waiting(base)

    return advance
