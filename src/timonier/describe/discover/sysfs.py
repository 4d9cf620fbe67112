"""Linux's /sys and /proc into records: what is left where hwloc is not installed.

Source: Linux, Documentation/admin-guide/cputopology.rst and Documentation/ABI.
"""

from __future__ import annotations

import re

from timonier.describe.discover.found import Found, node_name
from timonier.describe.discover.layout import CacheSet, Domain, Layout, memories_of, package_of, packages_of
from timonier.describe.discover.pci import (
    Function,
    devices_of,
    lane_bytes_per_s,
    parse_transfers,
)
from timonier.describe.discover.sets import parse_list, parse_mask
from timonier.describe.discover.tree import Tree
from timonier.describe.topology import Topology
from timonier.kit.errors import MachineFailure

_CPU = "/sys/devices/system/cpu"
_NODE = "/sys/devices/system/node"
_PCI = "/sys/bus/pci/devices"
_CACHES = {"Data": "d", "Instruction": "i", "Unified": ""}
_SIZE = re.compile(r"(\d{1,12})([KMG]?)")


def read_sysfs(tree: Tree, name: str = "node") -> Found:
    """The node whose /sys and /proc lie in `tree`; what they do not tell is unknown, with the reason."""
    try:
        layout = _layout(tree)
    except ValueError as error:  # a list of processors that is none
        raise MachineFailure(f"cannot understand {_CPU}: {error}", where=str(tree.root)) from error
    nodes = (node_name(name),)
    functions = [_function(tree, address, layout) for address in tree.names(_PCI)]
    unknown = {} if functions else {"devices": f"{_PCI} is empty or absent"}
    if not layout.cores:
        unknown["packages"] = f"{_CPU} tells no topology"
    topology = Topology(
        packages_of(layout, nodes), memories_of(layout, nodes), devices_of(functions, nodes), unknown=unknown
    )
    product = " ".join(
        part
        for part in (tree.text(f"/sys/class/dmi/id/{key}") for key in ("sys_vendor", "product_name"))
        if part
    )
    return Found(nodes[0], topology, product=product)


def slot_of(tree: Tree, address: str) -> tuple[int | None, int | None]:
    """Lanes and bytes per second of a PCI device's slot as it runs now; None where it is not told."""
    lanes = tree.number(f"{_PCI}/{address}/current_link_width")
    transfers = parse_transfers(tree.text(f"{_PCI}/{address}/current_link_speed") or "")
    lanes = lanes if lanes and lanes > 0 else None
    return lanes, lane_bytes_per_s(transfers, lanes) if lanes and transfers else None


def _layout(tree: Tree) -> Layout:
    """Masks of packages, dies, cores and caches, as each processor names those that it shares them with."""
    layout = Layout(threads=_usable(tree))
    sets: dict[str, dict[int, None]] = {"package": {}, "die": {}, "core": {}}
    caches: dict[tuple[str, int], CacheSet] = {}
    for cpu in tree.names(_CPU, r"cpu\d+"):
        bit = 1 << int(cpu[3:])
        if not layout.threads & bit:
            continue
        for what, names in _SIBLINGS.items():
            if what == "die" and (tree.number(f"{_CPU}/{cpu}/topology/die_id") or 0) < 0:
                continue  # the kernel does not know
            mask = _siblings(tree, f"{_CPU}/{cpu}/topology", names) & layout.threads
            if mask:
                sets[what][mask] = None
        for index in tree.names(f"{_CPU}/{cpu}/cache", r"index\d+"):
            cache = _cache(tree, f"{_CPU}/{cpu}/cache/{index}", bit)
            if cache:
                caches[cache.name, cache.mask] = cache
    layout.cores = list(sets["core"])
    layout.dies = list(sets["die"]) if len(sets["die"]) > len(sets["package"]) else []
    layout.caches = list(caches.values())
    models = _models(tree)
    for mask in sets["package"]:
        first = (mask & -mask).bit_length() - 1
        layout.packages.append((f"package{len(layout.packages)}", models.get(first, ""), mask))
    layout.domains = [_domain(tree, node, layout.threads) for node in tree.names(_NODE, r"node\d+")]
    layout.domains = layout.domains or [Domain(0, layout.threads)]  # a kernel without NUMA has one memory
    return layout


