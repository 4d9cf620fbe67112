"""Profiles as TOML text: every knob that differs from its default."""

from __future__ import annotations

from typing import Any

from timonier.kit.toml import format_toml
from timonier.policy.profile import Backfill, Cycle, Estimate, Limits, Order, Profile, Queue
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
        "backfill": _changed(profile.backfill, Backfill()),
    }
    return format_toml(content | {name: table for name, table in sections.items() if table})


def _queue(queue: Queue) -> dict[str, Any]:
    table: dict[str, Any] = {"name": queue.name}
    if queue.priority:
        table["priority"] = queue.priority
    limits = _changed(queue.limits, Limits())
    return table | ({"limits": limits} if limits else {})


def _changed(record: Any, plain: Any) -> dict[str, Any]:
    """The fields that differ from the plain record, under the names they have in files."""
    values = {name: getattr(record, name) for name in plain.__dataclass_fields__}
    changed = {name: value for name, value in values.items() if value != getattr(plain, name)}
    return {name.removesuffix("_s"): list(v) if isinstance(v, tuple) else v for name, v in changed.items()}
