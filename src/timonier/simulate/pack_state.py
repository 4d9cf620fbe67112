"""The arrays of the kernel's state: made empty, then filled from the columns."""

from __future__ import annotations

import numpy as np

from timonier.describe import Machine
from timonier.policy import Profile
from timonier.simulate.columns import MOST_PROCESSORS, Columns, Ints
from timonier.simulate.kernel import state as k
from timonier.simulate.kernel.backfill import CONSERVATIVE, NONE, RESERVATIONS
from timonier.simulate.kernel.bits import WIDTH
from timonier.simulate.kernel.loop import is_heaped
from timonier.simulate.kernel.order import (
    F1,
    F2,
    F3,
    F4,
    FCFS,
    LJF,
    PRIORITY,
    SAF,
    SJF,
    UNICEF,
    WFP3,
    fill_keys,
)
from timonier.simulate.kernel.timeline import BEGIN, COUNT, FIRST, GAIN
from timonier.simulate.pack_rules import Rules, blocks
from timonier.simulate.ticks import to_ticks
from timonier.workload import Jobs
from timonier.workload.arrow import pc

RULES = {
    "fcfs": FCFS,
    "priority": PRIORITY,
    "sjf": SJF,
    "ljf": LJF,
    "saf": SAF,
    "wfp3": WFP3,
    "unicef": UNICEF,
    "f1": F1,
    "f2": F2,
    "f3": F3,
    "f4": F4,
}


def empty_state(count: int, rules: Rules, processors: int, kind: tuple[int, int, int, int]) -> k.State:
    """A state with all its arrays; untouched memory costs nothing, so none is sized by guessing."""
    rich = kind[3]
    heaped = is_heaped(*kind)
    # one pass for every event: a job that counts as gone keeps its slot until its turn
    slots = min(processors * (1 + kind[2]), count) + 1
    places = count + 1 + WIDTH  # so many are tested at once
    cycling = kind[1] == RESERVATIONS
    lines = 4 * (places + slots) + 256 if cycling or kind[1] == CONSERVATIVE else 0  # twice for what is over
    rows = (1 + rules.partitions) * (1 + cycling)
    scratch = max(slots, count if rich else 0, rules.partitions) + 2 + (rules.users if cycling else 0)
    empty = np.empty
    marks = np.zeros(count, dtype=k.MARK)
    marks["start"] = -1
    marks["promised"] = -1
    return k.State(
        scalars=np.zeros(k.N_SCALARS, dtype=np.int64),
        jobs=empty(count, dtype=k.JOB),
        marks=marks,
        rules=rules.of_job,
        opening=np.zeros(count if rich else 0, dtype=k.OPENING),
        children=rules.children,
        use=k.Use(
            partition_free=np.zeros(rules.partitions, dtype=np.int64),
            limits=rules.limits,
            caps=np.zeros(rules.partitions, dtype=np.int64),
            queue=np.zeros((len(rules.limits), 2), dtype=np.int64),
            pair=np.zeros((rules.pairs, 2), dtype=np.int64),
        ),
        later=empty(count if rich else 0, dtype=np.int64),
        waiting=k.Waiting(
            job=empty(places, dtype=np.int32),
            size=empty(places, dtype=np.int32),
            est=empty(places, dtype=np.int32),
            key=empty(places, dtype=np.float64),
            start=empty(places, dtype=np.int64),
            soon=empty(places, dtype=np.int32),
            since=empty(places, dtype=np.int32),
        ),
        rank=empty(count if heaped else 0, dtype=np.int64),
        heap=empty(places if heaped else 0, dtype=np.int64),
        pick=empty(places if kind[1] != NONE else 0, dtype=np.int64),
        running=empty(slots, dtype=k.RUNNING_JOB),
        idle=np.arange(slots, dtype=np.int32),
        ends=empty(slots, dtype=np.int64),
        batch=empty(slots, dtype=np.int32),
        bucket=np.full(k.BUCKETS + 1, -1, dtype=np.int32),
        held=np.zeros(k.BUCKETS + 1, dtype=np.int32),
        group=np.zeros(k.BUCKETS >> k.GROUP_BITS, dtype=np.int32),
        scratch=empty(scratch, dtype=np.int64),
        reserved=np.full(count if kind[1] == CONSERVATIVE else 0, -1, dtype=np.int64),
        line=k.Line(
            at=empty((rows, lines), dtype=np.int64),
            free=empty((rows, lines), dtype=np.int32),
            span=np.zeros((rows, 2), dtype=np.int64),
            gain=np.zeros(GAIN, dtype=np.int32),
        ),
    )


def set_jobs(state: k.State, columns: Columns, row: Ints) -> None:
    """What is asked, a row a packed job."""
    jobs = state.jobs
    jobs["submit"] = columns.submit[row]
    jobs["run"] = columns.run[row]
    jobs["est"] = columns.est[row]
    jobs["size"] = np.minimum(columns.size[row], MOST_PROCESSORS)
    jobs["killed"] = columns.killed[row]


