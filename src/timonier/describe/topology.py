"""What is inside a node, as records: packages and chiplets, memory, devices, and the links between them.

Each record stands for the same part of every node in `nodes`.  None and "": not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Chiplet:
    """Cores that share a last-level cache (AMD: CCX), a die, or the nearest memory; `count` equal ones beside each other.

    numa: the number of the memory domain nearest to it.
    """

    count: int = 1
    cores: int | None = None
    threads: int | None = None
    l3_bytes: int | None = None
    numa: int | None = None


@dataclass(frozen=True, slots=True)
class Cache:
    """All caches of one level and size in a package.  name: "L1d", "L1i", "L2", "L3"."""

    name: str
    size_bytes: int | None = None
    count: int = 1


@dataclass(frozen=True, slots=True)
class Package:
    """A processor as it stands in its socket.

    kind: "package", or "domain": cores of which the source does not tell the package.
    core_kinds: where not all cores are equal, how many there are of each.
    """

    nodes: tuple[str, ...]
    name: str
    kind: str = "package"
    model: str = ""
    cores: int | None = None
    threads: int | None = None
    dies: int | None = None
    chiplets: tuple[Chiplet, ...] = ()
    caches: tuple[Cache, ...] = ()
    core_kinds: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Memory:
    """A memory domain (NUMA node).  kind: "DRAM", "HBM", "CXL", ...  cache_bytes: of a cache before it.

    beside: the domain with which it shares its processors (HBM beside DRAM).
    """

    nodes: tuple[str, ...]
    name: str
    package: str = ""
    kind: str = ""
    size_bytes: int | None = None
    bytes_per_s: int | None = None
    cache_bytes: int | None = None
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Device:
    """A GPU, a network card, a disk, a switch, CXL memory.

    type: a row of the device catalogue.  model: as its maker or the system calls it.  system: its names there (eth0).
    parent: the switch or package that it hangs on.  lanes, bytes_per_s: of its PCIe slot, one direction.
    network_bytes_per_s: of a card's port.  mig: "on", "off" or "" where it is not known or cannot be.
    """

    nodes: tuple[str, ...]
    name: str
    kind: str
    type: str = ""
    model: str = ""
    system: str = ""
    pci: str = ""
    parent: str = ""
    numa: int | None = None
    lanes: int | None = None
    bytes_per_s: int | None = None
    memory_bytes: int | None = None
    network_bytes_per_s: int | None = None
    mig: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A connection of two parts, both directions alike.

    kind: "nvlink", "xgmi", ... or "pcie" where only the way through PCIe is known; path: PIX PXB PHB NODE SYS.
    count: links side by side; bytes_per_s: of all of them, one direction.
    """

    nodes: tuple[str, ...]
    ends: tuple[str, str]
    kind: str
    count: int | None = None
    bytes_per_s: int | None = None
    path: str = ""


@dataclass(frozen=True, slots=True)
class Topology:
    """The inside of a machine's nodes.  unknown: what could not be read, and why."""

    packages: tuple[Package, ...] = ()
    memories: tuple[Memory, ...] = ()
    devices: tuple[Device, ...] = ()
    links: tuple[Link, ...] = ()
    unknown: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Is nothing told?"""
        return not (self.packages or self.memories or self.devices or self.links or self.unknown)

    def devices_of(self, kind: str) -> tuple[Device, ...]:
        """The devices of one kind, in their order."""
        return tuple(device for device in self.devices if device.kind == kind)
