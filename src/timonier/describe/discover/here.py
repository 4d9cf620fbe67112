"""The machine that we run on: hwloc where it is installed, else /sys; NVML, memory, control groups, network."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from timonier.describe.discover.found import Found, node_name
from timonier.describe.discover.hwloc import parse_hwloc
from timonier.describe.discover.limits import Limits, read_limits
from timonier.describe.discover.nvml import Reading, gpus_of, read_nvml, switched, update
from timonier.describe.discover.pci import plausible_network, renumber
from timonier.describe.discover.sysfs import read_sysfs, slot_of
from timonier.describe.discover.tree import Tree
from timonier.describe.topology import Device, Link, Memory, Topology
from timonier.kit.errors import MachineFailure, TimonierError

INSTALL = "apt-get install hwloc"
_LSTOPO = ("lstopo", "--of", "xml")
_NEAR = 0.05  # the kernel keeps a few percent for itself


@dataclass(frozen=True, slots=True)
class Sources:
    """Whom we ask; the tests put others in their place.

    run: words -> standard output.  It raises TimonierError where there is no such program or it fails.
    """

    run: Callable[[tuple[str, ...]], str]
    tree: Tree = field(default_factory=Tree)
    nvml: Callable[[], tuple[list[Reading], str]] = read_nvml
    host: str = ""


def find_here(sources: Sources | None = None) -> Found:
    """What this machine is; whatever cannot be read is in `unknown`, with the reason."""
    asked = sources or Sources(_run)
    tree, host = asked.tree, node_name(asked.host or platform.node())
    found = _topology(asked, host)
    unknown = dict(found.unknown)
    readings, reason = asked.nvml()
    topology = _with_gpus(found.topology, readings, reason, unknown, (host,))
    topology = replace(topology, devices=tuple(_refined(device, tree) for device in topology.devices))
    total = _memory_total(tree)
    memories, note = _checked_memory(topology.memories, total)
    if note:
        unknown["memory domain"] = note
    _look_around(tree, unknown)
    found = replace(
        found,
        name=host,
        topology=replace(topology, memories=memories),
        kernel=found.kernel or platform.release(),
    )
    slices = {reading.pci: reading.slices for reading in readings if reading.slices}
    return _limited(replace(found, memory_bytes=total, unknown=unknown, slices=slices), read_limits(tree))


def _run(words: tuple[str, ...]) -> str:
    from timonier.kit.command import find, run

    if find(words[0]) is None:
        raise MachineFailure(f"{words[0]} is not installed", fix=INSTALL)
    done = run(words)
    if done.code:
        raise MachineFailure(f"{words[0]} failed: {done.stderr.strip()[:200] or done.code}")
    return done.stdout


def _topology(asked: Sources, host: str) -> Found:
    try:
        return parse_hwloc(asked.run(_LSTOPO), "lstopo", host)
    except TimonierError as error:
        found = read_sysfs(asked.tree, host)
        fix = f" ({error.fix})" if error.fix else ""
        return replace(found, unknown=found.unknown | {"hwloc": f"{error.what}{fix}; /sys was read instead"})


def _with_gpus(
    topology: Topology, readings: list[Reading], reason: str, unknown: dict[str, str], nodes: tuple[str, ...]
) -> Topology:
    """The topology with what NVML knows of its GPUs; those that nobody else saw are added."""
    if not readings:
        unknown["NVIDIA GPUs"] = reason
        return topology
    own, links = gpus_of(readings, nodes)
    by_address = {device.pci: device for device in own}
    devices: list[Device] = []
    names: dict[str, str] = {}  # NVML's -> ours
    gpus = renumber(
        [update(d, by_address.pop(d.pci)) if d.pci in by_address else d for d in topology.devices_of("gpu")]
        + [device for device in own if device.pci in by_address],
        "gpu",
    )
    addresses = {device.pci: device.name for device in gpus}
    names = {device.name: addresses[device.pci] for device in own}
    devices = [device for device in topology.devices if device.kind != "gpu"] + list(gpus)
    links = tuple(replace(link, ends=(names[link.ends[0]], names[link.ends[1]])) for link in links)
    through = switched(readings)
    if through and not topology.links:
        switch = Device(nodes, "nvswitch0", "nvswitch", model="all NVSwitches of the node together")
        if not any(device.kind == "nvswitch" for device in devices):
            devices.append(switch)
        links += tuple(Link(nodes, (names[d.name], "nvswitch0"), "nvlink", through) for d in own)
    for reading in readings:
        for what, why in reading.unknown.items():
            unknown[f"GPU {what}"] = why
    return replace(topology, devices=tuple(devices), links=topology.links or links)


def _refined(device: Device, tree: Tree) -> Device:
    """A device with its slot and its port's speed as the system tells them now."""
    if device.pci and device.lanes is None:
        lanes, speed = slot_of(tree, device.pci)
        device = replace(device, lanes=lanes, bytes_per_s=device.bytes_per_s or speed)
    if device.kind == "nic":
        speeds = [tree.number(f"/sys/class/net/{name}/speed") for name in device.system.split()]
        known = [speed for speed in map(plausible_network, (s for s in speeds if s)) if speed]
        device = replace(device, network_bytes_per_s=device.network_bytes_per_s or max(known, default=None))
    return device


def _memory_total(tree: Tree) -> int | None:
    match = re.search(r"MemTotal:\s*(\d{1,15}) kB", tree.text("/proc/meminfo") or "")
    return int(match.group(1)) * 1024 if match else None


def _checked_memory(memories: tuple[Memory, ...], total: int | None) -> tuple[tuple[Memory, ...], str]:
    """The kernel's MemTotal is right where it contradicts the domains (memory that was added to a guest)."""
    told = sum(memory.size_bytes or 0 for memory in memories)
    if total is None or not memories or abs(told - total) <= _NEAR * total:
        return memories, ""
    why = f"its domains hold {told:,} bytes, but the kernel has {total:,}"
    if len(memories) == 1:
        return (replace(memories[0], size_bytes=total),), f"{why}; the kernel's number is taken"
    return tuple(
        replace(memory, size_bytes=None) for memory in memories
    ), f"{why}; their sizes are left blank"


def _look_around(tree: Tree, unknown: dict[str, str]) -> None:
    """What a description could hold and this system does not tell."""
    if not tree.names("/sys/class/powercap", r"intel-rapl.*"):
        unknown["power"] = "no energy counter (/sys/class/powercap has no RAPL)"
    if not tree.names("/sys/bus/cxl/devices"):
        unknown["CXL"] = "no CXL devices in /sys/bus/cxl"
    if not tree.names("/sys/class/infiniband"):
        unknown["InfiniBand"] = "no devices in /sys/class/infiniband"


def _limited(found: Found, limits: Limits) -> Found:
    """Jobs get no more than the control group gives us."""
    unknown = dict(found.unknown)
    cores = [package.cores for package in found.topology.packages]
    all_cores = sum(count or 0 for count in cores)
    wanted, memory = found.cores, found.memory_bytes
    if limits.cores is not None and limits.cores < all_cores:
        unknown["further cores"] = f"the control group allows {limits.cores:g} of {all_cores}"
        wanted = limits.cores
    if limits.memory_bytes is not None and memory is not None and limits.memory_bytes < memory:
        unknown["further memory"] = f"the control group allows {limits.memory_bytes:,} of {memory:,} bytes"
        memory = limits.memory_bytes
    return replace(found, cores=wanted, memory_bytes=memory, unknown=unknown)
