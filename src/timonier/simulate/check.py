"""An independent validator: does a run folder keep what it promises?

It reads the tables of the folder and nothing of the engine; `check_rules` holds the promises.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from timonier.describe import Machine, read_machine
from timonier.kit.errors import InputError
from timonier.kit.files import read_bytes
from timonier.kit.toml import read_toml
from timonier.policy import Profile, read_profile
from timonier.simulate.check_evidence import UNKNOWN, Evidence, Flags, Ints, Table, column, ints
from timonier.simulate.check_files import FILE_RULES
from timonier.simulate.check_nodes import NODE_RULES
from timonier.simulate.check_placements import read_placements
from timonier.simulate.check_rules import ONLY_ON_COUNTS, RULES

pc: Any = pyarrow.compute

NEVER = 1 << 60  # the tick of what does not happen
BEYOND = 1 << 31  # 68 years: a limit from there on does not end
TABLES = ("jobs.parquet", "segments.parquet", "workload.parquet", "placements.parquet")
HASHED = (*TABLES, "machine.toml", "profile.toml", "summary.json")


def check_run(folder: str | Path) -> list[str]:
    """Every promise that the run in this folder breaks, as sentences; empty when it keeps them all.

    Raises InputError where the folder cannot be read as a run.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(
            "this is not a run folder", where=str(folder), fix="name what `simulate -o FOLDER` wrote"
        )
    broken = _broken_hashes(folder)
    evidence = _read(folder)
    if evidence is None:
        return [*broken, "jobs.parquet does not have one row for every job of workload.parquet, in its order"]
    machine = read_machine(folder / "machine.toml")
    for rule in (*RULES, *FILE_RULES):
        if machine.is_counted or rule not in ONLY_ON_COUNTS:
            broken += rule(evidence)
    return broken + ([] if machine.is_counted else _broken_on_nodes(folder, evidence, machine))


def _broken_on_nodes(folder: Path, evidence: Evidence, machine: Machine) -> list[str]:
    """The promises of placements, and that jobs are called unrunnable for a reason."""
    run, work = (_read_table(folder / name) for name in (TABLES[0], TABLES[2]))
    found = read_placements(evidence, machine, run, work, evidence.placements)
    if isinstance(found, list):
        return found
    return [sentence for rule in NODE_RULES for sentence in rule(found)]


def _broken_hashes(folder: Path) -> list[str]:
    """Files that are not what the manifest says."""
    files = read_toml(folder / "manifest.toml").get("files", {})
    if not isinstance(files, dict):
        raise InputError("'files' is not a table", where=str(folder / "manifest.toml"))
    broken = [f"{name}: manifest.toml has no hash of it" for name in HASHED if name not in files]
    for name, said in files.items():
        path = folder / Path(name).name
        if not path.is_file():
            broken.append(f"{name}: named in manifest.toml, but not there")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != said:
            broken.append(f"{name}: not the content that manifest.toml has the hash of")
    return broken


def _read(folder: Path) -> Evidence | None:
    """Everything the rules look at; None where the rows are not those of the workload."""
    run, segments, work, placements = (_read_table(folder / name) for name in TABLES)
    ids = _texts(work, "job_id")
    if (
        run.rows != work.rows
        or not pc.all(pc.equal(_texts(run, "job_id"), ids), skip_nulls=False, min_count=0).as_py()
    ):
        return None
    _texts(run, "nodes")  # which must be there
    machine = read_machine(folder / "machine.toml")
    processors = machine.total_cores
    profile = read_profile(folder / "profile.toml")
    now, settled = _state_header(work)
    if now is None:  # then these are columns of somebody else
        work = _without(work, ("state", "start_s", "done_s", "eligible_s", "doomed"))
    done = _ticks(work, "done_s", 0)
    run_time = _ticks(work, "runtime_s", 0)
    run_time = np.where(run_time < NEVER, run_time - done, NEVER)
    limit, expected, estimate = _times(work, profile, run_time, done)
    cut = expected < run_time
    running = _equals(_texts(work, "state"), "running")
    start_then = np.where(running, _ticks(work, "start_s", UNKNOWN), UNKNOWN)
    if now is not None:  # an end that is overdue in a state comes at once
        expected = np.where(running & (start_then + expected < now), now - start_then, expected)
    return Evidence(
        count=run.rows,
        ids=ids,
        submit=_ticks(work, "submit_s", 0),
        limit=limit,
        expected=expected,
        cut=cut,
        estimate=estimate,
        asked=_processors(work),
        users=_codes(_texts(work, "user")),
        queue=_texts(work, "queue"),
        partition=_texts(work, "partition"),
        dependency=_texts(work, "dependency"),
        think=_ticks(work, "think_s", 0),
        eligible=_ticks(work, "eligible_s", UNKNOWN),
        running_then=running,
        start_then=start_then,
        doomed=_flags(work, "doomed"),
        now=now,
        until=_until(folder / "manifest.toml"),
        settled=settled,
        is_counted=machine.is_counted,
        processors=processors,
        caps={p.name: processors if p.processors is None else p.processors for p in machine.partitions},
        default_partition=next((p.name for p in machine.partitions if p.default), None),
        profile=profile,
        said={name: ints(run, name) for name in ("submit_s", "start_s", "end_s", "wait_s", "run_s", "size")},
        state=_texts(run, "state"),
        lost=ints(run, "lost_s"),
        promised=ints(run, "promised_s"),
        attempts=ints(run, "attempts"),
        note=_texts(run, "note"),
        segments=segments,
        placements=placements,
        summary=_summary(folder / "summary.json"),
    )


