"""Write a workload as SWF, which other tools read, and say what SWF could not hold.

Source: https://www.cs.huji.ac.il/labs/parallel/workload/swf.html (version 2.2, 18 fields).
"""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonier.kit.files import writing
from timonier.workload.arrow import Values, pa_csv, pc, row_numbers
from timonier.workload.columns import Column, column_named
from timonier.workload.epoch import unix_seconds
from timonier.workload.jobs import Jobs
from timonier.workload.size import processors_per_job

_KEPT = {
    "job_id", "submit_s", "runtime_s", "time_limit_s", "tasks", "cores", "memory_bytes",
    "user", "account", "queue", "partition", "dependency", "think_s", "swf_status",
}  # fmt: skip
_NUMBERED = r"^(0|[1-9]\d{0,14})$"


def is_swf_name(name: str) -> bool:
    """
    >>> is_swf_name("a.SWF.gz")
    True
    """
    return name.lower().endswith((".swf", ".swf.gz", ".txt"))


def write_swf(
    jobs: Jobs,
    path: str | Path,
    wait_s: NDArray[Any] | None = None,
    status: NDArray[np.int64] | None = None,
) -> dict[str, int]:
    """Write an SWF log, gzip when the name ends in .gz. Returns what was lost: fact -> rows.

    wait_s: float64[J], s, field 3 of each row, -1 or nan where unknown.
    status: int64[J], field 11 (1 completed, 0 failed, 5 cancelled, -1 unknown); else the column `swf_status`.
    Rows are written in the order of submission, as the format asks for.  A job that never leaves cannot be
    written.  Names that are not numbers are numbered, and the header says which is which.
    """
    losses: dict[str, int] = {}
    order = _order(jobs)
    moved = int((order != np.arange(len(jobs))).sum())
    if moved:
        losses["order of the rows (SWF is in the order of submission)"] = moved
        jobs = replace(jobs, table=jobs.table.take(row_numbers(order)))
        wait_s = None if wait_s is None else wait_s[order]
        status = None if status is None else status[order]
    lines, fields = _fields(jobs, losses)
    if wait_s is not None:
        fields["3"] = np.where(np.isnan(wait_s), -1, wait_s)
    fields["11"] = jobs.numbers("swf_status", -1) if status is None else status
    leaves = np.isfinite(jobs.numbers("runtime_s", 0))
    losses["jobs that never leave, left out"] = int((~leaves).sum())
    fields = {name: _whole(values[leaves]) for name, values in fields.items()}
    text = _header(jobs, len(fields["1"]), lines) + _rows(fields)
    with writing(path) as file:
        if str(path).lower().endswith(".gz"):
            text = gzip.compress(text, compresslevel=6, mtime=0)
        file.write(text)
    return {fact: rows for fact, rows in losses.items() if rows}


def _order(jobs: Jobs) -> NDArray[np.int64]:
    """The rows by (submit, job number), as a reader sorts them; by (submit, row) where jobs have other names."""
    submit = jobs.numbers("submit_s", 0)
    if not _are_numbers(jobs.texts("job_id")):
        return np.argsort(submit, kind="stable")
    return np.lexsort((np.asarray(jobs.texts("job_id").cast(pa.int64()).to_numpy()), submit))


def _fields(jobs: Jobs, losses: dict[str, int]) -> tuple[list[str], dict[str, Any]]:
    """The 18 columns, and the header lines that explain numbered names."""
    runtime = jobs.numbers("runtime_s", 0)
    size = processors_per_job(jobs)
    lines: list[str] = []
    number = _job_numbers(jobs, losses)
    unknown = np.full(len(jobs), -1)
    fields = {str(k): unknown for k in range(1, 19)}
    fields |= {"1": number, "2": jobs.numbers("submit_s", 0), "4": runtime, "5": size, "8": size}
    fields["9"] = jobs.numbers("time_limit_s", -1)
    fields["10"] = _memory_kb(jobs, size, losses)
    for field, column, word in ((12, "user", "User"), (13, "account", "Group"), (15, "queue", "Queue")):
        fields[str(field)] = _codes(jobs, column, word, lines, losses)
    fields["16"] = _codes(jobs, "partition", "Partition", lines, losses)
    fields["17"] = _preceding(jobs, number, losses)
    fields["18"] = np.where(
        (fields["17"] > 0) & (jobs.numbers("think_s", 0) > 0), jobs.numbers("think_s", 0), -1
    )
    _count_lost_columns(jobs, losses)
    return lines, fields


