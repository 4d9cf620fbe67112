"""The knobs of a profile, as data: `knobs.csv` drives checking, messages and the docs page."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from timonier.kit.keys import Key, read_keys


@cache
def known_knobs() -> dict[str, dict[str, Key]]:
    """Every knob by section and name, in the order in which a pass uses the sections."""
    return read_keys(Path(__file__).with_name("knobs.csv").read_text("utf-8"))
