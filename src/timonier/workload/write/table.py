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
    table = jobs.table.replace_schema_metadata(None)
    options = pa_csv.WriteOptions(
        quoting_style="needed" if _needs_quotes(table) else "none", include_header=False
    )
    with writing(path) as file:
        file.write(_header(table.column_names))
        pa_csv.write_csv(table, file, options)
    losses = {"epoch": jobs.epoch, "processors": jobs.processors, "now_s": jobs.state}
    return {f"{name} (CSV has no place for it)": 1 for name, value in losses.items() if value is not None}


def _header(names: list[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(names)
    return line.getvalue().encode()


def _needs_quotes(table: pa.Table) -> bool:
    texts = [column for column in table.columns if pa.types.is_string(column.type)]
    return any(pc.any(pc.match_substring_regex(column, r'[",\r\n]')).as_py() for column in texts)