def _without(table: Table, names: tuple[str, ...]) -> Table:
    there = [name for name in names if name in table.names]
    return Table(table.data.drop_columns(there), table.where)


def _read_table(path: Path) -> Table:
    content = read_bytes(path)
    try:
        table = pq.read_table(pa.BufferReader(content))
        table.validate(full=True)
    except (pa.ArrowException, ValueError, OSError, RecursionError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"this is not a Parquet table: {said}", where=str(path), fix="make the run again"
        ) from error
    return Table(table, str(path))


def _until(path: Path) -> int | None:
    """The last instant that was run, in ticks; None where the run went on to its end."""
    until = read_toml(path).get("until")
    if until is None:
        return None
    if isinstance(until, bool) or not isinstance(until, int | float) or not abs(until) < NEVER:
        raise InputError("'until' is not an instant", where=str(path), fix="make the run again")
    return int(np.floor(until + 0.5))


def _summary(path: Path) -> dict[str, Any]:
    try:
        said = json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"this is not JSON: {error}", where=str(path), fix="make the run again") from error
    if not isinstance(said, dict):
        raise InputError("this is not a summary", where=str(path), fix="make the run again")
    return said


def _state_header(work: Table) -> tuple[int | None, bool]:
    """now in ticks, None when the run began from nothing; and whether everything due then had happened."""
    raw = (work.data.schema.metadata or {}).get(b"timonier")
    try:
        said = {} if raw is None else json.loads(raw)
        now = said.get("now_s")
        return (None if now is None else int(np.floor(float(now) + 0.5))), bool(said.get("settled", False))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise InputError(f"its metadata cannot be read: {error}", where=work.where) from error


# ---- columns as numbers


def _times(work: Table, profile: Profile, run: Ints, done: Ints) -> tuple[Ints, Ints, Ints]:
    """Limit, time occupied and estimate of every job, ticks.

    run: the work that is left.  done: the work that was done before the state.
    """
    estimate = profile.estimate
    missing = run if estimate.missing_s is None else np.full(work.rows, estimate.missing_s)
    limit = _ticks(work, "time_limit_s", UNKNOWN)
    limit = np.where(limit >= BEYOND, NEVER, limit)
    limit = np.where(limit == UNKNOWN, missing, np.maximum(limit, 1))
    kill = estimate.over == "kill"
    occupied = np.minimum(run, limit) if kill else run
    if estimate.use == "exact":
        return limit, occupied, occupied
    if estimate.use == "limit":
        return limit, occupied, limit
    predicted = _ticks(work, "predicted_s", UNKNOWN)
    predicted = np.where(predicted >= BEYOND, NEVER, predicted)
    predicted = np.where(predicted == UNKNOWN, limit, np.maximum(predicted - done, 1))
    return limit, occupied, np.minimum(predicted, limit) if kill else predicted


def _ticks(table: Table, name: str, missing: int) -> Ints:
    """Seconds as whole ticks, half up; positive run times, limits and forecasts at least 1, inf as NEVER."""
    if name not in table.names:
        return np.full(table.rows, missing)
    if pa.types.is_integer(table.data.schema.field(name).type):
        return np.asarray(pc.fill_null(column(table, name, pa.int64()), missing))
    seconds = np.array(pc.fill_null(column(table, name, pa.float64()), np.nan), dtype=np.float64)
    whole = np.floor(np.where(np.isfinite(seconds), seconds, 0.0) + 0.5).astype(np.int64)
    if name in ("runtime_s", "time_limit_s", "predicted_s"):
        whole = np.where((whole == 0) & (seconds > 0), 1, whole)
    return np.where(np.isnan(seconds), missing, np.where(seconds == np.inf, NEVER, whole))


def _processors(work: Table) -> Ints:
    """ceil(tasks x cores), in exact thousandths of a core."""
    tasks = np.ones(work.rows, dtype=np.int64)
    if "tasks" in work.names:
        tasks = np.asarray(pc.fill_null(column(work, "tasks", pa.int64()), 1))
    cores = np.ones(work.rows)
    if "cores" in work.names:
        cores = np.asarray(pc.fill_null(column(work, "cores", pa.float64()), 1.0))
    return np.asarray(-(-(tasks * np.rint(cores * 1000).astype(np.int64)) // 1000))


def _flags(table: Table, name: str) -> Flags:
    """A column of true and false; false where there is none."""
    if name not in table.names:
        return np.zeros(table.rows, dtype=bool)
    return np.asarray(pc.fill_null(column(table, name, pa.bool_()), False))


def _texts(table: Table, name: str) -> Any:
    if name not in table.names and not (name == "job_id" or table.where.endswith("jobs.parquet")):
        return pa.chunked_array([pa.nulls(table.rows, pa.string())])
    return column(table, name, pa.string())


def _equals(texts: Any, value: str) -> Any:
    return np.asarray(pc.fill_null(pc.equal(texts, value), False))


def _codes(texts: Any) -> Ints:
    """A number for each text; UNKNOWN where there is none."""
    codes = texts.combine_chunks().dictionary_encode().indices
    return np.asarray(pc.fill_null(codes, UNKNOWN)).astype(np.int64)
