"""The keys of a machine file, as data: `keys.csv` drives checking, messages and the docs page."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from timonier.kit.keys import Key, read_keys


@cache
def known_keys() -> dict[str, dict[str, Key]]:
    """Every key of a machine file by section and name."""
    return read_keys(Path(__file__).with_name("keys.csv").read_text("utf-8"))
