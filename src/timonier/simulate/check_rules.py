"""The promises of a run, each a function from the evidence to sentences about what is broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from timonier.policy import Limits, Profile
from timonier.simulate.check_evidence import FOREVER, STATES, UNKNOWN, Evidence, Flags, Ints, told
from timonier.workload.arrow import pc

# ---- the run table by itself


def says_what_was_asked(e: Evidence) -> list[str]:
    """Submit and size are those of the workload."""
    return [
        *told(e, e.said["submit_s"] != e.submit, "has another submit_s than in workload.parquet"),
        *told(e, e.said["size"] != e.asked, "has another size than it asks for in workload.parquet"),
    ]


def adds_up(e: Evidence) -> list[str]:
    """wait = start - submit, run = end - start."""
    said = e.said
    wait = np.where(e.started, said["start_s"] - said["submit_s"], UNKNOWN)
    both = e.started & e.ended
    run = np.where(both, said["end_s"] - said["start_s"], UNKNOWN)
    return [
        *told(e, said["wait_s"] != wait, "has a wait_s that is not start_s - submit_s"),
        *told(e, said["run_s"] != run, "has a run_s that is not end_s - start_s"),
        *told(e, both & (run <= 0), "ends before or when it starts"),
    ]


def states_fit(e: Evidence) -> list[str]:
    """Who is completed or timed out has a start and an end, who runs a start only, others neither."""
    done, runs = e.is_in("completed", "timeout"), e.is_in("running")
    return [
        *told(e, ~e.is_in(*STATES), f"has a state that is none of {', '.join(STATES)}"),
        *told(e, done & ~(e.started & e.ended), "has ended, but has no start_s or no end_s"),
        *told(e, runs & ~(e.started & ~e.ended), "is running, but has an end_s or no start_s"),
        *told(e, ~done & ~runs & (e.started | e.ended), "never ran, but has a start_s or an end_s"),
    ]


# ---- what a job gets


def runs_as_long_as_it_should(e: Evidence) -> list[str]:
    """Its run time, or less where the limit cuts it short; and the state says which.

    A run goes on to its end, where only jobs still run that never end, or to `until`, that instant included.
    """
    done = e.ended & e.started
    cut = e.is_in("timeout")
    last = FOREVER if e.until is None else e.until
    over_due = e.is_in("running") & e.started & (e.said["start_s"] + e.expected <= last)
    beyond = ~e.running_then & ((e.said["start_s"] > last) | (e.said["end_s"] > last))
    return [
        *told(
            e, beyond, "starts or ends after the instant at which the run was stopped (manifest.toml: until)"
        ),
        *told(
            e,
            done & (e.said["end_s"] - e.said["start_s"] != e.expected),
            "does not run as long as its run time and limit say",
        ),
        *told(e, done & cut & ~e.cut, "is called timeout, but its limit did not cut it short"),
        *told(e, done & ~cut & e.cut, "was cut short at its limit, but is not called timeout"),
        *told(e, over_due, "is called running, but should have ended"),
    ]


def starts_when_it_may(e: Evidence) -> list[str]:
    """Not before its submit, nor before its eligible instant; what ran already, when it started."""
    start = e.said["start_s"]
    may = np.maximum(e.submit, np.where(e.running_then, UNKNOWN, e.eligible))
    early = e.started & (start < may)
    lost = e.running_then & (start != e.start_then)
    past = np.zeros(e.count, dtype=bool)
    if e.now is not None:
        past = e.started & ~e.running_then & (start < e.now)
    return [
        *told(e, early, "starts before it is submitted or eligible"),
        *told(e, lost, "ran already in the state, but its start_s is another"),
        *told(e, past, "starts before the instant of the state from which the run went on"),
    ]


def unrunnable_jobs_are_just_those(e: Evidence) -> list[str]:
    """A job is unrunnable if the empty machine, its partition or its queue could not take it, and only then."""
    cannot = e.asked > e.processors
    if e.caps:
        known = np.asarray(pc.fill_null(pc.is_in(e.partition, pa.array(list(e.caps))), False))
        cannot |= ~known & np.asarray(pc.is_valid(e.partition))
        for name, cap in e.caps.items():
            cannot |= e.in_partition(name) & (e.asked > cap)
    for queue in e.profile.queues:
        cannot |= e.in_queue(queue.name) & never_allowed(e, queue.limits)
    cannot &= ~e.running_then
    called = e.is_in("unrunnable")
    return [
        *told(e, cannot & ~called, "cannot run on this machine, but is not called unrunnable"),
        *told(e, called & ~cannot, "is called unrunnable, but the empty machine could run it"),
    ]


def never_allowed(e: Evidence, limits: Limits) -> Flags:
    """Jobs that these limits of a queue hold back for ever."""
    never = np.zeros(e.count, dtype=bool)
    for most in (limits.processors, limits.user_processors, limits.job_processors):
        if most is not None:
            never |= e.asked > most
    if limits.job_time_s is not None:
        never |= e.limit > limits.job_time_s
    if 0 in (limits.jobs, limits.user_jobs):
        never[:] = True
    return never


# ---- what they hold together


def capacity_is_kept(e: Evidence) -> list[str]:
    """At no instant more processors in use than there are, in the machine and in each partition."""
    size = e.said["size"]
    broken = _at_most(e, e.started, size, e.processors, "processors of the machine are in use")
    for name, cap in e.caps.items():
        in_it = e.started & e.in_partition(name)
        broken += _at_most(e, in_it, size, cap, f"processors of partition {name!r} are in use")
    return broken


def queue_limits_are_kept(e: Evidence) -> list[str]:
    """What the running jobs of a queue, and of each user in it, may hold when one more starts.

    What ran already in the state may hold more: limits may have been lowered since.
    """
    broken = []
    size, one = e.said["size"], np.ones(e.count, dtype=np.int64)
    for queue in e.profile.queues:
        rows = e.started & e.in_queue(queue.name)
        limits, of = queue.limits, f"of queue {queue.name!r}"
        for most, amount, what in (
            (limits.processors, size, f"processors {of} are in use"),
            (limits.jobs, one, f"jobs {of} run"),
        ):
            if most is not None:
                broken += _at_most(e, rows, amount, most, what, starts_only=True)
        for most, amount, what in (
            (limits.user_processors, size, f"processors of one user {of} are in use"),
            (limits.user_jobs, one, f"jobs of one user {of} run"),
        ):
            if most is not None:
                broken += _at_most(e, rows, amount, most, what, e.users, starts_only=True)
    return broken


def _at_most(  # noqa: PLR0913  what is added up, of whom, when, and what is said of it
    e: Evidence,
    rows: Flags,
    amount: Ints,
    most: int,
    what: str,
    group: Ints | None = None,
    starts_only: bool = False,
) -> list[str]:
    """Add up what starts and ends, instant by instant (and group by group).

    starts_only: only where a job starts that did not run already in the state.
    """
    if not rows.any():
        return []
    start = e.said["start_s"][rows]
    end = np.where(e.ended, e.said["end_s"], FOREVER)[rows]
    time = np.concatenate([start, end])
    change = np.concatenate([amount[rows], -amount[rows]])
    groups = np.zeros(len(time), dtype=np.int64) if group is None else np.tile(group[rows], 2)
    order = np.lexsort((change, time, groups))  # at one instant the ends come first
    used = np.cumsum(change[order])
    if starts_only:
        began = np.concatenate([~e.running_then[rows], np.zeros(len(start), dtype=bool)])[order]
        used[~began] = 0
    worst = int(np.argmax(used))
    if used[worst] <= most:
        return []
    at = int(time[order][worst])
    return [f"{int(used[worst])} {what} at {at} s; allowed are {most}"]


# ---- who goes before whom


def dependencies_are_kept(e: Evidence) -> list[str]:
    """Nobody starts before its dependencies (and its think time) allow it; who can never, is cancelled."""
    child, parent, kind = _links(e)
    start, end = e.said["start_s"], np.where(e.ended, e.said["end_s"], FOREVER)
    completed, closed = e.is_in("completed"), ~e.is_in("running", "pending")
    fulfilled = np.select(
        [kind == "afterok", kind == "afternotok"],
        [completed[parent], closed[parent] & ~completed[parent]],
        closed[parent],
    )
    runs = e.started[child] & ~e.running_then[child]
    ended = closed[parent] & e.ended[parent]
    wrong, early = np.zeros(e.count, dtype=bool), np.zeros(e.count, dtype=bool)
    wrong[child[runs & ~fulfilled]] = True
    early[child[runs & ended & (start[child] < end[parent] + e.think[child])]] = True
    doomed = e.doomed.copy()
    doomed[child[closed[parent] & ~fulfilled]] = True
    wrong |= e.doomed & e.started
    has_come = e.submit <= (FOREVER if e.until is None else e.until)
    return [
        *told(e, wrong, "starts although a dependency of it does not hold"),
        *told(e, early, "starts before its dependencies have ended (and its think time is over)"),
        *told(e, e.is_in("cancelled") & ~doomed, "is cancelled, but its dependencies could hold"),
        *told(
            e,
            e.is_in("pending") & doomed & has_come,
            "waits for ever for a dependency that cannot hold",
        ),
    ]


def _links(e: Evidence) -> tuple[Ints, Ints, Any]:
    """Who depends on whom, by row, and how; on jobs of the table only."""
    texts = pc.fill_null(e.dependency, "")
    rows = np.flatnonzero(np.asarray(pc.not_equal(texts, "")))
    children, names, kinds = [], [], []
    for row in rows.tolist():
        for part in texts[row].as_py().split(","):
            kind, *parents = part.strip().split(":")
            children += [row] * len(parents)
            kinds += [kind] * len(parents)
            names += parents
    none = np.zeros(0, dtype=np.int64)
    if not names:
        return none, none, np.array([], dtype=str)
    found = pc.index_in(pa.array(names), e.ids.combine_chunks())
    known = np.asarray(pc.is_valid(found))
    parent = np.asarray(pc.fill_null(found, 0)).astype(np.int64)
    return np.array(children)[known], parent[known], np.array(kinds)[known]


def first_come_first_served(e: Evidence) -> list[str]:
    """Without backfill, FCFS starts jobs in the order in which they came, queue priority by queue priority."""
    profile = e.profile
    plain = profile.order.rule == "fcfs" and profile.backfill.rule == "none"
    plain = plain and profile.cycle.blocked == "queue"
    if not plain or _limits_hold_back(profile) or _depend(e) or e.now is not None:
        return []
    rank = np.zeros(e.count, dtype=np.int64)
    for queue in profile.queues:
        rank[e.in_queue(queue.name)] = queue.priority
    rows = np.flatnonzero(e.is_in("completed", "timeout", "running", "pending"))
    rows = rows[np.lexsort((rows, e.submit[rows], -rank[rows]))]
    start = np.where(e.started, e.said["start_s"], FOREVER)[rows]
    same = rank[rows][1:] == rank[rows][:-1]
    wrong = np.zeros(e.count, dtype=bool)
    wrong[rows[1:][same & (start[1:] < start[:-1])]] = True
    return told(e, wrong, "starts before a job that came before it (FCFS without backfill)")


def nobody_leaves_unasked(e: Evidence) -> list[str]:
    """Only where blocked jobs leave is anybody dropped; and there, and where plans are forgotten, nobody is promised a start."""
    drops, forgets = e.profile.cycle.blocked == "drop", e.profile.backfill.rule in ("none", "reservations")
    promised = (e.promised != UNKNOWN) & ~e.running_then
    return [
        *told(e, e.is_in("dropped") & (not drops), "is dropped, but cycle.blocked is not drop"),
        *told(e, promised & forgets, "has a promised_s, but nobody promises any"),
    ]


def promised_starts_are_kept(e: Evidence) -> list[str]:
    """EASY's head and conservative's every job start by the first promise, where nothing can delay them."""
    profile = e.profile
    can_promise = (
        profile.order.rule == "fcfs"
        and profile.backfill.rule in ("easy", "conservative")
        and profile.cycle.each == "instant"
        and "end" in profile.cycle.on
        and not _limits_hold_back(profile)
        and not any(queue.priority for queue in profile.queues)
        and not _depend(e)
        and (e.now is None or e.settled)
    )
    joins = ~e.is_in("unrunnable", "cancelled")
    if not can_promise or (joins & (e.expected > e.estimate)).any():
        return []
    known = (e.promised != UNKNOWN) & ~e.running_then
    late = known & e.started & (e.said["start_s"] > e.promised)
    never = known & e.is_in("pending") & (e.promised < e.horizon)
    return told(e, late | never, "starts later than it was promised (promised_s)")


def nobody_waits_for_nothing(e: Evidence) -> list[str]:
    """At the end of a run nobody who may start waits on a machine on which nothing runs."""
    cycle = e.profile.cycle
    always_looks = {"submit", "end"} <= set(cycle.on) or cycle.every_s is not None
    if e.is_in("running").any() or not always_looks:
        return []
    waits = e.is_in("pending") & ~e.doomed
    if e.until is not None:  # who came before the last pass, and waits for no other job
        last = e.until if cycle.every_s is None else e.until // cycle.every_s * cycle.every_s
        waits &= np.maximum(e.submit, e.eligible) <= last
        waits &= np.asarray(pc.equal(pc.fill_null(e.dependency, ""), ""))
        ends = e.said["end_s"].max(initial=0)
        waits &= bool(ends <= last)
    return told(e, waits, "waits at the end of the run, although nothing runs")


def _limits_hold_back(profile: Profile) -> bool:
    limits = [queue.limits for queue in profile.queues]
    held = [(x.processors, x.jobs, x.user_processors, x.user_jobs) for x in limits]
    return any(most is not None for four in held for most in four)


def _depend(e: Evidence) -> bool:
    return bool(np.asarray(pc.not_equal(pc.fill_null(e.dependency, ""), "")).any())


RULES: tuple[Callable[[Evidence], list[str]], ...] = (
    says_what_was_asked,
    adds_up,
    states_fit,
    runs_as_long_as_it_should,
    starts_when_it_may,
    unrunnable_jobs_are_just_those,
    capacity_is_kept,
    queue_limits_are_kept,
    dependencies_are_kept,
    first_come_first_served,
    nobody_leaves_unasked,
    promised_starts_are_kept,
    nobody_waits_for_nothing,
)

# machines with nodes have rules of their own for these
ONLY_ON_COUNTS = (unrunnable_jobs_are_just_those, capacity_is_kept)
