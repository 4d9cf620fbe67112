"""The MIG geometry of each device type, from `mig.csv`: what its GPU can be cut into, and where.

A slice takes `memory_slices` memory slices from a legal start on; two slices may not share one.
The starts of a device leave no layout with more compute slices than it has, so that memory slices alone decide.
Profiles with media engines (`+me`) are left out: only one slice of a GPU can have them.
Source: NVIDIA Multi-Instance GPU user guide, chapter Supported MIG profiles, and `nvidia-smi mig -lgipp`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class MigProfile:
    """One kind of slice.

    starts: the memory slices at which it may begin.  memory_bytes: what a program in it sees.
    """

    name: str
    memory_slices: int
    compute_slices: int
    starts: tuple[int, ...]
    memory_bytes: int
    source: str

    def mask(self, start: int) -> int:
        """The memory slices that it takes from `start` on, as bits."""
        return ((1 << self.memory_slices) - 1) << start


@dataclass(frozen=True, slots=True)
class MigGeometry:
    """A device type that can be cut: its profiles by name, in the order of the table."""

    device: str
    profiles: dict[str, MigProfile]

    @property
    def memory_slices(self) -> int:
        """Memory slices of the whole GPU."""
        return max(profile.memory_slices for profile in self.profiles.values())

    @property
    def compute_slices(self) -> int:
        """Compute slices of the whole GPU."""
        return max(profile.compute_slices for profile in self.profiles.values())

    def fit(self, names: Sequence[str]) -> tuple[int, ...] | None:
        """Legal starts for these slices on one GPU, in their order; None where no layout holds them all."""
        return next(self._placed(tuple(names), 0), None)

    def _placed(self, names: tuple[str, ...], taken: int) -> Iterator[tuple[int, ...]]:
        if not names:
            yield ()
            return
        profile = self.profiles[names[0]]
        for start in profile.starts:
            if not taken & profile.mask(start):
                for rest in self._placed(names[1:], taken | profile.mask(start)):
                    yield (start, *rest)


@cache
def mig_geometries() -> dict[str, MigGeometry]:
    """Every device type that can be cut, by its name in machine files (lower case)."""
    profiles: dict[str, dict[str, MigProfile]] = {}
    for row in csv.DictReader(Path(__file__).with_name("mig.csv").read_text("utf-8").splitlines()):
        profiles.setdefault(row["device"], {})[row["profile"]] = MigProfile(
            name=row["profile"],
            memory_slices=int(row["memory_slices"]),
            compute_slices=int(row["compute_slices"]),
            starts=tuple(int(start) for start in row["starts"].split("|")),
            memory_bytes=int(row["memory_bytes"]),
            source=row["source"],
        )
    return {device: MigGeometry(device, of_device) for device, of_device in profiles.items()}


def mig_geometry(device: str) -> MigGeometry | None:
    """The geometry of a device type, compared without case; None where it cannot be cut."""
    return mig_geometries().get(device.lower())
