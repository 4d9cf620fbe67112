"""What a Parquet job table says beside its rows: one JSON object in the schema metadata, key "timonier"."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from timonier.kit.errors import InputError, nearest
from timonier.workload.jobs import Jobs, StateHeader

KEY = b"timonier"
JOBS = "timonier/jobs/1"
STATE = "timonier/state/1"
_KEYS = {"schema", "epoch", "processors", "now_s", "settled", "usage", "engine"}


@dataclass(frozen=True, slots=True)
class Metadata:
    """The parsed object; everything empty for a table that was not written by timonier."""

    epoch: str | None = None
    processors: int | None = None
    state: StateHeader | None = None


def render_metadata(jobs: Jobs) -> bytes:
    """The object as JSON; what is unknown is left out."""
    said: dict[str, Any] = {"schema": STATE if jobs.state else JOBS, "epoch": jobs.epoch}
    said["processors"] = jobs.processors
    if jobs.state:
        said |= {"now_s": jobs.state.now_s, "settled": jobs.state.settled}
        said |= {"usage": list(jobs.state.usage), "engine": jobs.state.engine}
    return json.dumps({key: value for key, value in said.items() if value is not None}).encode()


def parse_metadata(schema: pa.Schema, where: str) -> Metadata:
    """Read the object of a schema; a broken or unknown one is an InputError."""
    raw = (schema.metadata or {}).get(KEY)
    if raw is None:
        return Metadata()
    where = f"{where}, metadata 'timonier'"
    said = _json_object(raw, where)
    kind = said.get("schema")
    if kind not in (JOBS, STATE):
        raise InputError(f"the schema is {kind!r}", where=where, fix=f"this version reads {JOBS} and {STATE}")
    for key in said.keys() - _KEYS:
        raise InputError(f"unknown key {key!r}", where=where, fix=nearest(key, _KEYS))
    state = _state(said, where) if kind == STATE else None
    return Metadata(_epoch(said.get("epoch"), where), _processors(said.get("processors"), where), state)


def _json_object(raw: bytes, where: str) -> dict[str, Any]:
    try:
        said = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InputError("the metadata is not JSON", where=where, fix="write the file again") from error
    if not isinstance(said, dict):
        raise InputError("the metadata is not a JSON object", where=where, fix="write the file again")
    return said


def _state(said: dict[str, Any], where: str) -> StateHeader:
    now = said.get("now_s")
    if isinstance(now, bool) or not isinstance(now, (int, float)) or not math.isfinite(now):
        raise InputError(
            f"now_s must be a number, not {now!r}", where=where, fix="write the instant of the state"
        )
    usage, engine = said.get("usage", []), said.get("engine", {})
    fits = (
        isinstance(usage, list) and all(isinstance(row, dict) for row in usage) and isinstance(engine, dict)
    )
    settled = said.get("settled", False)
    if not fits or not isinstance(settled, bool):
        raise InputError("usage, engine or settled is malformed", where=where, fix="write the state again")
    return StateHeader(now, settled, tuple(usage), engine)


def _epoch(value: Any, where: str) -> str | None:
    if value is None:
        return None
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"epoch is {value!r}", where=where, fix="write ISO 8601, UTC") from error
    return str(value)


def _processors(value: Any, where: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"processors is {value!r}", where=where, fix="write a whole number of at least 1")
    return value
