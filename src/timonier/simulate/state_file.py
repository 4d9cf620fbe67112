"""From a run that was stopped to a state: the job table from which another process goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonier.kit.errors import InputError
from timonier.simulate.kernel import site
from timonier.simulate.kernel import state as k
from timonier.simulate.kernel.backfill import CONSERVATIVE, RESERVATIONS
from timonier.simulate.kernel.conservative import HELD
from timonier.simulate.pack import fingerprint
from timonier.simulate.placements import placement_texts
from timonier.simulate.run import Run
from timonier.simulate.scores import kept
from timonier.simulate.ticks import to_ticks
from timonier.simulate.unpack import job_states
from timonier.workload import Jobs, StateHeader
from timonier.workload.arrow import Values

STATE_COLUMNS = (
    "state",
    "start_s",
    "placement",
    "reserved_s",
    "promised_s",
    "eligible_s",
    "doomed",
    "start_seq",
)


def refuse_to_save(jobs: Jobs, path: Path) -> None:
    """Raise InputError where a state cannot be written: over its log, or beside columns of the names it needs.

    A state may take the place of the state from which the run went on: it is the same queue, later.
    """
    if jobs.state is None and path.resolve() == Path(jobs.source).resolve():
        raise InputError("the state would overwrite the log", where=str(path), fix="name another file")
    taken = [name for name in STATE_COLUMNS if jobs.state is None and jobs.has(name)]
    if taken:
        raise InputError(
            f"the log has a column {taken[0]!r}, which a state file needs for itself",
            where=jobs.source,
            fix="rename it, or leave out --save-state",
        )


def state_of(run: Run, now_s: float) -> Jobs:
    """Every job that has not ended by `now_s`, those not yet submitted included, in input order.

    The columns of the workload, and of the state: state, start_s; reserved_s (conservative: the reservation
    it holds; EASY: its first promise); promised_s (the first promise); eligible_s (when its dependencies
    let it join); doomed (a dependency has failed: it is cancelled at its submission); start_seq (the order of starts);
    on a machine with nodes placement (for each task its node and its GPUs, of running jobs and of named reservations).
    """
    now = int(to_ticks(np.array([now_s], dtype=np.float64))[0][0])
    packed = run.packed
    marks = packed.state.marks
    found = job_states(packed.state)
    later = packed.state.jobs["submit"] > now
    is_open = np.isin(found, (k.PENDING, k.RUN, k.DOOMED)) | ((found == k.UNRUNNABLE) & later)
    open_jobs = np.flatnonzero(is_open)
    open_jobs = open_jobs[np.argsort(packed.row[open_jobs], kind="stable")]
    running = found[open_jobs] == k.RUN
    promised = marks["promised"][open_jobs]
    conservative = packed.kind[1] == CONSERVATIVE
    reserved = _reservations(run)[open_jobs] if conservative else promised
    table = run.jobs.table.select([n for n in run.jobs.table.column_names if n not in STATE_COLUMNS])
    table = table.take(packed.row[open_jobs])
    columns = {
        "state": pa.array(np.where(running, "running", "pending")),
        "start_s": pa.array(marks["start"][open_jobs], mask=~running),
        "reserved_s": _instants(reserved, running | (reserved < 0)),
        "promised_s": pa.array(promised, mask=promised < 0),
        "start_seq": pa.array(_start_order(run)[open_jobs], mask=~running),
    }
    if packed.kind[3]:
        opening = packed.state.opening[open_jobs]
        unknown = running | (opening["missing"] > 0)
        columns["eligible_s"] = pa.array(opening["eligible"], mask=unknown)
        columns["doomed"] = pa.array(found[open_jobs] == k.DOOMED)
    if packed.nodes is not None:
        is_named = ~running & (reserved >= 0) & (reserved < k.NEVER) & (conservative and not packed.on_counts)
        columns["placement"] = placement_texts(packed.nodes, open_jobs, running | is_named)
    for name, values in columns.items():
        table = table.append_column(name, values)
    s = packed.state.scalars
    engine: dict[str, Any] = {"ended": int(s[k.ENDED]), "arrived": int(s[k.ARRIVED]), "torn": int(s[k.TORN])}
    engine["under"] = fingerprint(run.profile, run.machine)
    # a tick of this clock has started nothing: nor will the next, if nothing happens
    engine["quiet"] = bool(s[k.BEFORE] == s[k.SEQ])
    if packed.nodes is not None:
        luck = packed.nodes.cluster.luck
        engine |= {"decisions": int(luck[site.DECISIONS]), "first": int(luck[site.FIRST])}
        # those that are left may all take equal slots: they keep their names nevertheless
        engine |= {"typical": kept(packed.nodes.cluster.scores)}
        plans = packed.kind[1] in (CONSERVATIVE, RESERVATIONS)
        engine |= {"named": int(plans and not packed.on_counts)}
    usage = () if run.jobs.state is None else run.jobs.state.usage
    return Jobs(
        table=table,
        source=run.jobs.source,
        epoch=run.jobs.epoch,
        processors=run.jobs.processors,
        state=StateHeader(now_s=now, settled=True, usage=usage, engine=engine),
    )


def _instants(ticks: NDArray[Any], unknown: NDArray[np.bool_]) -> Values:
    """Seconds, inf for never; whole numbers where nothing is for ever."""
    never = (ticks >= k.NEVER) & ~unknown
    if not never.any():
        return pa.array(ticks, mask=unknown)
    return pa.array(np.where(never, np.inf, ticks.astype(np.float64)), mask=unknown)


def _start_order(run: Run) -> NDArray[Any]:
    """How many jobs started before each running one, by packed job."""
    state = run.packed.state
    order = np.full(len(state.jobs), -1, dtype=np.int64)
    slots = state.running[: int(state.scalars[k.PEAK])]
    slots = slots[slots["job"] >= 0]
    order[slots["job"]] = slots["seq"]
    return order


def _reservations(run: Run) -> NDArray[Any]:
    """The reservation that each waiting job holds now, -1: none, by packed job."""
    state = run.packed.state
    places = slice(int(state.scalars[k.LO]), int(state.scalars[k.HI]))
    waiting = state.waiting.size[places] != k.HOLE
    reserved = np.full(len(state.jobs), HELD, dtype=np.int64)
    reserved[state.waiting.job[places][waiting]] = state.waiting.start[places][waiting]
    return reserved
