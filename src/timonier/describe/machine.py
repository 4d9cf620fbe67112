"""The machine record: what an admin owns, as read from a machine file (CONTRACT: machine)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Partition:
    """A part of the machine: a cap on processors in use (counted) or a list of nodes."""

    name: str
    processors: int | None = None
    nodes: tuple[str, ...] = ()
    default: bool = False
    max_time_s: int | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """A counted machine has `processors`; any other has `nodes`."""

    name: str
    processors: int | None = None
    nodes: tuple[Node, ...] = ()
    partitions: tuple[Partition, ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """One node."""

    name: str
    cores: int = 1
    features: tuple[str, ...] = field(default=())
