"""The promises of a run about its other files: segments, placements, notes, counts and metrics."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from timonier.simulate.check_evidence import FOREVER, STATES, UNKNOWN, Evidence, told
from timonier.simulate.check_metrics import metrics_are_right
from timonier.workload.arrow import pc

NEEDS_NOTE = ("unrunnable", "cancelled")


def notes_and_attempts_fit(e: Evidence) -> list[str]:
    """Who never ran for good is told why; each job that started had one attempt."""
    noted = np.asarray(pc.greater(pc.utf8_length(pc.fill_null(e.note, "")), 0))
    return [
        *told(e, e.is_in(*NEEDS_NOTE) & ~noted, "can never run, but its note does not say why"),
        *told(e, ~e.is_in(*NEEDS_NOTE) & noted, "has a note, but nothing keeps it from running"),
        *told(e, e.attempts != e.started, "has other attempts than starts"),
    ]


def placements_say_the_same(e: Evidence) -> list[str]:
    """On a counted machine each job that started has one row: its processors, from its start to its end."""
    if not e.is_counted:
        return []
    data = e.placements.data
    missing = {"job_id", "cores", "start_s", "end_s"} - set(e.placements.names)
    if missing:
        return [f"placements.parquet has no column {', '.join(sorted(missing))}"]
    found = pc.index_in(data.column("job_id").cast(pa.string()), e.ids.combine_chunks())
    if found.null_count:
        return ["placements.parquet has a job that is not in jobs.parquet"]
    row = np.asarray(found).astype(np.int64)
    rows = np.bincount(row, minlength=e.count)
    start = np.asarray(pc.fill_null(data.column("start_s").cast(pa.int64()), UNKNOWN))
    end = np.asarray(pc.fill_null(data.column("end_s").cast(pa.int64()), UNKNOWN))
    cores = np.asarray(pc.fill_null(data.column("cores").cast(pa.float64()), 0.0))
    other = np.zeros(e.count, dtype=bool)
    other[row[(start != e.said["start_s"][row]) | (end != e.said["end_s"][row])]] = True
    wrong = np.zeros(e.count, dtype=bool)
    wrong[row[cores != e.said["size"][row]]] = True
    return [
        *told(e, rows != e.started, "has not one placement for each start"),
        *told(e, other, "is placed at other times than it runs"),
        *told(e, wrong, "is placed on another number of processors than its size"),
    ]


def segments_say_the_same(e: Evidence) -> list[str]:
    """Each started job has segments from its start to its end, one after the other; others have none."""
    data = e.segments.data
    missing = {"job_id", "start_s", "end_s"} - set(e.segments.names)
    if missing:
        return [f"segments.parquet has no column {', '.join(sorted(missing))}"]
    found = pc.index_in(data.column("job_id").cast(pa.string()), e.ids.combine_chunks())
    if found.null_count:
        return ["segments.parquet has a job that is not in jobs.parquet"]
    row = np.asarray(found).astype(np.int64)
    start = np.asarray(pc.fill_null(data.column("start_s").cast(pa.int64()), UNKNOWN))
    end = np.asarray(pc.fill_null(data.column("end_s").cast(pa.int64()), FOREVER))
    order = np.lexsort((start, row))
    row, start, end = row[order], start[order], end[order]
    first, last = np.full(e.count, UNKNOWN), np.full(e.count, UNKNOWN)
    last[row] = end
    first[row[::-1]] = start[::-1]
    overlap = np.zeros(e.count, dtype=bool)
    overlap[row[1:][(row[1:] == row[:-1]) & (start[1:] < end[:-1])]] = True
    should_end = np.where(e.started, np.where(e.ended, e.said["end_s"], FOREVER), UNKNOWN)
    wrong = (first != e.said["start_s"]) | (last != should_end) | overlap
    return told(e, wrong, "has segments that are not its start_s to end_s")


def counts_are_right(e: Evidence) -> list[str]:
    """summary.json counts the jobs as the run table does."""
    said = e.summary.get("jobs", {})
    if not isinstance(said, dict):
        return ["summary.json: 'jobs' is not a table of counts"]
    counts = {state: int(np.count_nonzero(e.is_in(state))) for state in STATES} | {"in all": e.count}
    return [
        f"summary.json counts {said.get(name, 0)} jobs {name}; the run table has {count}"
        for name, count in counts.items()
        if said.get(name, 0) != count
    ]


FILE_RULES: tuple[Callable[[Evidence], list[str]], ...] = (
    segments_say_the_same,
    notes_and_attempts_fit,
    placements_say_the_same,
    counts_are_right,
    metrics_are_right,
)
