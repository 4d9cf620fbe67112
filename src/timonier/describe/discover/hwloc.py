"""hwloc's XML (versions 1 to 3), as `lstopo --of xml` writes it, into records.

Source: hwloc's DTD hwloc2.dtd and its documentation, "Terms and Definitions", "I/O Devices", "Memory attributes".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from timonier.describe.discover.found import Found, node_name
from timonier.describe.discover.hwloc_values import (
    bandwidths,
    infos_of,
    kib,
    kinds_of,
    major_version,
    mask_of,
    slot,
    whole,
)
from timonier.describe.discover.layout import (
    CacheSet,
    Domain,
    Layout,
    memories_of,
    nearest_domain,
    package_of,
    packages_of,
)
from timonier.describe.discover.pci import Function, devices_of, renumber
from timonier.describe.discover.xml import Element, parse_xml
from timonier.describe.topology import Device, Link, Topology
from timonier.kit.errors import InputError

# version 1 knew other words
_TYPES = {"Socket": "Package", "System": "Machine", "NUMA": "NUMANode", "Node": "NUMANode"}
_CLASS_OF = {
    "storage": 0x0100, "memory": 0x0500, "gpu": 0x0302, "coproc": 0x0302, "network": 0x0200, "openfabrics": 0x0200,
}  # fmt: skip
_COMPUTE = re.compile(r"(cuda|nvml|rsmi|opencl|ze|ve|mic|xe)\d")
_PCI_TYPE = re.compile(r"([0-9a-fA-F]{4}) \[([0-9a-fA-F]{4}):([0-9a-fA-F]{4})\]")
FIX = "make it again with: lstopo --of xml > machine.xml"


def parse_hwloc(text: str, where: str = "", fallback: str = "node") -> Found:
    """The node that an XML file of hwloc describes; `fallback` names it where the file does not.

    What we are not allowed to use (cgroup, offline) is left out and said so.  Raises InputError.
    """
    root = parse_xml(text, where, FIX)
    top = root.find("object")
    if root.tag != "topology" or top is None:
        raise InputError("this XML is not hwloc's", where=where, fix=FIX)
    try:
        return _read(root, top, fallback)
    except ValueError as error:  # a number or a set that is none
        raise InputError(f"this XML of hwloc is damaged: {error}", where=where, fix=FIX) from error


@dataclass(slots=True)
class _Walk:
    """What is gathered on the way down."""

    version: int
    allowed: int
    allowed_nodes: int
    bandwidths: dict[str, int]
    layout: Layout = field(default_factory=Layout)
    functions: list[tuple[Function, int]] = field(default_factory=list)  # with the processors near it
    indices: dict[str, int] = field(default_factory=dict)  # gp_index -> its function
    switches: list[tuple[Function, int]] = field(default_factory=list)
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an object hangs."""

    mask: int = 0
    switch: str = ""
    is_switched: bool = False
    cache_bytes: int | None = None


def _read(root: Element, top: Element, fallback: str) -> Found:
    walk = _Walk(
        version=major_version(root),
        allowed=mask_of(top, "allowed_cpuset", mask_of(top, "cpuset", -1)),
        allowed_nodes=mask_of(top, "allowed_nodeset", -1),
        bandwidths=bandwidths(root),
    )
    _object(top, _Place(), walk)
    numbers = [domain.number for domain in walk.layout.domains]
    if len(set(numbers)) < len(numbers):
        raise ValueError("two memory domains have the same os_index")
    walk.layout.kinds = [
        (infos_of(kind).get("CoreType", f"kind {at}"), mask_of(kind, "cpuset", 0))
        for at, kind in enumerate(root.findall("cpukind"))
    ]
    infos = infos_of(top) | infos_of(root)
    name = node_name(infos.get("HostName", ""), node_name(fallback))
    nodes = (name,)
    devices, names = _devices(walk, nodes)
    topology = Topology(
        packages_of(walk.layout, nodes),
        memories_of(walk.layout, nodes),
        devices,
        _links(root, walk, names, nodes),
        _unknown(walk, devices),
    )
    product = " ".join(infos.get(key, "").strip() for key in ("DMISysVendor", "DMIProductName")).strip()
    return Found(name, topology, product=product, kernel=infos.get("OSRelease", ""))


def _object(element: Element, place: _Place, walk: _Walk) -> None:
    kind = _TYPES.get(element.get("type", ""), element.get("type", ""))
    if kind == "Cache":
        depth = element.get("depth", "")
        kind = f"L{depth}iCache" if element.get("cache_type") == "2" else f"L{depth}Cache"
    if kind in ("PCIDev", "Bridge", "OSDev", "Misc"):
        _device(element, kind, place, walk)
        return
    mask = mask_of(element, "cpuset", place.mask) & walk.allowed
    if kind != "Machine" and "cpuset" in element.attrib and not _is_allowed(element, kind, mask, walk):
        walk.left_out += kind == "PU"
        inside = place  # its devices are still there, near nobody
    else:
        inside = replace(place, mask=mask)
        if _is_side_cache(element, kind):
            inside = replace(inside, cache_bytes=whole(element.get("cache_size", "")))
        else:
            _note(element, kind, mask, inside, walk)
    for child in element.findall("object"):
        _object(child, inside, walk)


