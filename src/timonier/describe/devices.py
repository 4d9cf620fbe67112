"""What is known of processors and GPUs by their words in machine files, from `devices.csv`.

What a row does not say is None: unknown, never 0.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from timonier.describe.machine import Gpus


@dataclass(frozen=True, slots=True)
class Device:
    """One row of the catalogue.

    kind: "gpu" or "cpu".  memory_bytes: of a GPU.  cores: of one CPU socket.
    idle_w, busy_w: power without work, and under full load (the board's or socket's rating), W.
    """

    word: str
    kind: str
    name: str
    memory_bytes: int | None
    cores: int | None
    idle_w: float | None
    busy_w: float | None
    source: str


@cache
def known_devices() -> dict[str, Device]:
    """The catalogue by word (lower case)."""
    rows = csv.DictReader(Path(__file__).with_name("devices.csv").read_text("utf-8").splitlines())
    return {
        row["device"]: Device(
            word=row["device"],
            kind=row["kind"],
            name=row["name"],
            memory_bytes=int(row["memory_bytes"]) if row["memory_bytes"] else None,
            cores=int(row["cores"]) if row["cores"] else None,
            idle_w=float(row["idle_w"]) if row["idle_w"] else None,
            busy_w=float(row["busy_w"]) if row["busy_w"] else None,
            source=row["source"],
        )
        for row in rows
    }


def device(word: str) -> Device | None:
    """A device by its word, compared without case; None where the catalogue does not have it."""
    return known_devices().get(word.lower())


def memory_of(gpus: Gpus) -> int | None:
    """Memory of such a GPU in bytes: as the machine file says, as its type's name ends (-40gb), or the catalogue.

    >>> memory_of(Gpus("a100-40gb")), memory_of(Gpus("g2"))
    (42949672960, None)
    """
    if gpus.memory_bytes is not None:
        return gpus.memory_bytes
    match = re.search(r"-(\d+)gb$", gpus.type.lower())
    if match:
        return int(match.group(1)) << 30
    known = device(gpus.type)
    return None if known is None else known.memory_bytes
