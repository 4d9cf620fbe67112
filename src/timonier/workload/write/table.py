"""Write a workload as CSV or Parquet, so that reading it gives the same table again."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from timonier.kit.errors import InputError
from timonier.kit.files import writing
from timonier.workload.arrow import pa_csv, pc
from timonier.workload.jobs import Jobs
from timonier.workload.metadata import KEY, render_metadata
from timonier.workload.write.swf import write_swf


def write_table(jobs: Jobs, path: str | Path) -> dict[str, int]:
    """Write by extension: .parquet, .csv, .swf or .swf.gz; nothing is left half-written.

    Returns what the format could not hold: fact -> rows (empty for Parquet).
    Raises InputError where CSV has no cell for the values of a column.
    """
    name = str(path).lower()
    if name.endswith(".parquet"):
        return _write_parquet(jobs, path)
    if name.endswith(".csv"):
        return _write_csv(jobs, path)
    if name.endswith((".swf", ".swf.gz")):
        return write_swf(jobs, path)
    raise InputError(
        "the file name does not say in which format to write",
        where=str(path),
        fix="end it in .parquet, .csv, .swf or .swf.gz",
    )


def _write_parquet(jobs: Jobs, path: str | Path) -> dict[str, int]:
    table = jobs.table.replace_schema_metadata({KEY: render_metadata(jobs)})
    with writing(path) as file:
        pq.write_table(table, file, compression="zstd")
    return {}


def _write_csv(jobs: Jobs, path: str | Path) -> dict[str, int]:
    """Plain cells: quotes only where a comma, a quote or a line break asks for them."""
    table = _plain(jobs.table.replace_schema_metadata(None), path)
    options = pa_csv.WriteOptions(
        quoting_style="needed" if _needs_quotes(table) else "none", include_header=False
    )
    with writing(path) as file:
        file.write(_header(table.column_names))
        pa_csv.write_csv(table, file, options)
    return {
        f"{name} (CSV has no place for it)": rows for name, rows in _beside_the_rows(jobs).items() if rows
    }


def _beside_the_rows(jobs: Jobs) -> dict[str, int]:
    """What only the metadata of Parquet holds: fact -> rows."""
    facts = {"epoch": int(jobs.epoch is not None), "processors": int(jobs.processors is not None)}
    if jobs.state is not None:
        facts |= {"now_s": 1, "usage": len(jobs.state.usage)}
        facts["settled, so that going on begins with a pass"] = int(jobs.state.settled)
    return facts


def _plain(table: pa.Table, path: str | Path) -> pa.Table:
    """The table with cells that CSV can hold.  Raises InputError, naming every column that has none."""
    wrong = []
    for k, field in enumerate(table.schema):
        kind = field.type
        values = table.column(k)
        if pa.types.is_dictionary(kind):
            values = values.cast(kind.value_type)
        elif kind == pa.string_view():
            values = values.cast(pa.large_string())
        if not _has_cells(values.type):
            wrong.append(f"{field.name!r} holds {kind}")
        elif values.type != kind:
            table = table.set_column(k, field.name, values)
    if wrong:
        raise InputError(
            f"a cell of CSV is a text or a number: the column {', '.join(wrong)}",
            where=str(path),
            fix="leave it out, or write a .parquet file",
        )
    return table


def _has_cells(kind: pa.DataType) -> bool:
    """Is a value of this type one cell?"""
    checks = ("is_null", "is_boolean", "is_integer", "is_floating", "is_decimal", "is_temporal")
    plain = any(getattr(pa.types, check)(kind) for check in checks) and not pa.types.is_interval(kind)
    return plain or _is_text(kind)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _header(names: list[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(names)
    return line.getvalue().encode()


def _needs_quotes(table: pa.Table) -> bool:
    texts = [column for column in table.columns if _is_text(column.type)]
    return any(pc.any(pc.match_substring_regex(column, r'[",\r\n]')).as_py() for column in texts)
