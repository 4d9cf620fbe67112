"""Columns to the kernel's state: jobs in the order of (submit, row), rules as small tables."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from timonier.describe import Machine
from timonier.kit.errors import InputError
from timonier.policy import Profile
from timonier.simulate.columns import (
    MOST_JOBS,
    Columns,
    Ints,
    read_columns,
    refuse_what_cannot_run,
    refuse_what_holds_too_much,
)
from timonier.simulate.counted_nodes import in_slots, remembered, slots_of
from timonier.simulate.kernel import site
from timonier.simulate.kernel import state as k
from timonier.simulate.kernel.backfill import CONSERVATIVE, EASY, NONE, RESERVATIONS, SHORTEST, YIELDING
from timonier.simulate.kernel.conservative import HELD, UNPLACED, prime_line
from timonier.simulate.kernel.count_cycle import prime_base
from timonier.simulate.kernel.cycle import DYNAMIC, FIFO, STATIC, prime
from timonier.simulate.kernel.keep import keep_promises
from timonier.simulate.kernel.loop import is_heaped
from timonier.simulate.kernel.node_conservative import prime_plan
from timonier.simulate.kernel.order import DYNAMIC_RULES
from timonier.simulate.kernel.site import QUEUE
from timonier.simulate.occupied import take_in
from timonier.simulate.pack_nodes import (
    Demand,
    OnNodes,
    empty_plan,
    on_nodes,
    read_demand,
    with_cycles,
)
from timonier.simulate.pack_rules import blocks, no_rules, refuse_contradictions, rules_of
from timonier.simulate.pack_state import (
    RULES,
    empty_state,
    set_cycles,
    set_jobs,
    set_line,
    set_marks,
    set_rank,
    set_running,
    set_scalars,
    set_use,
)
from timonier.simulate.scores import restored
from timonier.simulate.ticks import to_ticks
from timonier.workload import Jobs


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
    refuse_contradictions(profile)
    jobs = _under(jobs, machine, profile)
    columns = read_columns(jobs, machine, profile)
    if not machine.is_counted:
        demand = read_demand(jobs, machine, profile, columns)
        return _pack_nodes(jobs, machine, profile, columns, demand, seed)
    refuse_what_cannot_run(jobs, columns, machine, profile)
    return _pack(jobs, machine, profile, columns, machine.processors or 0, _is_rich(jobs, machine, profile))


def _pack_nodes(
    jobs: Jobs, machine: Machine, profile: Profile, columns: Columns, demand: Demand, seed: int
) -> Packed:
    """The same on a machine with nodes: partitions are sets of nodes, and no caps."""
    bare = replace(machine, partitions=())
    packed = _pack(jobs, bare, profile, columns, machine.total_cores, rich=1)
    nodes = on_nodes(columns, demand, profile, packed.state, packed.row, seed)
    if profile.backfill.rule in ("conservative", "reservations"):
        goes_on = jobs.state is not None and jobs.state.settled and bool(jobs.state.engine.get("named"))
        slots = 0 if goes_on or blocks(profile, machine) != QUEUE else slots_of(nodes, columns, profile)
        if slots:
            return _pack_slots(jobs, bare, profile, columns, nodes, slots)
    if profile.backfill.rule == "conservative":
        names, rows = len(nodes.layout.names), len(nodes.cluster.held.node)
        plan = empty_plan(nodes.layout, len(packed.row), names, rows)
        nodes = replace(nodes, cluster=nodes.cluster._replace(plan=plan))
    if profile.backfill.rule == "reservations":
        nodes = replace(nodes, cluster=with_cycles(nodes, jobs, packed.row))
    prime(packed.state, 0, 1, 0, 0)
    _set_quiet(jobs, packed.state)
    nodes = _take_in(jobs, nodes, packed.row)
    if profile.backfill.rule == "conservative":
        prime_plan(nodes.cluster, UNPLACED if packed.state.scalars[k.ARRIVED] else HELD)
    return replace(packed, nodes=nodes)


def _pack_slots(
    jobs: Jobs, bare: Machine, profile: Profile, columns: Columns, nodes: OnNodes, slots: int
) -> Packed:
    """Plans of equal slots: the counting engine decides, names are given at each start."""
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
    rules = rules_of(jobs, machine, profile, columns, row) if rich else no_rules()
    now = -1 if jobs.state is None else int(to_ticks(np.array([jobs.state.now_s]))[0][0])
    kind = _kind(profile, machine, rich)
    state = empty_state(len(row), rules, processors if counted else len(row), kind)
    set_jobs(state, columns, row)
    set_scalars(state, profile, now, processors)
    set_marks(jobs, state, columns, row, rich)
    set_rank(state)
    if rich:
        set_use(state, machine)
        set_cycles(state, profile, machine, rules.users)
    if counted:  # on nodes it is the placements that say what is taken
        held = int(columns.size[columns.running].sum())
        refuse_what_holds_too_much(jobs, held, "the machine", processors)
    set_running(jobs, state, columns, row)
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
    if kind[1] in (CONSERVATIVE, RESERVATIONS) and counted:
        set_line(state)
        if kind[1] == RESERVATIONS:
            prime_base(state)
        elif jobs.state is not None:
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
        or profile.backfill.rule == "reservations"
        or blocks(profile, machine) != QUEUE
        or (jobs.has("dependency") and jobs.table.column("dependency").null_count < len(jobs))
    )


def _kind(profile: Profile, machine: Machine, rich: int) -> tuple[int, int, int, int]:
    backfill = _backfill_kind(profile, machine)
    order = DYNAMIC if backfill in (RESERVATIONS, YIELDING) else _order_kind(profile)
    return order, backfill, int(profile.cycle.each == "event"), rich


def _order_kind(profile: Profile) -> int:
    code = RULES[profile.order.rule]
    if code in DYNAMIC_RULES:
        return DYNAMIC
    return FIFO if code == 0 else STATIC


def _backfill_kind(profile: Profile, machine: Machine) -> int:
    rule = profile.backfill.rule
    if rule == "none" and machine.is_counted and blocks(profile, machine) != QUEUE:
        return YIELDING
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
