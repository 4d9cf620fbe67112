"""What a benchmark says while it runs: one JSON object a line, so that whatever was said before a crash is kept.

| event | fields |
|---|---|
| begin | benchmark, label, settings, versions, node, processor |
| device | name: what the GPU calls itself |
| progress | done, total: seconds of the budget or steps; what |
| sample | values: metric -> value; at_s, wall_s, foreign_cores, steal |
| single | metric, value: a figure without repeats (compile time, set-up) |
| check | name, value, limit, must, passed, what |
| note, skip | metric (a prefix; empty: all), text |
| stop | why: interval, budget, planned |
| fail | what, fix, code |
| end | |
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from timonier.measure.measurement import Check

_MUST = {
    "below": lambda value, limit: value < limit,
    "at most": lambda value, limit: value <= limit,
    "equal": lambda value, limit: value == limit,
    "at least": lambda value, limit: value >= limit,
}


def check(name: str, value: float, must: str, limit: float, what: str = "") -> Check:
    """A check and its outcome; nan never passes.

    >>> check("residual", 0.004, "below", 16.0).passed, check("wrong", 1, "equal", 0).passed
    (True, False)
    """
    return Check(name, float(value), float(limit), must, bool(_MUST[must](value, limit)), what)


class Report:
    """Where a benchmark puts its events; ranks other than 0 say nothing (path None)."""

    def __init__(self, path: Path | None) -> None:
        self._file: IO[str] | None = path.open("a", encoding="utf-8") if path else None
        self._began = time.monotonic()
        self.is_valid = True

    @property
    def at_s(self) -> float:
        """Seconds since the task began."""
        return time.monotonic() - self._began

    def say(self, event: str, **fields: Any) -> None:
        """One line, on its way at once."""
        if self._file is not None:
            self._file.write(json.dumps({"event": event, **_plain(fields)}) + "\n")
            self._file.flush()

    def close(self) -> None:
        """Nothing more will be said."""
        if self._file is not None:
            self._file.close()

    def progress(self, done: float, total: float, what: str = "") -> None:
        """How far it is."""
        self.say("progress", done=done, total=total, what=what)

    def single(self, metric: str, value: float) -> None:
        """A figure that is measured once."""
        self.say("single", metric=metric, value=value, at_s=self.at_s)

    def sample(self, values: Mapping[str, float], meter: tuple[float, float | None, float | None]) -> None:
        """One repeat: its values, and what Meter.read gave."""
        wall, foreign, steal = meter
        self.say(
            "sample", values=dict(values), at_s=self.at_s, wall_s=wall, foreign_cores=foreign, steal=steal
        )

    def check(self, one: Check) -> Check:
        """The outcome of a check; one that fails makes all figures of this task invalid."""
        self.is_valid &= one.passed
        self.say(
            "check",
            **{key: getattr(one, key) for key in ("name", "value", "limit", "must", "passed", "what")},
        )
        return one

    def note(self, text: str, metric: str = "") -> None:
        """What a reader of the figure has to know."""
        self.say("note", metric=metric, text=text)

    def skip(self, metric: str, why: str) -> None:
        """A figure that cannot be had here."""
        self.say("skip", metric=metric, text=why)


def read_events(path: Path) -> list[dict[str, Any]]:
    """All whole lines of an event file; the last one may be torn by a crash."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    lines = content.split(b"\n")[:-1]
    return [json.loads(line) for line in lines if line.startswith(b"{")]


def _plain(value: Any) -> Any:
    """numpy numbers as Python's; what JSON cannot say as text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
