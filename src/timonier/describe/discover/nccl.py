"""Topologies of NCCL and RCCL (NCCL_TOPO_DUMP_FILE) into records.

Source: NCCL 2.x, topology and graph XML as its users dump and load it; RCCL's additions (xgmi, gcn).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from timonier.describe.catalogue import device_by_pci, gpu_by_gfx
from timonier.describe.discover.found import Found
from timonier.describe.discover.pci import (
    Function,
    devices_of,
    lane_bytes_per_s,
    parse_transfers,
    plausible_network,
    renumber,
)
from timonier.describe.discover.sets import parse_mask
from timonier.describe.discover.xml import Element, parse_xml
from timonier.describe.topology import Device, Link, Memory, Package, Topology
from timonier.kit.errors import InputError

ROOTS = ("system", "graphs")
FIX = "make it again with NCCL_TOPO_DUMP_FILE=topology.xml"
_LINKS = ("nvlink", "xgmi")
_BRIDGE = 0x0604
# CPUID family and model -> who that is.  Source: AMD revision guides; Intel software developer's manual, volume 4
_GENERATIONS = {
    ("AuthenticAMD", 0x17, 0x01): "EPYC Naples (Zen)",
    ("AuthenticAMD", 0x17, 0x31): "EPYC Rome (Zen 2)",
    ("AuthenticAMD", 0x19, 0x01): "EPYC Milan (Zen 3)",
    ("AuthenticAMD", 0x19, 0x30): "EPYC Trento (Zen 3)",
    ("AuthenticAMD", 0x19, 0x11): "EPYC Genoa (Zen 4)",
    ("AuthenticAMD", 0x19, 0x90): "Instinct MI300A (Zen 4)",
    ("AuthenticAMD", 0x19, 0xA0): "EPYC Bergamo (Zen 4c)",
    ("AuthenticAMD", 0x1A, 0x02): "EPYC Turin (Zen 5)",
    ("GenuineIntel", 6, 79): "Xeon Broadwell",
    ("GenuineIntel", 6, 85): "Xeon Skylake or Cascade Lake",
    ("GenuineIntel", 6, 106): "Xeon Ice Lake",
    ("GenuineIntel", 6, 143): "Xeon Sapphire Rapids",
    ("GenuineIntel", 6, 207): "Xeon Emerald Rapids",
}


def parse_nccl(text: str, where: str = "", fallback: str = "node") -> Found:
    """The node that a topology (or a graph, which tells less) describes.  Raises InputError."""
    root = parse_xml(text, where, FIX)
    if root.tag not in ROOTS:
        raise InputError("this XML is neither a topology nor a graph of NCCL", where=where, fix=FIX)
    nodes = (fallback,)
    try:
        topology = _system(root, nodes) if root.tag == "system" else _graphs(root, nodes)
    except ValueError as error:
        raise InputError(f"this XML of NCCL is damaged: {error}", where=where, fix=FIX) from error
    return Found(fallback, topology)


@dataclass(slots=True)
class _Walk:
    nodes: tuple[str, ...]
    functions: list[tuple[Function, str]] = field(default_factory=list)  # with its type
    switches: list[Device] = field(default_factory=list)
    links: list[tuple[str, str, str, int]] = field(default_factory=list)
    unknown: dict[str, str] = field(default_factory=dict)


def _system(root: Element, nodes: tuple[str, ...]) -> Topology:
    walk = _Walk(nodes)
    packages: list[Package] = []
    memories: list[Memory] = []
    for index, cpu in enumerate(root.findall("cpu")):
        package = _package(cpu, f"cpu{index}", nodes)
        packages.append(package)
        number = _whole(cpu.get("numaid", ""))
        if number is not None and f"numa{number}" not in {memory.name for memory in memories}:
            memories.append(Memory(nodes, f"numa{number}", package=package.name))
        for child in cpu:
            _below(child, package.name, number, walk)
    devices = _devices(walk)
    walk.unknown |= {
        "packages": "NCCL names memory domains only; each stands for a part of one",
        "cores": "NCCL names hardware threads only; they are taken as cores",
        "memory": "NCCL does not say how large it is",
    }
    return Topology(tuple(packages), tuple(memories), devices, _links(walk, devices), walk.unknown)


def _package(cpu: Element, name: str, nodes: tuple[str, ...]) -> Package:
    mask = parse_mask(cpu.get("affinity") or "0")
    threads = mask.bit_count() if mask > 0 else None
    return Package(nodes, name, kind="domain", model=_model(cpu), threads=threads)


def _model(cpu: Element) -> str:
    """RCCL writes AMD's family as its two bytes: 143 = 0x8f is 8 + 15 = 17h."""
    family, model = _whole(cpu.get("familyid", "")), _whole(cpu.get("modelid", ""))
    vendor = cpu.get("vendor", "")
    if family is None or model is None:
        return vendor
    if vendor == "AuthenticAMD" and family & 0xF == 0xF and family > 0xF:
        family = 0xF + (family >> 4)
    return _GENERATIONS.get((vendor, family, model), f"{vendor} family {family} model {model}")


def _below(element: Element, parent: str, numa: int | None, walk: _Walk) -> None:
    """A pci, nic or net below a cpu or a switch."""
    if element.tag in ("nic", "net"):
        for net in element.iter("net"):
            walk.functions.append((_net(net, Function("", 0x0200, parent=parent, numa=numa), walk), ""))
        return
    if element.tag != "pci":
        return
    code = int(element.get("class") or "0", 16) >> 8
    inner = element.findall("pci")
    if inner or code == _BRIDGE:
        own = parent
        if len(inner) + len(element.findall("nic")) > 1:
            own = f"switch{len(walk.switches)}"
            walk.switches.append(_switch(element, own, parent, numa, walk.nodes))
        for child in element:
            _below(child, own, numa, walk)
        return
    _endpoint(element, code, parent, numa, walk)


