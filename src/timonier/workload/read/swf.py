"""Logs in the Standard Workload Format of the Parallel Workloads Archive.

Source: Chapin et al., "Benchmarks and Standards for the Evaluation of Parallel Job Schedulers",
JSSPP 1999; https://www.cs.huji.ac.il/labs/parallel/workload/swf.html (version 2.2).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonier.kit.errors import InputError
from timonier.workload.arrow import Values, pc
from timonier.workload.epoch import iso_utc
from timonier.workload.jobs import Cleaning, Jobs
from timonier.workload.read.swf_fields import FIELDS, line_numbers, parse_fields
from timonier.workload.read.swf_header import SwfHeader, parse_header
from timonier.workload.read.text import read_text_bytes

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_MOST_TASKS = 10**9
_MOST_MEMORY_KB = 2**43


def read_swf(path: str | Path) -> Jobs:
    """A log as a job table, rows sorted by (submit, job number).

    A job's processors are `tasks` of one core each. Memory is KB per processor; in the 21-field
    variant of MetaCentrum it is bytes for the whole job, shared out evenly (inferred: 64 GiB beside
    64 processors on nodes of 505 GiB), fields 17 and 18 are constants and no dependencies.
    """
    data = read_text_bytes(path)
    return parse_swf(data, str(path))


def parse_swf(data: bytes, source: str) -> Jobs:
    """The same from bytes already in memory."""
    header = parse_header(data)
    fields = parse_fields(data, source)
    number = {k: fields.column(str(k)).to_numpy() for k in (1, 2, 4, 5, 8, 9, 10, 11, 12, 13, 15, 16, 17, 18)}
    size = np.where(number[8] > 0, number[8], number[5])
    _check(number, size, _is_extended(fields), data, source)
    no_run, no_size = number[4] <= 0, size <= 0
    rows = _kept_in_order(number, ~no_run & ~no_size)
    number = {k: column[rows] for k, column in number.items()}
    _refuse_twins(number[1], source)
    columns = _columns(number, size[rows], fields, rows)
    noted = _header_notes(header, fields.num_rows, size[rows]) | columns.pop("noted")
    limit = number[9]
    noted["no time limit"] = int((limit <= 0).sum())
    noted["run time over the limit"] = int(((limit > 0) & (number[4] > limit)).sum())
    dropped = {"no run time": int(no_run.sum()), "no size": int((no_size & ~no_run).sum())}
    return Jobs(
        table=pa.table(columns),
        source=source,
        cleaning=Cleaning(len(rows), dropped, noted),
        epoch=header.epoch or (iso_utc(0) if _is_extended(fields) else None),
        processors=header.processors,
    )


def _columns(
    number: dict[int, Floats], size: Floats, fields: pa.Table, rows: NDArray[np.int64]
) -> dict[str, Any]:
    """The columns of the job table, and under "noted" what was ignored on the way."""
    extended = _is_extended(fields)
    memory = np.where(number[10] > 0, number[10], 0)
    memory = memory / size if extended else memory * 1024
    columns: dict[str, Any] = {
        "job_id": _whole(number[1]).cast(pa.string()),
        "submit_s": _whole(number[2]),
        "runtime_s": _whole(number[4]),
        "time_limit_s": _known(number[9], number[9] > 0),
        "tasks": _whole(size),
        "memory_bytes": _known(np.floor(memory), number[10] > 0),
        "user": _text(number[12]),
        "account": _text(number[13]),
        "queue": fields.column("20").take(rows) if extended else _text(number[15]),
        "partition": _text(number[16]),
        "noted": {},
    }
    if (number[11] >= 0).any():
        columns["swf_status"] = _known(number[11], number[11] >= 0)
    if extended:
        columns["nodespec"] = fields.column("21").take(rows)
    else:
        columns |= _dependencies(number)
    return columns


def _is_extended(fields: pa.Table) -> bool:
    """The 21 fields of MetaCentrum, whose submit times count from 1970."""
    return bool(fields.num_columns > len(FIELDS))


def _dependencies(number: dict[int, Floats]) -> dict[str, Any]:
    """Field 17 as "afterany:N" with field 18 as its think time; only backwards, only to jobs kept."""
    before = number[17]
    asked = before > 0
    if not asked.any():
        return {}
    order = np.argsort(number[1], kind="stable")
    spot = np.minimum(np.searchsorted(number[1][order], before), len(order) - 1)
    target = order[spot]
    there = asked & (number[1][target] == before)
    good = there & (target < np.arange(len(before)))
    noted = {
        "dependency on itself or a later job, ignored": int((there & ~good).sum()),
        "dependency on a job that is not in the log, ignored": int((asked & ~there).sum()),
    }
    names = pa.array(np.where(good, before, 0).astype(np.int64), mask=~good).cast(pa.string())
    think = np.where(good & (number[18] > 0), number[18], 0)
    return {
        "dependency": pc.binary_join_element_wise("afterany", names, ":"),
        "think_s": _whole(think),
        "noted": {fact: count for fact, count in noted.items() if count},
    }


def _kept_in_order(number: dict[int, Floats], keep: Flags) -> NDArray[np.int64]:
    """The rows to keep, sorted by (submit, job number)."""
    rows = np.flatnonzero(keep)
    return rows[np.lexsort((number[1][rows], number[2][rows]))]


def _check(number: dict[int, Floats], size: Floats, extended: bool, data: bytes, source: str) -> None:
    """Refuse what no cleaning rule covers, with line and field of up to ten rows."""
    broken = [
        (1, number[1] != np.floor(number[1]), "a job number must be whole"),
        (2, number[2] < 0, "a submit time cannot be negative"),
        (8, size != np.floor(size), "a number of processors must be whole"),
        (8, size > _MOST_TASKS, f"a number of processors must be at most {_MOST_TASKS:,}"),
        (10, (number[10] > _MOST_MEMORY_KB) & (not extended), "requested memory is beyond 2^53 bytes"),
    ]
    for field, wrong, rule in broken:
        rows = np.flatnonzero(wrong)
        if len(rows):
            lines = ", ".join(str(line) for line in line_numbers(data, rows[:10]))
            where = f"{source}, line {lines}, field {field} ({FIELDS[field - 1]})"
            raise InputError(
                f"{rule}; {len(rows)} rows break this", where=where, fix="correct or remove them"
            )


def _refuse_twins(numbers: Floats, source: str) -> None:
    values, counts = np.unique(numbers, return_counts=True)
    twins = values[counts > 1]
    if len(twins):
        shown = ", ".join(f"{twin:.0f}" for twin in twins[:10])
        raise InputError(
            f"{len(twins)} job numbers appear more than once: {shown}",
            where=f"{source}, field 1",
            fix="give every job its own number",
        )


def _header_notes(header: SwfHeader, rows: int, size: Floats) -> dict[str, int]:
    """Where the header and the jobs disagree: shown, never an error."""
    noted = {}
    for name, said in (("MaxJobs", header.max_jobs), ("MaxRecords", header.max_records)):
        if said is not None and said != rows:
            noted[f"rows by which the header's {name} is off"] = abs(said - rows)
    if header.processors is not None:
        larger = int((size > header.processors).sum())
        if larger:
            noted["larger than the machine in the header"] = larger
    return noted


def _whole(values: Floats) -> Values:
    """int64 where every value is whole, else float64."""
    whole = (values == np.floor(values)).all()
    return pa.array(values.astype(np.int64) if whole else values)


def _known(values: Floats, known: Flags) -> Values:
    """The same with nulls where the log does not know."""
    filled = np.where(known, values, 0)
    whole = (filled == np.floor(filled)).all()
    return pa.array(filled.astype(np.int64) if whole else filled, mask=~known)


def _text(values: Floats) -> Values:
    """Numbers used as names: text, null below zero."""
    if (values < 0).all():
        return pa.nulls(len(values), pa.string())
    return _known(values, values >= 0).cast(pa.string())
