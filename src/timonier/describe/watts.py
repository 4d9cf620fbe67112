"""The power that counts: as the machine file says, else as the device catalogue does; None: not known."""

from __future__ import annotations

from dataclasses import dataclass

from timonier.describe.devices import Device, device
from timonier.describe.machine import Gpus, Nodes


@dataclass(frozen=True, slots=True)
class Watts:
    """Power without work and under full load, W, and where each is from: "file", "catalogue", "" (not known)."""

    idle_w: float | None
    busy_w: float | None
    idle_from: str
    busy_from: str

    @property
    def pair(self) -> tuple[float, float] | None:
        """Both, None where one is not known."""
        return None if self.idle_w is None or self.busy_w is None else (self.idle_w, self.busy_w)

    @property
    def is_contradiction(self) -> bool:
        """More power without work than under full load?"""
        return self.pair is not None and self.pair[0] > self.pair[1]


def watts_of_node(group: Nodes) -> Watts:
    """One node without its GPUs; by the catalogue, its sockets."""
    return _watts((group.idle_w, group.busy_w), device(group.cpu) if group.cpu else None, sockets_of(group))


def watts_of_gpu(gpus: Gpus) -> Watts:
    """One GPU."""
    return _watts((gpus.idle_w, gpus.busy_w), device(gpus.type), 1)


def sockets_of(group: Nodes) -> int | None:
    """Cores of the node over cores of one socket, rounded up; None where the catalogue does not have its processor."""
    known = device(group.cpu) if group.cpu else None
    return None if known is None or not known.cores else -(-group.core_thousandths // (1000 * known.cores))


def _watts(said: tuple[float | None, float | None], known: Device | None, count: int | None) -> Watts:
    of_one = (None, None) if known is None else (known.idle_w, known.busy_w)
    values: list[float | None] = []
    sources: list[str] = []
    for given, one in zip(said, of_one, strict=True):
        value = None if one is None or count is None else count * one
        values.append(value if given is None else given)
        sources.append("file" if given is not None else "" if value is None else "catalogue")
    return Watts(values[0], values[1], sources[0], sources[1])