def _is_side_cache(element: Element, kind: str) -> bool:
    """A cache before memory; on Knights Landing hwloc calls it an L3."""
    return kind == "MemCache" or element.get("subtype") == "MemorySideCache"


def _is_allowed(element: Element, kind: str, mask: int, walk: _Walk) -> bool:
    """hwloc's own rule: what holds no processor and no memory that we may use is not shown."""
    nodes = mask_of(element, "nodeset", 0) & walk.allowed_nodes
    if kind in ("NUMANode", "MemCache"):
        return bool(nodes) or ("nodeset" not in element.attrib and bool(mask))
    holds_memory = any(child.get("type") in ("NUMANode", "MemCache") for child in element.iter("object"))
    return bool(mask) or (holds_memory and bool(nodes))


def _note(element: Element, kind: str, mask: int, place: _Place, walk: _Walk) -> None:
    layout, infos = walk.layout, infos_of(element)
    if kind == "PU":
        layout.threads |= mask
    elif kind == "Core":
        layout.cores.append(mask)
    elif kind == "Die":
        layout.dies.append(mask)
    elif kind == "Package":
        layout.packages.append((f"package{len(layout.packages)}", infos.get("CPUModel", "").strip(), mask))
    elif kind == "NUMANode":
        layout.domains.append(_domain(element, mask, place, walk))
    elif kind.endswith("Cache") and kind != "MemCache":
        level = kind.removesuffix("Cache")
        name = f"{level}d" if level == "L1" else level
        layout.caches.append(CacheSet(name, whole(element.get("cache_size", "")) or None, mask))


def _domain(element: Element, mask: int, place: _Place, walk: _Walk) -> Domain:
    memory = element.get("local_memory")
    if memory is None:  # version 1 put it into a child
        inner = element.find("memory")
        memory = inner.get("local_memory", "") if inner is not None else ""
    kind = element.get("subtype", "")
    return Domain(
        number=whole(element.get("os_index", "")) or 0,
        mask=mask,
        size_bytes=whole(memory) or None,
        kind=kind,
        bytes_per_s=walk.bandwidths.get(element.get("gp_index", "")),
        cache_bytes=place.cache_bytes or None,
    )


def _device(element: Element, kind: str, place: _Place, walk: _Walk) -> None:
    """A PCI device or one of the system; its own children are other names of it."""
    if kind == "Misc":
        return
    if kind == "Bridge":
        _bridge(element, place, walk)
        return
    match = _PCI_TYPE.match(element.get("pci_type", ""))
    infos = infos_of(element)
    systems = [element] if kind == "OSDev" else element.findall("object")
    function = Function(
        pci=element.get("pci_busid", ""),
        class_code=int(match.group(1), 16) if match else 0,
        vendor=int(match.group(2), 16) if match else None,
        device=int(match.group(3), 16) if match else None,
        model=" ".join(infos[key] for key in ("PCIVendor", "PCIDevice") if infos.get(key)),
        subtype=element.get("subtype", ""),
        parent=place.switch,
        bytes_per_s=slot(element),
    )
    for system in systems:
        function = _named(function, system, walk.version)
    if element.get("gp_index"):
        for one in [element, *systems]:
            walk.indices[one.get("gp_index", "")] = len(walk.functions)
    walk.functions.append((function, place.mask))


def _named(function: Function, system: Element, version: int) -> Function:
    """The function with what one of its names in the system tells."""
    infos, name = infos_of(system), system.get("name", "")
    kinds = kinds_of(system.get("osdev_type", ""), version)
    is_compute = bool(_COMPUTE.match(name)) and infos.get("OpenCLDeviceType", "GPU") != "CPU"
    sizes = [kib(infos[key]) for key in ("CUDAGlobalMemorySize", "NVIDIAMemorySize", "RSMIVRAMSize",
                                          "OpenCLGlobalMemorySize", "LevelZeroHBMSize", "CXLRAMSize",
                                          "CXLPMEMSize") if key in infos]  # fmt: skip
    guessed = next((_CLASS_OF[kind] for kind in kinds if kind in _CLASS_OF), 0)
    model = infos.get("GPUModel") or infos.get("Model") or function.model
    if infos.get("CXLRAMSize") or infos.get("CXLPMEMSize") or system.get("subtype") == "CXLMem":
        model = f"CXL {function.model}".strip()
    elif not function.pci and system.get("subtype"):
        model = system.get("subtype", "")
    return replace(
        function,
        class_code=function.class_code or guessed,
        model=model,
        system=(*function.system, name) if name else function.system,
        is_compute=function.is_compute or (is_compute and bool({"gpu", "coproc"} & set(kinds))),
        memory_bytes=function.memory_bytes or (sum(sizes) if sizes else None),
    )


