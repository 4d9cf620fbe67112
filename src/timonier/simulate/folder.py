"""A run folder: everything about one run as tables, so that a stranger can check it (CONTRACT 5)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import timonier
from timonier.describe import write_machine
from timonier.kit.errors import InputError
from timonier.kit.files import writing, writing_folder
from timonier.kit.toml import format_toml
from timonier.policy import profile_to_toml
from timonier.simulate.run import Run
from timonier.simulate.unpack import placements_table, segments_table
from timonier.workload import write_swf, write_table
from timonier.workload.arrow import pc


def check_names(log: Path, out: Path | None, state: Path | None, usage: Path | None = None) -> None:
    """Refuse names that cannot be written, before hours of work.  Raises InputError.

    A run never takes the place of what it was read from.
    """
    for source in (log, usage):
        if out is not None and source is not None and out.resolve() == source.resolve():
            raise InputError("the run would overwrite its own input", where=str(out), fix="name another file")
    if state is not None and usage is not None and state.resolve() == usage.resolve():
        raise InputError("the state would overwrite the usage", where=str(state), fix="name another file")
    if state is not None and state.suffix.lower() not in (".parquet", ".csv"):
        raise InputError(
            f"cannot write a state as {state.suffix!r}", where=str(state), fix="name a .parquet file"
        )
    if out is not None and state is not None and out.resolve() == state.resolve():
        raise InputError("the run and its state cannot be one file", where=str(out), fix="name two files")
    files = [path for path in (state, None if out is None or is_folder(out) else out) if path is not None]
    for path in files:
        if not path.parent.exists():
            raise InputError("no such folder", where=str(path.parent), fix=f"mkdir -p {path.parent}")


def is_folder(path: Path) -> bool:
    """Does this name ask for a run folder?  Raises InputError for a file of an unknown kind."""
    if path.name.lower().endswith((".swf", ".swf.gz", ".csv", ".parquet")):
        return False
    if path.suffix == ".run" or not path.suffix[1:].isalpha() or path.is_dir():
        return True  # run-0.95 and run.v2 are names, run.xlsx is a kind of file
    raise InputError(
        f"cannot write a run as {path.suffix!r}",
        where=str(path),
        fix="name a .csv, .parquet or .swf file, or a folder",
    )


def write_run(run: Run, path: str | Path, summary: dict[str, Any], asked: dict[str, Any]) -> dict[str, int]:
    """Write a run by the name of `path`: x.csv or x.parquet the run table, x.swf a log, else a folder.

    summary: what summary.json says.  asked: what the manifest says of the command (profile, seed, ...).
    Returns what the format could not hold: fact -> rows.
    Raises MachineFailure when the disk fails us; then nothing is left half-written.
    """
    name = str(path).lower()
    if name.endswith((".swf", ".swf.gz")):
        return _write_swf(run, path)
    if name.endswith(".csv"):
        table = run.table.set_column(
            run.table.column_names.index("state"), "state", run.table.column("state").cast(pa.string())
        )
        write_table(replace(run.jobs, table=table, state=None, epoch=None, processors=None), path)
    elif name.endswith(".parquet"):
        with writing(path) as file:
            pq.write_table(run.table, file, compression="zstd")
    elif is_folder(Path(path)):
        _write_folder(run, Path(path), summary, asked)
    return {}


def _write_swf(run: Run, path: str | Path) -> dict[str, int]:
    """The jobs that ran, with their wait and the time they held their processors; status 0 is for timeout."""
    ended = pc.is_valid(run.table.column("run_s"))
    table = run.jobs.table
    table = table.set_column(table.column_names.index("runtime_s"), "runtime_s", run.table.column("run_s"))
    wait_s = run.table.column("wait_s").filter(ended).to_numpy().astype(np.float64)
    kept = replace(run.jobs, table=table.filter(ended), processors=run.machine.processors)
    completed = pc.equal(run.table.column("state").cast(pa.string()), "completed").filter(ended)
    losses = write_swf(kept, path, wait_s, np.asarray(completed).astype(np.int64))
    left_out = len(run.jobs) - len(kept)
    return losses | ({"jobs that did not run to an end, left out": left_out} if left_out else {})


def _write_folder(run: Run, path: Path, summary: dict[str, Any], asked: dict[str, Any]) -> None:
    with writing_folder(path) as folder:
        pq.write_table(run.table, folder / "jobs.parquet", compression="zstd")
        pq.write_table(segments_table(run.table), folder / "segments.parquet", compression="zstd")
        pq.write_table(
            placements_table(run.table, run.packed), folder / "placements.parquet", compression="zstd"
        )
        write_table(run.jobs, folder / "workload.parquet")
        write_machine(run.machine, folder / "machine.toml")
        (folder / "profile.toml").write_text(profile_to_toml(run.profile))
        (folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
        manifest = {"schema": "timonier/run/1", "timonier": timonier.__version__, **asked}
        if run.until_s is not None:
            manifest["until"] = run.until_s
        manifest["files"] = {
            file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())
        }
        (folder / "manifest.toml").write_text(format_toml(manifest))
