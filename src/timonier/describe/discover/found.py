"""What one source told of one node, and the machine that it makes."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from timonier.describe.catalogue import known_types, recognise_cpu, recognise_gpu
from timonier.describe.machine import Gpus, Machine, Nodes
from timonier.describe.topology import Device, Link, Topology

UNNAMED_GPU = "unknown"


@dataclass(frozen=True, slots=True)
class Found:
    """One node.  cores, memory_bytes: what jobs may use; None: as the topology says.

    product: what its maker calls it; kernel: of its operating system.
    slices: the MIG profiles of each GPU that is cut, by its PCI address.
    """

    name: str
    topology: Topology
    cores: float | None = None
    memory_bytes: int | None = None
    product: str = ""
    kernel: str = ""
    unknown: dict[str, str] = field(default_factory=dict)
    slices: dict[str, tuple[str, ...]] = field(default_factory=dict)


def node_name(text: str, fallback: str = "node") -> str:
    """A name that a hostlist can hold.

    >>> node_name("my host[1].example")
    'my-host-1-.example'
    """
    return re.sub(r"[\s,\[\]]+", "-", text.strip())[:200] or fallback


def word_of(model: str) -> str:
    """A type for a GPU that the catalogue does not have.

    >>> word_of("Tesla K40m"), word_of("AMD Radeon R9 200 / HD 7900 Series")
    ('tesla-k40m', 'amd-radeon-r9-200-hd-7900-series')
    """
    return re.sub(r"[^a-z0-9.+]+", "-", model.lower()).strip("-")[:60]


def machine_of(found: Found) -> Machine:
    """A machine of one node; what a job may ask of it follows from its inside."""
    topology = _recognised(found.topology)
    unknown = dict(topology.unknown) | found.unknown
    cores = found.cores
    if cores is None:
        cores, reason = _cores(topology)
        if reason:
            unknown.setdefault("cores", reason)
    memory = found.memory_bytes
    if memory is None:
        sizes = [one.size_bytes for one in topology.memories if one.size_bytes]
        memory = sum(sizes)
        if not memory:
            unknown.setdefault("memory", "the source does not say how large it is")
    if any(not gpu.type for gpu in topology.devices_of("gpu")):
        unknown.setdefault("types of GPUs", "the source gives no name or number that the catalogue has")
    gpus = Counter(
        Gpus(gpu.type or word_of(gpu.model) or UNNAMED_GPU, **_sharing(gpu, found.slices))
        for gpu in topology.devices_of("gpu")
    )
    node = Nodes(
        (found.name,),
        core_thousandths=round(1000 * cores),
        memory_bytes=memory,
        gpus=tuple(replace(kind, count=count) for kind, count in gpus.items()),
        cpu=_cpu(topology, unknown),
        product=found.product,
        kernel=found.kernel,
    )
    inside = Topology(topology.packages, topology.memories, topology.devices, topology.links, unknown)
    return Machine(found.name, nodes=(node,), topology=inside)


def _sharing(gpu: Device, slices: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """A GPU in MIG mode is cut as it is now; one that is not cut yet, as jobs come."""
    return {"sharing": "mig", "layout": slices.get(gpu.pci) or None} if gpu.mig == "on" else {}


def _recognised(topology: Topology) -> Topology:
    """Types of GPUs by the catalogue, and how fast their links are where only their number is told."""
    devices = tuple(
        replace(device, type=recognise_gpu(device.model) or device.type) if device.kind == "gpu" else device
        for device in topology.devices
    )
    types = {device.name: device.type for device in devices}
    links = tuple(_with_speed(link, types) for link in topology.links)
    unknown = dict(topology.unknown)
    if links != topology.links:
        unknown["speed of the links"] = "the source only counts them; each is as fast as the catalogue says"
    return replace(topology, devices=devices, links=links, unknown=unknown)


def _with_speed(link: Link, types: dict[str, str]) -> Link:
    known = [known_types()[types[end]] for end in link.ends if types.get(end)]
    speeds = {one.link_bytes_per_s for one in known if one.link_kind == link.kind}
    speed = speeds.pop() if len(speeds) == 1 else None
    if link.bytes_per_s is not None or link.count is None or speed is None:
        return link
    return replace(link, bytes_per_s=round(speed * link.count))


def _cpu(topology: Topology, unknown: dict[str, str]) -> str:
    """The catalogue's name of the processors, if all are of one type that it has."""
    models = {package.model for package in topology.packages if package.kind == "package"}
    names = {recognise_cpu(model) for model in models}
    name = names.pop() if len(names) == 1 else ""
    if models and not name:
        shown = ", ".join(sorted(models)) or "without a name"
        unknown["type of the processors"] = f"the catalogue has none of that name: {shown[:80]}"
    return name


def _cores(topology: Topology) -> tuple[float, str]:
    """Cores of all packages; hardware threads where nobody tells the cores, with that as the reason."""
    cores = [package.cores for package in topology.packages]
    if cores and None not in cores:
        return sum(count for count in cores if count), ""
    threads = sum(package.threads or 0 for package in topology.packages)
    if threads:
        return threads, "the source names hardware threads only; they are taken as cores"
    return 0, "the source names no processors"