def _bridge(element: Element, place: _Place, walk: _Walk) -> None:
    """A PCIe switch is a bridge to other bridges that lead to at least two devices."""
    bridges = [child for child in element.findall("object") if child.get("type") == "Bridge"]
    leading = [one for one in bridges if any(sub.get("type") == "PCIDev" for sub in one.iter("object"))]
    inside = place
    if element.get("bridge_type") == "1-1" and len(leading) > 1:
        inside = replace(place, switch=f"switch{len(walk.switches)}", is_switched=True)
        infos = infos_of(element)
        model = " ".join(infos[key] for key in ("PCIVendor", "PCIDevice") if infos.get(key))
        switch = Function(
            pci=element.get("pci_busid", ""), model=model, parent=place.switch, bytes_per_s=slot(element)
        )
        walk.switches.append((switch, place.mask))
    for child in element.findall("object"):
        _object(child, inside, walk)


def _devices(walk: _Walk, nodes: tuple[str, ...]) -> tuple[tuple[Device, ...], dict[int, str]]:
    """The devices with their switches, and the name of each function that became one."""
    placed = [_placed(walk, function, mask) for function, mask in walk.functions]
    each = [devices_of([function], nodes) for function in placed]
    which = [index for index, one in enumerate(each) if one]
    devices: tuple[Device, ...] = tuple(one[0] for one in each if one)
    for kind in sorted({device.kind for device in devices}):
        devices = _numbered(devices, kind)
    used = {device.parent for device in devices}
    switches = []
    for number, (function, mask) in reversed(list(enumerate(walk.switches))):
        name = f"switch{number}"
        if name in used:
            one = _placed(walk, function, mask)
            used.add(one.parent)
            switches.append(
                Device(
                    nodes,
                    name,
                    "switch",
                    model=one.model,
                    pci=one.pci,
                    parent=one.parent,
                    numa=one.numa,
                    bytes_per_s=one.bytes_per_s,
                )
            )
    names = dict(zip(which, (device.name for device in devices), strict=True))
    return (*reversed(switches), *devices), names


def _numbered(devices: tuple[Device, ...], kind: str) -> tuple[Device, ...]:
    own = iter(renumber([device for device in devices if device.kind == kind], kind))
    return tuple(next(own) if device.kind == kind else device for device in devices)


def _placed(walk: _Walk, function: Function, mask: int) -> Function:
    return replace(
        function,
        parent=function.parent or package_of(walk.layout, mask),
        numa=nearest_domain(walk.layout, mask),
    )


def _links(root: Element, walk: _Walk, names: dict[int, str], nodes: tuple[str, ...]) -> tuple[Link, ...]:
    """Links that hwloc writes as matrices of bandwidth in MB/s (NVLink, xGMI, Xe Link), each pair once."""
    found: dict[tuple[str, str], Link] = {}
    for matrix in [*root.findall("distances2"), *root.findall("distances2hetero")]:
        match = re.fullmatch(r"(NVLink|XGMI|XeLink)Bandwidth", matrix.get("name", ""))
        if not match:
            continue
        indices = " ".join(part.text or "" for part in matrix.findall("indexes")).split()
        ends = [names.get(walk.indices.get(index.split(":")[-1], -1), "") for index in indices]
        values = [int(v) for v in " ".join(part.text or "" for part in matrix.findall("u64values")).split()]
        if len(values) != len(ends) ** 2:
            raise ValueError(f"{match.group(0)} has {len(values)} values for {len(ends)} devices")
        for at, value in enumerate(values):
            a, b = ends[at // len(ends)], ends[at % len(ends)]
            if value and a and b and a != b and (b, a) not in found:
                found[a, b] = Link(nodes, (a, b), match.group(1).lower(), bytes_per_s=value * 10**6)
    return tuple(found.values())


def _unknown(walk: _Walk, devices: tuple[Device, ...]) -> dict[str, str]:
    unknown = {}
    if walk.left_out:
        unknown["left out"] = (
            f"{walk.left_out} hardware threads that we may not use (offline, or outside of our cgroup)"
        )
    if not walk.layout.packages:
        unknown["packages"] = "hwloc names none"
    if not walk.layout.cores:
        unknown["cores"] = "hwloc names hardware threads only; they are taken as cores"
    if not devices:
        unknown["devices"] = "hwloc names none (in a container or without --whole-io it cannot see them)"
    return unknown