def _endpoint(element: Element, code: int, parent: str, numa: int | None, walk: _Walk) -> None:
    lanes, speed = _slot(element)
    function = Function(
        element.get("busid", ""),
        code,
        vendor=_hexadecimal(element.get("vendor", "")),
        device=_hexadecimal(element.get("device", "")),
        parent=parent,
        numa=numa,
        lanes=lanes,
        bytes_per_s=speed,
    )
    gpus, nets = element.findall("gpu"), list(element.iter("net"))
    for net in nets:
        walk.functions.append((_net(net, function, walk), ""))
    if nets:
        return
    if not element.get("class") and not gpus:
        reason = "the file names no device classes; these may be GPUs or network cards"
        walk.unknown["kinds of devices"] = reason
    kind = _gpu_type(function, gpus[0] if gpus else None) if gpus or kind_is_gpu(code) else ""
    walk.functions.append((replace(function, is_compute=bool(gpus)), kind))
    for gpu in gpus:
        for link in [child for child in gpu if child.tag in _LINKS]:
            count = _whole(link.get("count", "")) or 1
            walk.links.append((function.pci, link.get("target", ""), link.tag, count))


def kind_is_gpu(code: int) -> bool:
    """Do NCCL's users call this PCI class a GPU?"""
    return code >> 8 == 0x03 or code == 0x1200


def _gpu_type(function: Function, gpu: Element | None) -> str:
    """Its catalogue name by PCI number, else by architecture and compute units; "" where neither is certain."""
    known = device_by_pci(function.vendor, function.device)
    if known or gpu is None:
        return known
    gfx = gpu.get("gcn", "").removeprefix("gfx")
    return gpu_by_gfx(gfx, _whole(gpu.get("sm", "")))


def _net(net: Element, function: Function, walk: _Walk) -> Function:
    megabits = _whole(net.get("speed", ""))
    speed = plausible_network(megabits) if megabits is not None else None
    if megabits is not None and speed is None:
        name = net.get("name", "a card")
        walk.unknown[f"speed of {name}"] = f"the file says {megabits:,} Mbit/s, which no port has"
    code = function.class_code if function.class_code >> 8 == 0x02 else 0x0200
    return replace(function, class_code=code, system=(net.get("name", ""),), network_bytes_per_s=speed)


def _switch(element: Element, name: str, parent: str, numa: int | None, nodes: tuple[str, ...]) -> Device:
    lanes, speed = _slot(element)
    return Device(
        nodes,
        name,
        "switch",
        pci=element.get("busid", ""),
        parent=parent,
        numa=numa,
        lanes=lanes,
        bytes_per_s=speed,
    )


def _slot(element: Element) -> tuple[int | None, int | None]:
    lanes = _whole(element.get("link_width", "")) or None
    transfers = parse_transfers(element.get("link_speed", ""))
    return lanes, lane_bytes_per_s(transfers, lanes) if lanes and transfers else None


def _devices(walk: _Walk) -> tuple[Device, ...]:
    found: list[Device] = []
    for function, kind in walk.functions:
        one = devices_of([function], walk.nodes) or (_other(function, walk.nodes),)
        found.append(replace(one[0], type=kind or one[0].type))
    devices: list[Device] = []
    for kind in sorted({device.kind for device in found}):
        devices += renumber([device for device in found if device.kind == kind], kind)
    return (*walk.switches, *devices)


def _other(function: Function, nodes: tuple[str, ...]) -> Device:
    return Device(nodes, "other0", "other", pci=function.pci, parent=function.parent, numa=function.numa)


def _links(walk: _Walk, devices: tuple[Device, ...]) -> tuple[Link, ...]:
    """Each pair once, though the file names both directions; ends that are no device of ours are told."""
    names = {device.pci: device.name for device in devices if device.pci}
    found: dict[tuple[str, str], Link] = {}
    for source, target, kind, count in walk.links:
        ends = names.get(source, ""), names.get(target, "")
        if not all(ends):
            walk.unknown[f"{kind} to {target or 'nowhere'}"] = "the file has no such device"
        elif ends[0] == ends[1]:
            walk.unknown[f"{kind} of {ends[0]}"] = (
                "the file leads it back to itself; where it leads is not told"
            )
        elif ends[::-1] not in found:
            found[ends] = Link(walk.nodes, ends, kind, count)
    if found:
        walk.unknown.setdefault("speed of the links", "NCCL counts them, and does not say how fast they are")
    return tuple(found.values())


def _graphs(root: Element, nodes: tuple[str, ...]) -> Topology:
    """A graph is what NCCL chose to do: it names the GPUs, and nothing else of the machine."""
    numbers = sorted({int(gpu.get("dev", "x")) for gpu in root.iter("gpu")})
    return Topology(
        devices=tuple(Device(nodes, f"gpu{number}", "gpu") for number in numbers),
        unknown={"all but the GPUs": "this is a graph of NCCL (which way it sends), not a topology"},
    )


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\d{1,18}", text.strip()) else None


def _hexadecimal(text: str) -> int | None:
    return int(text, 16) if re.fullmatch(r"0x[0-9a-fA-F]{1,8}", text.strip()) else None
