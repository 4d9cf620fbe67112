"""results/: what a comparison leaves behind, and what it goes on from when it is repeated (CONTRACT 5).

manifest.toml first, then a file a finished run, written whole or not at all; tables and page at the end.
Nothing in here knows the clock or the number of workers: the same inputs give the same bytes.
"""

from __future__ import annotations

import fcntl
import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from timonier.compare.experiment import Cell
from timonier.kit.errors import InputError
from timonier.kit.files import make_folder, read_bytes, reading, write_text, writing
from timonier.kit.toml import format_toml

MANIFEST = "manifest.toml"
_SHOWN = {"command", "objectives"}  # what is shown of the runs, not what they are


class ResultsFolder:
    """The store of one comparison: `find` and `keep` cells, `write` what is made of them."""

    def __init__(self, path: Path, keep_all: bool = False) -> None:
        self.path = path
        self._keep_all = keep_all

    def find(self, profile: str, repeat: int) -> Cell | None:
        """A finished run with its schedule where one is kept, or None: what is damaged is computed again."""
        file = self._run(profile, repeat)
        if not file.exists():
            return None
        try:
            cell = Cell.of(json.loads(read_bytes(file)))
            if self._keeps(repeat):
                pq.read_metadata(self._schedule(profile, repeat))
        except (ValueError, TypeError, KeyError, OSError, pa.ArrowException):
            return None
        return cell

    def keep(self, profile: str, repeat: int, cell: Cell, table: pa.Table) -> None:
        """Keep a finished run: its schedule where it is wanted, and then its scores, which say that it is done."""
        if self._keeps(repeat):
            with writing(self._schedule(profile, repeat)) as file:
                pq.write_table(table, file, compression="zstd")
        write_text(self._run(profile, repeat), json.dumps(asdict(cell)) + "\n")

    def _keeps(self, repeat: int) -> bool:
        return repeat == 0 or self._keep_all

    def schedule(self, profile: str, repeat: int = 0) -> pa.Table:
        """The run table of a finished run that was kept."""
        path = self._schedule(profile, repeat)
        with reading(path):
            return pq.read_table(path)

    def write(self, texts: Mapping[str, str]) -> None:
        """Write the files made at the end: name -> content."""
        for name, text in texts.items():
            write_text(self.path / name, text)

    def _run(self, profile: str, repeat: int) -> Path:
        return self.path / "runs" / f"{_file_name(profile)}.{repeat}.json"

    def _schedule(self, profile: str, repeat: int) -> Path:
        return self.path / "schedules" / f"{_file_name(profile)}.{repeat}.parquet"


@contextmanager
def opened(path: Path, manifest: Mapping[str, Any], keep_all: bool = False) -> Iterator[ResultsFolder]:
    """The results folder, ours alone until the block ends; made, or gone on with where the manifest is the same.

    Raises InputError for files that are not ours, a folder of another comparison, and one in use.
    """
    text = format_toml(dict(manifest))
    if path.exists() and not path.is_dir():
        raise InputError("this is a file, not a folder", where=str(path), fix="name another folder")
    if not path.parent.exists():
        raise InputError("no such folder", where=str(path.parent), fix=f"mkdir -p {path.parent}")
    make_folder(path)
    handle = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            fix = "wait for it, or name another folder"
            raise InputError("another compare writes into this folder", where=str(path), fix=fix) from error
        _claim(path, text)
        _sweep(path)
        for inner in ("runs", "schedules", "figures"):
            make_folder(path / inner)
        yield ResultsFolder(path, keep_all)
    finally:
        os.close(handle)


def _claim(path: Path, text: str) -> None:
    """Write the manifest into a new folder; compare it with that of a known one."""
    there = path / MANIFEST
    if not there.exists():
        if any(not file.name.endswith(".part") for file in path.iterdir()):
            raise InputError(
                "the folder holds files that timonier did not write (it has no manifest.toml)",
                where=str(path),
                fix="name a new folder",
            )
        write_text(there, text)
        return
    try:
        known = tomllib.loads(read_bytes(there).decode())
    except ValueError as error:
        raise InputError("not a manifest", where=str(there), fix="name a new folder") from error
    asked = tomllib.loads(text)
    deciding = (known.keys() | asked.keys()) - _SHOWN
    differing = sorted(key for key in deciding if known.get(key) != asked.get(key))
    if differing:
        raise InputError(
            f"the folder holds results of another comparison: {', '.join(differing)} differ",
            where=str(path),
            fix="name a new folder, or repeat the command that made it",
        )
    if known != asked:
        write_text(there, text)


def _sweep(path: Path) -> None:
    """Remove what a kill left half-written; nobody else writes here now."""
    for part in path.rglob(".*.part"):
        part.unlink()


def _file_name(profile: str) -> str:
    return quote(profile, safe="#")
