"""Columns to the kernel's state: jobs in the order of (submit, row), rules as small tables."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonier.describe import Machine
from timonier.kit.errors import InputError
from timonier.policy import Profile, Queue
from timonier.simulate import dependencies
from timonier.simulate.columns import (
    MOST_JOBS,
    MOST_PROCESSORS,
    Columns,
    Ints,
    read_columns,
    refuse_what_cannot_run,
    refuse_what_holds_too_much,
    rows_with,
    think_ticks,
)
from timonier.simulate.counted_nodes import in_slots, remembered, slots_of
from timonier.simulate.kernel import site
from timonier.simulate.kernel import state as k
from timonier.simulate.kernel.backfill import CONSERVATIVE, EASY, NONE, RESERVATIONS, SHORTEST
from timonier.simulate.kernel.bits import WIDTH
from timonier.simulate.kernel.conservative import HELD, UNPLACED, prime_line
from timonier.simulate.kernel.cycle import DYNAMIC, FIFO, STATIC, prime
from timonier.simulate.kernel.keep import keep_promises
from timonier.simulate.kernel.loop import is_heaped
from timonier.simulate.kernel.node_conservative import prime_plan
from timonier.simulate.kernel.order import (
    DYNAMIC_RULES,
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
from timonier.simulate.occupied import take_in
from timonier.simulate.pack_nodes import (
    Demand,
    OnNodes,
    empty_plan,
    on_nodes,
    read_demand,
    refuse_on_counted,
    refuse_on_nodes,
    with_cycles,
)
from timonier.simulate.scores import restored
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


@dataclass(frozen=True, slots=True)
class Packed:
    """A workload ready to run.

    state: the kernel's.  kind: the build it needs (order, backfill, event, rich).
    row: int64[j], the table row of each packed job.  columns: per row.
    nodes: on a machine with nodes, what is packed besides.
    """

    state: k.State
    kind: tuple[int, int, int, int]
    row: Ints
    columns: Columns
    nodes: OnNodes | None = None

    @property
    def argument(self) -> k.State | site.Cluster:
        """What the loop is called with."""
        return self.state if self.on_counts else self.nodes.cluster  # type: ignore[union-attr]

    @property
    def on_counts(self) -> bool:
        """Does the counting engine decide?"""
        return self.nodes is None or self.nodes.fresh is not None


def pack(jobs: Jobs, machine: Machine, profile: Profile, seed: int = 0) -> Packed:
    """Everything that the kernel needs to run these jobs from their state on.

    seed: of everything random; nothing is on a counted machine.
    Raises InputError where a job or the machine cannot be simulated as asked.
    """
    if len(jobs) >= MOST_JOBS:
        raise InputError(f"a workload has fewer than {MOST_JOBS} jobs", where=jobs.source)
    jobs = _under(jobs, machine, profile)
    columns = read_columns(jobs, machine, profile)
    if not machine.is_counted:
        refuse_on_nodes(profile)
        demand = read_demand(jobs, machine, profile, columns)
        return _pack_nodes(jobs, machine, profile, columns, demand, seed)
    refuse_on_counted(machine, profile)
    refuse_what_cannot_run(jobs, columns, machine, profile)
    return _pack(jobs, machine, profile, columns, machine.processors or 0, _is_rich(jobs, machine, profile))


def _pack_nodes(
    jobs: Jobs, machine: Machine, profile: Profile, columns: Columns, demand: Demand, seed: int
) -> Packed:
    """The same on a machine with nodes: partitions are sets of nodes, and no caps."""
    bare = replace(machine, partitions=())
    packed = _pack(jobs, bare, profile, columns, machine.total_cores, rich=1)
    nodes = on_nodes(columns, demand, profile, packed.state, packed.row, seed)
    if profile.backfill.rule == "conservative":
        goes_on = jobs.state is not None and jobs.state.settled and bool(jobs.state.engine.get("named"))
        slots = 0 if goes_on else slots_of(nodes, columns, profile)
        if slots:
            return _pack_slots(jobs, bare, profile, columns, nodes, slots)
        names, rows = len(nodes.layout.names), len(nodes.cluster.held.node)
        plan = empty_plan(nodes.layout, len(packed.row), names, rows)
        nodes = replace(nodes, cluster=nodes.cluster._replace(plan=plan))
    if profile.backfill.rule == "reservations":
        nodes = replace(nodes, cluster=with_cycles(nodes, jobs, profile, packed.row))
    prime(packed.state, 0, 1, 0, 0)
    _set_quiet(jobs, packed.state)
    nodes = _take_in(jobs, nodes, packed.row)
    if profile.backfill.rule == "conservative":
        prime_plan(nodes.cluster, UNPLACED if packed.state.scalars[k.ARRIVED] else HELD)
    return replace(packed, nodes=nodes)


def _pack_slots(
    jobs: Jobs, bare: Machine, profile: Profile, columns: Columns, nodes: OnNodes, slots: int
) -> Packed:
    """Conservative backfill on equal slots: the counting engine decides, names are given at each start."""
    counted = replace(bare, nodes=(), processors=slots)
    packed = _pack(jobs, counted, profile, in_slots(columns, nodes.shapes.tasks), slots, rich=1)
    nodes = replace(nodes, cluster=nodes.cluster._replace(base=packed.state))
    empty = remembered(nodes.cluster)
    nodes = _take_in(jobs, nodes, packed.row)
    fresh = remembered(nodes.cluster)._replace(
        room=empty.room
    )  # the running jobs are put there at their starts
    return replace(packed, columns=columns, nodes=replace(nodes, fresh=fresh))


def _take_in(jobs: Jobs, nodes: OnNodes, row: Ints) -> OnNodes:
    """Place what a state says runs already, and take up what the rules knew."""
    if jobs.state is None:
        return nodes
    engine = jobs.state.engine
    luck = nodes.cluster.luck
    luck[site.DECISIONS] = int(engine.get("decisions", 0))
    luck[site.FIRST] = int(engine.get("first", 0))
    scores = restored(nodes.cluster.scores, engine.get("typical"))
    nodes = replace(nodes, cluster=nodes.cluster._replace(scores=scores))
    take_in(jobs, nodes.cluster, nodes.layout, row)
    return nodes


def _pack(
    jobs: Jobs, machine: Machine, profile: Profile, columns: Columns, processors: int, rich: int
) -> Packed:
    """The loop's state; on a machine with nodes without what runs already."""
    counted = machine.is_counted
    row = _rows_in_order(columns, keep_all=bool(rich))
    rules = _rules(jobs, machine, profile, columns, row) if rich else _no_rules()
    now = -1 if jobs.state is None else int(to_ticks(np.array([jobs.state.now_s]))[0][0])
    kind = (_order_kind(profile), _backfill_kind(profile), int(profile.cycle.each == "event"), rich)
    state = _empty_state(len(row), rules, processors if counted else len(row), kind)
    _set_jobs(state, columns, row)
    _set_scalars(state, profile, now, processors)
    _set_marks(jobs, state, columns, row, rich)
    _set_rank(state)
    if rich:
        _set_use(state, machine)
    if counted:  # on nodes it is the placements that say what is taken
        held = int(columns.size[columns.running].sum())
        refuse_what_holds_too_much(jobs, held, "the machine", processors)
    _set_running(jobs, state, columns, row)
    if jobs.state is not None:
        s = state.scalars
        settled = jobs.state.settled
        s[k.FORCED] = not settled
        s[k.ENDED] = int(jobs.state.engine.get("ended", 0)) if settled else 1
        s[k.ARRIVED] = int(jobs.state.engine.get("arrived", 0)) if settled else 1
        s[k.TORN] = int(jobs.state.engine.get("torn", 0)) if settled else 0
        if not settled:
            s[k.TOLD] = 0  # who cannot run under these rules is refused now
        if counted:
            calendar = int(kind[1] in (EASY, SHORTEST))
            prime(state, int(kind[0] == FIFO), rich, calendar, int(is_heaped(*kind)))
            _set_quiet(jobs, state)
    if kind[1] == CONSERVATIVE and counted:
        _set_line(state)
        if jobs.state is not None:
            _draw_line(state, rich, jobs.state.settled)
    return Packed(state, kind, row, columns)


