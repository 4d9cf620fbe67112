"""How jobs may share one GPU, and what each way keeps apart, from `sharing.csv`."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ISOLATES = ("memory", "faults", "compute", "bandwidth")


@dataclass(frozen=True, slots=True)
class Isolation:
    """Is one thing of a job kept apart from its neighbours on the GPU?  degree: "yes", "partly" or "no"."""

    degree: str
    how: str


@dataclass(frozen=True, slots=True)
class Sharing:
    """One word of `sharing` in a machine file.

    request: what a job asks for to use it.  isolates: by the names in `ISOLATES`.
    software: what offers it in practice.
    """

    mode: str
    meaning: str
    request: str
    isolates: dict[str, Isolation]
    software: tuple[str, ...]
    source: tuple[str, ...]


@cache
def sharing_modes() -> dict[str, Sharing]:
    """Every way of sharing, by its word in machine files."""
    rows = csv.DictReader(Path(__file__).with_name("sharing.csv").read_text("utf-8").splitlines())
    return {
        row["mode"]: Sharing(
            mode=row["mode"],
            meaning=row["meaning"],
            request=row["request"],
            isolates={name: _isolation(row[name]) for name in ISOLATES},
            software=tuple(row["software"].split("; ")),
            source=tuple(row["source"].split("; ")),
        )
        for row in rows
    }


def _isolation(cell: str) -> Isolation:
    degree, _, how = cell.partition(": ")
    return Isolation(degree, how)
