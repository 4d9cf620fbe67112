"""Read any workload: the format is told by the content first, then by the name."""

from __future__ import annotations

import re
from pathlib import Path

from timonier.workload.jobs import Jobs
from timonier.workload.metadata import Metadata
from timonier.workload.read import openb, philly
from timonier.workload.read.csv import header_names, parse_csv
from timonier.workload.read.swf import parse_swf
from timonier.workload.read.table import is_parquet, no_state, read_table, state_of, table_to_jobs
from timonier.workload.read.text import first_line, read_text_bytes
from timonier.workload.write.swf import is_swf_name


def read_workload(path: str | Path, *, now: float | None = None, usage: str | Path | None = None) -> Jobs:
    """A log, a trace, a job table or a state file as a job table.

    SWF (.swf, .swf.gz, .txt), job table (.csv, .parquet), Philly and openb pods (by their CSV header).
    now, usage: for a state in CSV, see read_table.
    """
    if is_parquet(path):
        return read_table(path, now=now, usage=usage)
    data, source = read_text_bytes(path), str(path)
    if _looks_like_swf(data, str(path)):
        return _stateless(parse_swf(data, source), now, usage)
    names = header_names(data, source)
    if set(philly.HEADER) <= set(names):
        return _stateless(philly.parse_philly(data, source), now, usage)
    if set(openb.HEADER) <= set(names):
        return _stateless(openb.parse_openb(data, source), now, usage)
    table = parse_csv(data, source)
    return table_to_jobs(table, source, Metadata(), state_of(table, None, now, usage, source))


def _looks_like_swf(data: bytes, name: str) -> bool:
    """By its name, else by its first line: a comment, or a line of numbers."""
    if is_swf_name(name):
        return True
    if name.lower().endswith((".csv", ".csv.gz")):
        return False
    line = first_line(data)
    return line.startswith(";") or re.fullmatch(r"[-+.\d\s]+", line) is not None


def _stateless(jobs: Jobs, now: float | None, usage: str | Path | None) -> Jobs:
    for option, value in (("--now", now), ("--usage", usage)):
        if value is not None:
            raise no_state(option, jobs.source)
    return jobs