def _set_quiet(jobs: Jobs, state: k.State) -> None:
    """The last tick of the clock started nothing, where a state says so that goes on as it was."""
    if jobs.state is not None and jobs.state.settled and jobs.state.engine.get("quiet"):
        state.scalars[k.BEFORE] = state.scalars[k.SEQ]


def _draw_line(state: k.State, rich: int, settled: bool) -> None:
    """Draw into the plan what runs, and what is promised: as it is, or, unless settled, where it still fits."""
    if settled:
        prime_line(state, rich, UNPLACED if state.scalars[k.ARRIVED] else HELD)
        return
    promised = state.reserved.copy()
    state.reserved[:] = -1
    prime_line(state, rich, UNPLACED)
    places = np.arange(state.scalars[k.LO], state.scalars[k.HI])
    when = promised[state.waiting.job[places]]
    given = (when >= 0) & (when < k.NEVER)
    places, when = places[given], when[given]
    keep_promises(state, rich, places[np.argsort(when, kind="stable")], promised)


def _under(jobs: Jobs, machine: Machine, profile: Profile) -> Jobs:
    """The jobs; their state is settled only where it was taken under these rules on this machine."""
    state = jobs.state
    if state is None or not state.settled or state.engine.get("under") == fingerprint(profile, machine):
        return jobs
    return replace(jobs, state=replace(state, settled=False))


