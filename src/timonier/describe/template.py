"""A machine file with comments that an admin fills in ten minutes."""

from __future__ import annotations

from pathlib import Path


def machine_template() -> str:
    """The text of `template.toml`; it reads as a machine."""
    return Path(__file__).with_name("template.toml").read_text("utf-8")