def set_scalars(state: k.State, profile: Profile, now: int, processors: int) -> None:
    """The clock at `now` (ticks), a free machine, and the knobs that the loop looks at."""
    s = state.scalars
    s[k.NOW] = now
    s[k.BASE] = now
    s[k.NEXT] = int(np.searchsorted(state.jobs["submit"], now, side="right"))
    s[k.TOLD] = s[k.NEXT]
    s[k.FREE] = processors
    s[k.PROCESSORS] = processors
    s[k.HEAD] = -1
    s[k.BEFORE] = -1
    s[k.SWEPT] = -k.NEVER
    est = state.jobs["est"]
    longest = int(est[est < k.NEVER].max(initial=1))
    s[k.SHIFT] = max(0, (longest // (k.BUCKETS - 2)).bit_length())
    s[k.EVERY] = profile.cycle.every_s or 0
    s[k.ON_SUBMIT] = "submit" in profile.cycle.on
    s[k.ON_END] = "end" in profile.cycle.on
    s[k.RULE] = RULES[profile.order.rule]
    s[k.OVERRUNS] = bool((state.jobs["run"] > est).any())
    s[k.DUE] = k.NEVER


def set_rank(state: k.State) -> None:
    """Ranks of a line that is a heap: the keys themselves where they are whole and short, else counted off."""
    rank = state.rank
    if not len(rank):
        return
    keys = np.empty(len(rank), dtype=np.float64)
    fill_keys(int(state.scalars[k.RULE]), state.jobs, keys)
    least = keys.min()
    if keys.max() - least < 1 << (62 - k.JOB_BITS) and (keys == np.rint(keys)).all():
        rank[:] = keys - least
    else:
        rank[np.argsort(keys, kind="stable")] = np.arange(len(rank))
    rank <<= k.JOB_BITS
    rank += np.arange(len(rank))


def set_marks(jobs: Jobs, state: k.State, columns: Columns, row: Ints, rich: int) -> None:
    """What has become of each job so far, and when those that wait for others may join the line."""
    marks = state.marks
    running = columns.running[row]
    marks["start"] = np.where(running, columns.start[row], -1)
    if jobs.state is not None and jobs.state.settled:
        marks["promised"] = columns.promised[row]
    if len(state.reserved):
        state.reserved[:] = columns.reserved[row]
    marks["state"][running] = k.RUN
    if not rich:
        return
    refused = np.zeros(len(columns.submit), dtype=bool)
    refused[list(columns.why)] = True
    marks["state"][refused[row] & ~running] = k.UNRUNNABLE
    if jobs.state is not None and jobs.has("doomed"):
        doomed = np.asarray(pc.fill_null(jobs.table.column("doomed"), False))[row]
        marks["state"][doomed] = k.DOOMED
        state.rules["depends"][doomed] = 1
    opening = state.opening
    opening["eligible"] = state.jobs["submit"]
    opening["missing"] = np.bincount(state.children.job, minlength=len(row))
    if jobs.state is not None and jobs.has("eligible_s"):
        known = jobs.numbers("eligible_s", np.nan).astype(np.float64)[row]
        given = ~np.isnan(known) & (opening["missing"] == 0)
        opening["eligible"][given] = to_ticks(known[given])[0]
        state.rules["depends"][given & (opening["eligible"] > state.jobs["submit"])] = 1


def set_use(state: k.State, machine: Machine) -> None:
    """Partitions with all of their processors free."""
    for code in range(len(state.use.partition_free)):
        cap = machine.partitions[code].processors
        state.use.caps[code] = machine.processors if cap is None else cap
    state.use.partition_free[:] = state.use.caps


def set_cycles(state: k.State, profile: Profile, machine: Machine, users: int) -> None:
    """What a blocked job blocks, and the knobs of backfill by reservations; users: whose jobs are counted."""
    s = state.scalars
    s[k.BLOCKS] = blocks(profile, machine)
    knobs = profile.backfill
    most = [k.NEVER if value is None else value for value in (knobs.depth, knobs.window_s, knobs.user_jobs)]
    s[k.CYCLE_EVERY] = knobs.every_s or 0
    s[k.CYCLE_GRID] = knobs.resolution_s or 1
    s[k.CYCLE_DEPTH], s[k.CYCLE_WINDOW], s[k.CYCLE_USER] = most
    s[k.USERS] = len(state.scratch) - users
    if profile.backfill.rule == "reservations":
        state.rules["user"] += s[k.USERS]
        state.scratch[s[k.USERS] :] = 0


def set_line(state: k.State) -> None:
    """An empty machine from now on; of reservations, what runs: nothing."""
    line = state.line
    line.at[:, BEGIN] = state.scalars[k.NOW]
    caps = np.concatenate(([state.scalars[k.PROCESSORS]], state.use.caps))
    line.free[:, BEGIN] = np.tile(caps, len(line.free) // len(caps))
    line.span[:, FIRST] = BEGIN
    line.span[:, COUNT] = BEGIN + 1


def set_running(jobs: Jobs, state: k.State, columns: Columns, row: Ints) -> None:
    """Leave the running jobs in `batch`, in the order of their starts, for the kernel to take in."""
    packed = np.flatnonzero(columns.running[row])
    sequence = jobs.numbers("start_seq", 0)[row][packed]
    order = np.lexsort((packed, sequence, columns.start[row][packed]))
    state.batch[: len(packed)] = packed[order]
    state.scalars[k.BATCH] = len(packed)