def fingerprint(profile: Profile, machine: Machine) -> str:
    """A short name for what decides; the same profile and machine have the same one, whatever they are called."""
    decides = (replace(profile, name="", source=""), replace(machine, name=""))
    return hashlib.sha256(repr(decides).encode()).hexdigest()[:16]


def _is_rich(jobs: Jobs, machine: Machine, profile: Profile) -> int:
    return int(
        bool(machine.partitions)
        or bool(profile.queues)
        or profile.order.rule == "priority"
        or (jobs.has("dependency") and jobs.table.column("dependency").null_count < len(jobs))
    )


def _order_kind(profile: Profile) -> int:
    code = RULES[profile.order.rule]
    if code in DYNAMIC_RULES:
        return DYNAMIC
    return FIFO if code == 0 else STATIC


def _backfill_kind(profile: Profile) -> int:
    rule = profile.backfill.rule
    if rule == "conservative":
        return CONSERVATIVE
    if rule == "easy":
        return SHORTEST if profile.backfill.order == "shortest" else EASY
    return RESERVATIONS if rule == "reservations" else NONE


def _rows_in_order(columns: Columns, keep_all: bool) -> Ints:
    """Rows by (submit, row); without those that cannot run, unless others may depend on them."""
    submit = columns.submit
    if (np.diff(submit) >= 0).all():
        row = np.arange(len(submit))
    else:
        row = np.argsort(submit, kind="stable")
    if keep_all or not columns.why:
        return row
    drop = np.zeros(len(submit), dtype=bool)
    drop[list(columns.why)] = True
    return row[~drop[row]]


@dataclass(frozen=True, slots=True)
class _Rules:
    """What a rich build knows beside the jobs: a row a job, who waits for whom, the queues' limits."""

    of_job: Any
    children: k.Children
    limits: Ints
    partitions: int
    pairs: int


def _no_rules() -> _Rules:
    none = np.zeros(0, dtype=np.int64)
    children = k.Children(none, np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int8))
    return _Rules(np.zeros(0, dtype=k.RULE_OF_JOB), children, np.zeros((0, 4), dtype=np.int64), 0, 0)


def _rules(jobs: Jobs, machine: Machine, profile: Profile, columns: Columns, row: Ints) -> _Rules:
    """Partitions, queue rules and dependencies of every job, in packed order."""
    queue = _codes(jobs, "queue", [q.name for q in profile.queues])
    rank = np.zeros(len(jobs), dtype=np.int64)
    for code, rules in enumerate(profile.queues):
        rank[queue == code] = rules.priority
    partition = _codes(jobs, "partition", [p.name for p in machine.partitions])
    for code, part in enumerate(machine.partitions):
        if part.default:
            partition[np.asarray(pc.is_null(jobs.texts("partition")).to_numpy(zero_copy_only=False))] = code
    users = pc.fill_null(pc.dictionary_encode(jobs.texts("user")).combine_chunks().indices, -1)
    _, pair = np.unique((queue.astype(np.int64) << 32) + np.asarray(users) + 1, return_inverse=True)
    links = dependencies.read(jobs, row)
    if links.absent:
        columns.assumed["dependencies on jobs that are not in the table, taken as fulfilled"] = links.absent
    of_job = np.zeros(len(row), dtype=k.RULE_OF_JOB)
    of_job["rank"] = rank[row]
    of_job["priority"] = jobs.numbers("priority", 0)[row]
    of_job["think"] = think_ticks(jobs, columns.assumed)[row]
    of_job["partition"] = partition[row]
    of_job["queue"] = queue[row]
    of_job["pair"] = pair[row]
    of_job["depends"] = links.depends
    return _Rules(
        of_job=of_job,
        children=k.Children(links.child_at, links.children, links.child_kind),
        limits=np.array([_limit_row(q) for q in profile.queues], dtype=np.int64).reshape(-1, 4),
        partitions=len(machine.partitions),
        pairs=int(pair.max(initial=-1)) + 1,
    )


