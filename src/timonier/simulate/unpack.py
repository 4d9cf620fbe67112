"""The kernel's state back to tables: the run table, its segments, and the state file's rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonier.simulate.kernel import state as k
from timonier.simulate.pack import Packed
from timonier.simulate.pack_nodes import OnNodes
from timonier.simulate.placements import node_lists, node_names, placed_rows
from timonier.workload import Jobs
from timonier.workload.arrow import Values, pc

STATES = ("pending", "running", "completed", "timeout", "cancelled", "unrunnable", "doomed", "dropped")


def run_table(jobs: Jobs, packed: Packed) -> pa.Table:
    """The run table (CONTRACT 5), one row a job in input order; times in s, int64, null where unknown."""
    count = len(jobs)
    columns = packed.columns
    marks = packed.state.marks
    state = np.full(count, k.UNRUNNABLE, dtype=np.int8)
    found = job_states(packed.state)
    state[packed.row] = np.where(found == k.DOOMED, k.PENDING, found)
    start = _by_row(marks["start"], packed, count)
    started = start >= 0
    ended = (state == k.ENDED_OK) | (state == k.TIMED_OUT)
    end = np.where(ended, start + columns.run, 0)
    promised = _by_row(marks["promised"], packed, count)
    rows: dict[str, Any] = {
        "job_id": jobs.table.column("job_id"),
        "submit_s": columns.submit,
        "start_s": _known(start, started),
        "end_s": _known(end, ended),
        "wait_s": _known(start - columns.submit, started),
        "run_s": _known(columns.run, ended),
        "size": columns.size,
        "state": pa.DictionaryArray.from_arrays(state, pa.array(STATES)),
        "attempts": pa.array(started.astype(np.int8)),
        "lost_s": _known(np.zeros(count, dtype=np.int64), started),
        "nodes": _node_lists(packed, count),
        "note": _notes(packed, state, count),
        "promised_s": _known(promised, promised >= 0),
    }
    return pa.table(rows)


def _node_lists(packed: Packed, count: int) -> Values:
    if packed.nodes is None:
        return pa.nulls(count, pa.string())
    return node_lists(packed.nodes, packed.row, np.flatnonzero(packed.state.marks["start"] >= 0), count)


def job_states(state: k.State) -> NDArray[np.int8]:
    """Where each packed job stands: the marks, and, as hot loops write no more than starts, who has ended."""
    marks = state.marks
    found = marks["state"].copy()
    started = marks["start"] >= 0
    ended = started & (state.jobs["run"] <= state.scalars[k.NOW] - marks["start"])
    found[started] = k.RUN
    found[ended] = k.ENDED_OK
    found[ended & (state.jobs["killed"] != 0)] = k.TIMED_OUT
    return found


def segments_table(run: pa.Table) -> pa.Table:
    """One row for every stretch in which a job held its processors."""
    started = run.filter(pc.is_valid(run.column("start_s")))
    state = started.column("state").cast(pa.string())
    count = started.num_rows
    return pa.table(
        {
            "job_id": started.column("job_id"),
            "segment": pa.array(np.zeros(count, dtype=np.int32)),
            "start_s": started.column("start_s"),
            "end_s": started.column("end_s"),
            "why": state,
            "work_s": started.column("run_s"),
            "lost_s": started.column("lost_s"),
        }
    )


def placements_table(run: pa.Table, packed: Packed) -> pa.Table:
    """One row for every stretch and device; a counted machine knows how many processors, not which."""
    if packed.nodes is not None:
        return _named_placements(run, packed, packed.nodes)
    started = run.filter(pc.is_valid(run.column("start_s")))
    count = started.num_rows
    rows: dict[str, Any] = {
        "job_id": started.column("job_id"),
        "segment": pa.array(np.zeros(count, dtype=np.int32)),
        "task": pa.nulls(count, pa.int32()),
        "node": pa.nulls(count, pa.string()),
        "gpu": pa.nulls(count, pa.int32()),
        "gpu_share": pa.nulls(count, pa.float64()),
        "mig_start": pa.nulls(count, pa.int32()),
        "cores": started.column("size").cast(pa.float64()),
        "memory_bytes": pa.nulls(count, pa.int64()),
        "start_s": started.column("start_s"),
        "end_s": started.column("end_s"),
    }
    return pa.table(rows)


def _named_placements(run: pa.Table, packed: Packed, nodes: OnNodes) -> pa.Table:
    started = np.flatnonzero(packed.state.marks["start"] >= 0)
    started = started[np.argsort(packed.row[started], kind="stable")]
    rows = placed_rows(nodes, started)
    of_run = pa.array(packed.row[started][rows["job"]])
    columns: dict[str, Any] = {
        "job_id": run.column("job_id").take(of_run),
        "segment": pa.array(np.zeros(len(of_run), dtype=np.int32)),
        "task": pa.array(rows["task"], pa.int32()),
        "node": node_names(nodes, rows["node"]),
        **{name: rows[name] for name in ("gpu", "gpu_share", "mig_start", "cores", "memory_bytes")},
        "start_s": run.column("start_s").take(of_run),
        "end_s": run.column("end_s").take(of_run),
    }
    return pa.table(columns)


def _by_row(values: NDArray[Any], packed: Packed, count: int) -> NDArray[np.int64]:
    out = np.full(count, -1, dtype=np.int64)
    out[packed.row] = values
    return out


def _known(values: NDArray[Any], known: NDArray[np.bool_]) -> Values:
    return pa.array(values, mask=None if known.all() else ~known)


def _notes(packed: Packed, state: NDArray[np.int8], count: int) -> Values:
    why = packed.columns.why
    cancelled = np.flatnonzero(state == k.CANCELLED)
    if not why and not len(cancelled):
        return pa.nulls(count, pa.string())
    notes: list[str | None] = [None] * count
    for row, text in why.items():
        if state[row] == k.UNRUNNABLE:
            notes[row] = text
    for row in cancelled.tolist():
        notes[row] = "a dependency can never be fulfilled"
    return pa.array(notes, pa.string())