# the newer name of each list first
_SIBLINGS = {
    "package": ("package_cpus", "core_siblings"),
    "die": ("die_cpus",),
    "core": ("core_cpus", "thread_siblings"),
}


def _siblings(tree: Tree, folder: str, names: tuple[str, ...]) -> int:
    """Who shares it, as a list or as a mask; 0 where the kernel does not tell."""
    for name in names:
        text = tree.text(f"{folder}/{name}_list")
        if text is not None:
            return parse_list(text)
        text = tree.text(f"{folder}/{name}")
        if text is not None:
            return parse_mask(text)
    return 0


def _usable(tree: Tree) -> int:
    """Processors that are online and that we may run on."""
    online = 0
    for cpu in tree.names(_CPU, r"cpu\d+"):
        if tree.text(f"{_CPU}/{cpu}/online") != "0":
            online |= 1 << int(cpu[3:])
    match = re.search(r"Cpus_allowed_list:\s*(\S+)", tree.text("/proc/self/status") or "")
    allowed = parse_list(match.group(1)) if match else 0
    return (online & allowed) or online


def _cache(tree: Tree, path: str, own: int) -> CacheSet | None:
    level, kind = tree.number(f"{path}/level"), _CACHES.get(tree.text(f"{path}/type") or "")
    if level is None or kind is None:
        return None
    shared = _siblings(tree, path, ("shared_cpu",)) or _shared_map(tree, path) or own
    match = _SIZE.fullmatch((tree.text(f"{path}/size") or "").strip())
    size = int(match.group(1)) << {"": 0, "K": 10, "M": 20, "G": 30}[match.group(2)] if match else None
    return CacheSet(f"L{level}{kind if level == 1 or kind == 'i' else ''}", size or None, shared)


def _shared_map(tree: Tree, path: str) -> int:
    return parse_mask(tree.text(f"{path}/shared_cpu_map") or "0")


def _domain(tree: Tree, node: str, online: int) -> Domain:
    match = re.search(r"MemTotal:\s*(\d{1,15}) kB", tree.text(f"{_NODE}/{node}/meminfo") or "")
    text = tree.text(f"{_NODE}/{node}/cpulist")
    mask = parse_list(text) if text is not None else parse_mask(tree.text(f"{_NODE}/{node}/cpumap") or "0")
    return Domain(int(node[4:]), mask & online, int(match.group(1)) * 1024 if match else None)


def _models(tree: Tree) -> dict[int, str]:
    """The model name of each processor by its number, from /proc/cpuinfo."""
    models: dict[int, str] = {}
    for block in (tree.text("/proc/cpuinfo") or "").split("\n\n"):
        lines = dict(line.split(":", 1) for line in block.splitlines() if ":" in line)
        words = {key.strip(): value.strip() for key, value in lines.items()}
        if words.get("processor", "").isdecimal():
            models[int(words["processor"])] = words.get("model name", words.get("cpu", ""))
    return models


def _function(tree: Tree, address: str, layout: Layout) -> Function:
    folder = f"{_PCI}/{address}"
    code, vendor, device = (
        _hexadecimal(tree.text(f"{folder}/{key}")) for key in ("class", "vendor", "device")
    )
    lanes, speed = slot_of(tree, address)
    numa = tree.number(f"{folder}/numa_node")
    near = next((domain for domain in layout.domains if domain.number == numa), None)
    names = [*tree.names(f"{folder}/net"), *tree.names(f"{folder}/infiniband")]
    ids = f"{vendor:04x}:{device:04x}" if vendor is not None and device is not None else ""
    return Function(
        pci=address,
        class_code=(code or 0) >> 8,
        vendor=vendor,
        device=device,
        model=ids,
        system=tuple(names),
        parent=package_of(layout, near.mask if near else 0),
        numa=numa if numa is not None and numa >= 0 else None,
        lanes=lanes,
        bytes_per_s=speed,
    )


def _hexadecimal(text: str | None) -> int | None:
    return int(text, 16) if text and re.fullmatch(r"0x[0-9a-fA-F]{1,8}", text.strip()) else None