def _limit_row(queue: Queue) -> list[int]:
    limits = queue.limits
    most = (limits.processors, limits.jobs, limits.user_processors, limits.user_jobs)
    return [k.NEVER if value is None else value for value in most]


def _codes(jobs: Jobs, column: str, names: list[str]) -> NDArray[np.int32]:
    """Index of each job's name in `names`, -1 when it is not there."""
    texts = jobs.texts(column)
    codes = np.full(len(jobs), -1, dtype=np.int32)
    for code, name in enumerate(names):
        codes[rows_with(texts, name)] = code
    return codes


def _empty_state(count: int, rules: _Rules, processors: int, kind: tuple[int, int, int, int]) -> k.State:
    """A state with all its arrays; untouched memory costs nothing, so none is sized by guessing."""
    rich = kind[3]
    heaped = is_heaped(*kind)
    # one pass for every event: a job that counts as gone keeps its slot until its turn
    slots = min(processors * (1 + kind[2]), count) + 1
    places = count + 1 + WIDTH  # so many are tested at once
    lines = 4 * (places + slots) + 256 if kind[1] == CONSERVATIVE else 0  # twice for what is over
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
        scratch=empty(max(slots, count if rich else 0) + 2, dtype=np.int64),
        reserved=np.full(count if kind[1] == CONSERVATIVE else 0, -1, dtype=np.int64),
        line=k.Line(
            at=empty((1 + rules.partitions, lines), dtype=np.int64),
            free=empty((1 + rules.partitions, lines), dtype=np.int32),
            span=np.zeros((1 + rules.partitions, 2), dtype=np.int64),
            gain=np.zeros(GAIN, dtype=np.int32),
        ),
    )


def _set_jobs(state: k.State, columns: Columns, row: Ints) -> None:
    jobs = state.jobs
    jobs["submit"] = columns.submit[row]
    jobs["run"] = columns.run[row]
    jobs["est"] = columns.est[row]
    jobs["size"] = np.minimum(columns.size[row], MOST_PROCESSORS)
    jobs["killed"] = columns.killed[row]


def _set_scalars(state: k.State, profile: Profile, now: int, processors: int) -> None:
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


def _set_rank(state: k.State) -> None:
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


def _set_marks(jobs: Jobs, state: k.State, columns: Columns, row: Ints, rich: int) -> None:
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


def _set_use(state: k.State, machine: Machine) -> None:
    for code in range(len(state.use.partition_free)):
        cap = machine.partitions[code].processors
        state.use.caps[code] = machine.processors if cap is None else cap
    state.use.partition_free[:] = state.use.caps


def _set_line(state: k.State) -> None:
    """An empty machine from now on."""
    line = state.line
    line.at[:, BEGIN] = state.scalars[k.NOW]
    line.free[0, BEGIN] = state.scalars[k.PROCESSORS]
    line.free[1:, BEGIN] = state.use.caps
    line.span[:, FIRST] = BEGIN
    line.span[:, COUNT] = BEGIN + 1


def _set_running(jobs: Jobs, state: k.State, columns: Columns, row: Ints) -> None:
    """Leave the running jobs in `batch`, in the order of their starts, for the kernel to take in."""
    packed = np.flatnonzero(columns.running[row])
    sequence = jobs.numbers("start_seq", 0)[row][packed]
    order = np.lexsort((packed, sequence, columns.start[row][packed]))
    state.batch[: len(packed)] = packed[order]
    state.scalars[k.BATCH] = len(packed)
