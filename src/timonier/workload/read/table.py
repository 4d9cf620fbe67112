"""Job tables in CSV or Parquet, state files included."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from timonier.kit.errors import InputError
from timonier.kit.files import reading
from timonier.workload.arrow import pc
from timonier.workload.check import checked
from timonier.workload.clean import cleaned
from timonier.workload.jobs import Jobs, StateHeader
from timonier.workload.metadata import Metadata, parse_metadata
from timonier.workload.pods import as_pods
from timonier.workload.read.csv import parse_csv
from timonier.workload.read.text import PARQUET, read_text_bytes

_STATE_COLUMNS = ("state", "start_s", "done_s", "reserved_s")


def read_table(path: str | Path, *, now: float | None = None, usage: str | Path | None = None) -> Jobs:
    """A job table or a state file; every wrong cell is reported, rows stay in input order.

    now: the instant of a state that does not carry one (a CSV), s.
    usage: a CSV of account, user, usage to go with it.
    """
    where = str(path)
    if is_parquet(path):
        table = read_parquet(path)
        said = parse_metadata(table.schema, where)
    else:
        table, said = parse_csv(read_text_bytes(path), where), Metadata()
    return table_to_jobs(table, where, said, state_of(table, said.state, now, usage, where))


def table_to_jobs(table: pa.Table, where: str, said: Metadata, state: StateHeader | None) -> Jobs:
    """Check and clean a table that some reader made; independent pods become rows."""
    table, loose = as_pods(checked(table.replace_schema_metadata(None), where, state is not None), where)
    if loose:
        checked(table, where, state is not None)  # the names of pods may be those of other jobs
    table, cleaning = cleaned(table)
    if loose:
        cleaning.noted["independent pods, each a row of its own"] = loose
    if state:
        _check_running(table, state.now_s, where)
    return Jobs(table, where, cleaning, said.epoch, said.processors, state)


def is_parquet(path: str | Path) -> bool:
    """Does the file begin as Parquet files do?"""
    with reading(path), Path(path).open("rb") as file:
        return file.read(4) == PARQUET


def read_parquet(path: str | Path) -> pa.Table:
    """All columns, straight from the file; a damaged one is an InputError."""
    with reading(path):
        try:
            with pq.ParquetFile(path, pre_buffer=False) as file:
                table: pa.Table = file.read()
            table.validate(full=True)  # text that is no UTF-8 fails here rather than in a message
        except (pa.ArrowException, ValueError, UnicodeDecodeError) as error:
            raise _damaged(path) from error
        except OSError as error:
            if error.errno is None:  # Arrow's own complaint about the content, not the disk's
                raise _damaged(path) from error
            raise
    return table


def _damaged(path: str | Path) -> InputError:
    return InputError("the Parquet file is damaged or cut off", where=str(path), fix="write or copy it again")


def state_of(
    table: pa.Table, said: StateHeader | None, now: float | None, usage: str | Path | None, where: str
) -> StateHeader | None:
    """The state header, from the file or from the command line, never from both."""
    if said is not None and now is not None and now != said.now_s:
        fix = f"leave out --now, or give {said.now_s:g}"
        raise InputError(
            f"the state file was taken at {said.now_s:g} s, not at {now:g} s", where=where, fix=fix
        )
    header = said
    if header is None and now is not None:
        if not math.isfinite(now):
            raise InputError(f"--now is {now}", where="--now", fix="give seconds from the workload's zero")
        header = StateHeader(now)
    if header is None and any(name in table.column_names for name in _STATE_COLUMNS):
        raise InputError(
            "this table holds a state but not its instant",
            where=where,
            fix="say --now T, seconds from the workload's zero; a state in Parquet carries it",
        )
    if usage is None:
        return header
    if header is None:
        raise no_state("--usage", where)
    return replace(header, usage=tuple(read_usage(usage)))


def no_state(option: str, where: str) -> InputError:
    """What to say where an option of states comes with a log."""
    return InputError(
        f"{option} needs a state: a job table with what runs and what waits",
        where=where,
        fix=f"leave out {option}" + ("; to stop a simulation early use --until" if option == "--now" else ""),
    )


def read_usage(path: str | Path) -> list[dict[str, Any]]:
    """Fair-share usage: rows of account, user, usage."""
    table = parse_csv(read_text_bytes(path), str(path))
    for name in ("account", "user", "usage"):
        if name not in table.column_names:
            fix = f"the header must be account,user,usage; it is {','.join(table.column_names)}"
            raise InputError(f"the column {name!r} is missing", where=str(path), fix=fix)
    if not (
        pa.types.is_integer(table.column("usage").type) or pa.types.is_floating(table.column("usage").type)
    ):
        raise InputError("usage must be numbers", where=f"{path}, usage", fix="write plain numbers")
    rows: list[dict[str, Any]] = table.select(["account", "user", "usage"]).to_pylist()
    return rows


def _check_running(table: pa.Table, now_s: float, where: str) -> None:
    """A running job has started, and not in the future."""
    if "state" not in table.column_names:
        return
    running = pc.fill_null(pc.equal(table.column("state"), "running"), False)
    start = table.column("start_s") if "start_s" in table.column_names else pa.nulls(len(table), pa.int64())
    wrong = pc.and_(running, pc.invert(pc.fill_null(pc.less_equal(start, now_s), False)))
    names: list[str] = pc.filter(table.column("job_id"), wrong)[:10].to_pylist()
    if names:
        count = pc.sum(wrong).as_py()
        raise InputError(
            f"{count} running jobs have no start_s, or one after {now_s:g} s: {', '.join(names)}",
            where=where,
            fix="give every running job its start_s",
        )
