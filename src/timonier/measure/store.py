"""The store of measurements: a folder with three Parquet tables and a manifest, written whole or not at all.

measurements.parquet has one row a figure, samples.parquet one row a repeat, checks.parquet one row a check.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import timonier
from timonier.kit.errors import InputError
from timonier.kit.files import reading, writing_folder
from timonier.kit.toml import read_toml, write_toml
from timonier.measure.measurement import Check, Measurement, Sample

SCHEMA = "timonier/measurements/1"
_TEXT = (
    "name",
    "benchmark",
    "label",
    "unit",
    "state",
    "statistic",
    "stopped",
    "reason",
    "note",
    "peak_reason",
    "node",
)
_NUMBERS = ("value", "low", "high", "peak", "share")


def _schema(**columns: str) -> pa.Schema:
    """Names of columns by kind: text, number, count, claim."""
    kinds = {"text": pa.string(), "number": pa.float64(), "count": pa.int64(), "claim": pa.bool_()}
    return pa.schema(
        [pa.field(name, kinds[kind]) for kind, names in columns.items() for name in names.split()]
    )


_FIGURES = _schema(
    count="measurement repeats",
    text=" ".join((*_TEXT, "conditions_reason", "settings", "versions")),
    number=" ".join((*_NUMBERS, "foreign_cores", "steal")),
    claim="is_clean",
)
_SAMPLES = _schema(count="measurement repeat", number="value at_s wall_s foreign_cores steal")
_CHECKS = _schema(count="measurement", text="name must what", number="value limit", claim="passed")
_TABLES = {"measurements.parquet": _FIGURES, "samples.parquet": _SAMPLES, "checks.parquet": _CHECKS}


def is_store(path: str | Path) -> bool:
    """Is there a store already?"""
    return (Path(path) / "manifest.toml").is_file() and (Path(path) / "measurements.parquet").is_file()


def write_store(
    path: str | Path, found: Sequence[Measurement], also: Mapping[str, str] | None = None
) -> None:
    """Write all these figures as the folder `path`.  also: file name -> text of further files."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in _TABLES}
    for number, one in enumerate(found):
        _add(rows, number, one)
    with writing_folder(path) as folder:
        for name, schema in _TABLES.items():
            pq.write_table(pa.Table.from_pylist(rows[name], schema=schema), folder / name)
        for name, text in (also or {}).items():
            (folder / name).write_text(text, encoding="utf-8")
        benchmarks = sorted({one.benchmark for one in found})
        nodes = sorted({one.node for one in found})
        write_toml(
            folder / "manifest.toml",
            {"schema": SCHEMA, "timonier": timonier.__version__, "nodes": nodes, "benchmarks": benchmarks},
        )


def read_store(path: str | Path) -> list[Measurement]:
    """All figures of a store.  Raises InputError where there is none, or of another schema."""
    folder = Path(path)
    if not is_store(folder):
        raise InputError(
            "this is not a folder of measurements", where=str(path), fix="timonier measure stream -o DIR"
        )
    found = read_toml(folder / "manifest.toml").get("schema")
    if found != SCHEMA:
        raise InputError(f"its schema is {found!r}, not {SCHEMA!r}", where=str(path), fix="measure again")
    tables = {}
    for name in _TABLES:
        with reading(folder / name):
            tables[name] = _read(folder / name)
    samples, checks = _grouped(tables["samples.parquet"]), _grouped(tables["checks.parquet"])
    return [
        _measurement(row, samples.get(row["measurement"], []), checks.get(row["measurement"], []))
        for row in tables["measurements.parquet"]
    ]


def figures_of(out: Path) -> list[Measurement]:
    """What the store `out` holds; none where it is still to be made.

    Raises InputError for a folder of something else, such as the results of `compare`: it would be replaced.
    """
    if is_store(out):
        return read_store(out)
    if out.is_dir() and not any(out.iterdir()):
        return []
    if out.exists():
        what = "holds no measurements" if out.is_dir() else "is a file"
        raise InputError(f"this {what}", where=str(out), fix="name a new folder with -o")
    return []


def merged(old: Sequence[Measurement], new: Sequence[Measurement]) -> list[Measurement]:
    """Both; of the same figure of the same node under the same settings the newer stays."""
    fresh = {_identity(one) for one in new}
    return [one for one in old if _identity(one) not in fresh] + list(new)


def _identity(one: Measurement) -> tuple[str, ...]:
    return one.node, one.name, one.label, json.dumps(dict(one.settings), sort_keys=True)


def _add(rows: dict[str, list[dict[str, Any]]], number: int, one: Measurement) -> None:
    row: dict[str, Any] = {"measurement": number}
    for name in (*_TEXT, *_NUMBERS, "repeats", "foreign_cores", "steal", "is_clean", "conditions_reason"):
        row[name] = getattr(one, name)
    row["settings"] = json.dumps(dict(one.settings))
    row["versions"] = json.dumps(dict(one.versions))
    rows["measurements.parquet"].append(row)
    for repeat, sample in enumerate(one.samples):
        fields = {name: getattr(sample, name) for name in Sample.__slots__}
        rows["samples.parquet"].append({"measurement": number, "repeat": repeat, **fields})
    for check in one.checks:
        fields = {name: getattr(check, name) for name in Check.__slots__}
        rows["checks.parquet"].append({"measurement": number, **fields})


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    except pa.ArrowInvalid as error:
        raise InputError("this is not a Parquet file", where=str(path), fix="measure again") from error
    return rows


def _grouped(rows: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["measurement"], []).append(row)
    return found


def _measurement(
    row: dict[str, Any], samples: list[dict[str, Any]], checks: list[dict[str, Any]]
) -> Measurement:
    return Measurement(
        **{name: row[name] for name in (*_TEXT, *_NUMBERS)},
        settings=json.loads(row["settings"]),
        versions=json.loads(row["versions"]),
        samples=tuple(Sample(**{name: one[name] for name in Sample.__slots__}) for one in samples),
        checks=tuple(Check(**{name: one[name] for name in Check.__slots__}) for one in checks),
    )
