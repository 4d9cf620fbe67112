"""Profiles as TOML text: every knob that differs from its default."""

from __future__ import annotations

from typing import Any

from timonier.kit.toml import format_toml
from timonier.policy.profile import (
    Backfill,
    Cycle,
    Device,
    Estimate,
    Limits,
    Order,
    Place,
    Profile,
    Queue,
    Score,
)
from timonier.policy.read import SCHEMA


def profile_to_toml(profile: Profile) -> str:
    """The profile as a file that reads back to the same record."""
    content: dict[str, Any] = {"schema": SCHEMA, "name": profile.name}
    if profile.source:
        content["source"] = profile.source
    sections = {
        "cycle": _changed(profile.cycle, Cycle()),
        "order": _changed(profile.order, Order()),
        "estimate": _changed(profile.estimate, Estimate()),
        "queue": [_queue(queue) for queue in profile.queues],
        "place": _place(profile.place),
        "backfill": _changed(profile.backfill, Backfill()),
    }
    return format_toml(content | {name: table for name, table in sections.items() if table})


def _queue(queue: Queue) -> dict[str, Any]:
    table: dict[str, Any] = {"name": queue.name}
    if queue.priority:
        table["priority"] = queue.priority
    limits = _changed(queue.limits, Limits())
    return table | ({"limits": limits} if limits else {})


def _place(place: Place) -> dict[str, Any]:
    table = _changed(place, Place())
    if place.score:
        table["score"] = [_score(score) for score in place.score]
    device = _changed(place.device, Device())
    return {name: value for name, value in table.items() if name != "device"} | (
        {"device": device} if device else {}
    )


def _score(score: Score) -> dict[str, Any]:
    changed = _changed(score, Score(""))
    table = {"rule": changed.pop("rule")} | changed
    if score.resources:
        table["resources"] = dict(score.resources)
    if score.shape:
        table["shape"] = [list(point) for point in score.shape]
    if "missing_memory_bytes" in table:
        table["missing_memory"] = table.pop("missing_memory_bytes")
    return table


def _changed(record: Any, plain: Any) -> dict[str, Any]:
    """The fields that differ from the plain record, under the names they have in files."""
    values = {name: getattr(record, name) for name in plain.__dataclass_fields__}
    changed = {name: value for name, value in values.items() if value != getattr(plain, name)}
    return {name.removesuffix("_s"): list(v) if isinstance(v, tuple) else v for name, v in changed.items()}