def _are_numbers(names: Values) -> bool:
    """Can all these names stand in a field?  Empty ones do not matter."""
    return pc.all(pc.match_substring_regex(names, _NUMBERED)).as_py() is not False


def _job_numbers(jobs: Jobs, losses: dict[str, int]) -> NDArray[np.int64]:
    names = jobs.texts("job_id")
    if _are_numbers(names):
        return np.asarray(names.cast(pa.int64()).to_numpy())
    losses["job_id (jobs are numbered in row order)"] = len(jobs)
    return np.arange(1, len(jobs) + 1)


def _memory_kb(jobs: Jobs, size: NDArray[np.int64], losses: dict[str, int]) -> NDArray[np.int64]:
    """KB per processor, rounded up; -1 where unknown."""
    memory = jobs.numbers("memory_bytes", 0)
    total = memory.astype(np.float64) * jobs.numbers("tasks", 1)
    per_processor = np.ceil(total / size / 1024).astype(np.int64)
    losses["memory_bytes (rounded up to KB per processor)"] = int(
        (per_processor * 1024 * size != total).sum()
    )
    return np.where(per_processor > 0, per_processor, -1)


def _codes(jobs: Jobs, column: str, word: str, lines: list[str], losses: dict[str, int]) -> NDArray[np.int64]:
    """Numbers that stand for the names of a column; the names go to the header."""
    names: Values = jobs.texts(column)
    if names.null_count == len(names):
        return np.full(len(names), -1)
    if _are_numbers(names):
        return np.asarray(names.cast(pa.int64()).fill_null(-1).to_numpy())
    known = pc.unique(names.drop_null())
    lines.extend(f"; {word}: {k} {' '.join(name.split())}" for k, name in enumerate(known.to_pylist(), 1))
    losses[f"{column} (numbered; the header lists the names)"] = len(names) - names.null_count
    return np.asarray(pc.add(pc.index_in(names, known), 1).fill_null(-1).to_numpy())


def _preceding(jobs: Jobs, number: NDArray[np.int64], losses: dict[str, int]) -> NDArray[np.int64]:
    """Field 17 from "afterany:N" or "afterok:N"; SWF has no more than one job before."""
    texts = jobs.texts("dependency")
    if texts.null_count == len(texts):
        return np.full(len(texts), -1)
    single = pc.struct_field(pc.extract_regex(texts, r"^after(?:any|ok):(?P<name>[^:,\s]+)$"), "name")
    spot = pc.index_in(single, jobs.texts("job_id"))
    losses["dependency (more than one job, or of another kind)"] = int(spot.null_count - texts.null_count)
    kind = pc.starts_with(texts, "afterok:")
    losses["dependency (afterok becomes afterany)"] = int(
        pc.sum(pc.and_(kind, pc.is_valid(spot))).as_py() or 0
    )
    rows = np.asarray(spot.fill_null(-1).to_numpy())
    return np.where(rows >= 0, number[rows], -1)


def _count_lost_columns(jobs: Jobs, losses: dict[str, int]) -> None:
    for name in jobs.table.column_names:
        if name not in _KEPT:
            losses[name] = losses.get(name, 0) + _told(jobs.table.column(name), column_named(name))
    if jobs.state:
        losses["now_s (SWF holds no state)"] = 1


def _told(values: Values, column: Column | None) -> int:
    """Cells that say something: neither empty nor the default."""
    told = pc.is_valid(values)
    if column and column.default and column.kind != "text":
        usual = column.default == "true" if column.kind == "flag" else float(column.default)
        told = pc.and_(told, pc.not_equal(values, usual))
    return int(pc.sum(pc.fill_null(told, False)).as_py() or 0)


def _whole(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(np.int64) if (values == np.floor(values)).all() else values


def _header(jobs: Jobs, rows: int, lines: list[str]) -> bytes:
    said = ["; Version: 2.2", "; Conversion: timonier", f"; MaxJobs: {rows}", f"; MaxRecords: {rows}"]
    if jobs.epoch:
        unix_s = unix_seconds(jobs.epoch)
        said.append(f"; UnixStartTime: {unix_s:.0f}")
    if jobs.processors:
        said.append(f"; MaxProcs: {jobs.processors}")
    return ("\n".join(said + lines) + "\n").encode()


def _rows(fields: dict[str, Any]) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa_csv.WriteOptions(include_header=False, delimiter=" ", quoting_style="none")
    pa_csv.write_csv(pa.table(fields), sink, options)
    return bytes(sink.getvalue())
