"""A log with jobs drawn again: copies get names of their own, dependencies stay among their like."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonier.workload import Jobs
from timonier.workload.arrow import Values, pc, row_numbers
from timonier.workload.size import processors_per_job

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def finite_work(jobs: Jobs) -> Floats:
    """Processor-seconds of each job, 0 for those that never end: float64[J]."""
    runtime = jobs.numbers("runtime_s", 0).astype(np.float64)
    work: Floats = np.where(np.isfinite(runtime), runtime, 0.0) * processors_per_job(jobs)
    return work


def copied(jobs: Jobs, rows: Ints, submit: Floats, copy: Ints, marked: Sequence[str]) -> Jobs:
    """These rows of the log at new submissions, sorted by (submission, place in `rows`).

    rows: int64[K], rows of the log.  submit: float64[K], s.  copy: int64[K], 0 for the first copy of a row.
    marked: the columns of names that get ~2 in a second copy.
    """
    order = np.lexsort((np.arange(len(rows)), submit))
    rows, submit, copy = rows[order], submit[order], copy[order]
    table = jobs.table.take(row_numbers(rows))
    whole = pa.types.is_integer(table.column("submit_s").type)
    table = _with(table, "submit_s", pa.array(submit.astype(np.int64) if whole else submit))
    for name in marked:
        if name in table.column_names:
            table = _with(table, name, _marked(table.column(name), copy))
    if "dependency" in table.column_names:
        table = _with(table, "dependency", _own_dependencies(table, copy))
    return replace(jobs, table=table)


def times_before(drawn: Ints) -> Ints:
    """How often each one was drawn before: 0 for the first time."""
    seen: dict[int, int] = {}
    times = np.empty(len(drawn), dtype=np.int64)
    for place, one in enumerate(drawn.tolist()):
        times[place] = seen.get(one, 0)
        seen[one] = times[place] + 1
    return times


def _marked(texts: Values, copy: Ints) -> Values:
    """A text with ~2 behind it for a second copy, ~3 for the third."""
    mark = pa.array([f"~{k + 1}" if k else "" for k in range(int(copy.max(initial=0)) + 1)])
    marked: Values = pc.binary_join_element_wise(
        texts.combine_chunks(), mark.take(row_numbers(copy)), "", null_handling="emit_null"
    )
    return marked


def _own_dependencies(table: pa.Table, copy: Ints) -> Values:
    """Dependencies inside a copy point to the copy; those on jobs that come later or not at all are left out."""
    place = {name: row for row, name in enumerate(table.column("job_id").to_pylist())}
    texts = table.column("dependency").to_pylist()
    for row, text in enumerate(texts):
        if text is None:
            continue
        mark = f"~{copy[row] + 1}" if copy[row] else ""
        clauses = []
        for clause in text.split(","):
            kind, *names = [word.strip() for word in clause.split(":")]
            kept = [f"{name}{mark}" for name in names if place.get(f"{name}{mark}", row) < row]
            if kept:
                clauses.append(":".join([kind, *kept]))
        texts[row] = ",".join(clauses) or None
    return pa.array(texts, pa.string())


def _with(table: pa.Table, name: str, values: Values) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def original_id(job_id: str) -> str:
    """The job_id in the log of a job of a resample.

    >>> original_id("17~2")
    '17'
    """
    return re.sub(r"~\d+$", "", job_id)
