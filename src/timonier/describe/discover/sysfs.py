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
from timonier.describe.discover.sets import parse_list
from timonier.describe.discover.tree import Tree
from timonier.describe.topology import Topology

_CPU = "/sys/devices/system/cpu"
_NODE = "/sys/devices/system/node"
_PCI = "/sys/bus/pci/devices"
_CACHES = {"Data": "d", "Instruction": "i", "Unified": ""}
_SIZE = re.compile(r"(\d{1,12})([KMG]?)")


def read_sysfs(tree: Tree, name: str = "node") -> Found:
    """The node whose /sys and /proc lie in `tree`; what they do not tell is unknown, with the reason."""
    layout = _layout(tree)
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
    layout = Layout()
    cores: dict[tuple[int, int, int], int] = {}
    dies: dict[tuple[int, int], int] = {}
    packages: dict[int, int] = {}
    caches: dict[tuple[str, int], CacheSet] = {}
    for cpu in tree.names(_CPU, r"cpu\d+"):
        bit = 1 << int(cpu[3:])
        if tree.text(f"{_CPU}/{cpu}/online") == "0" or tree.text(f"{_CPU}/{cpu}/topology/core_id") is None:
            continue
        layout.threads |= bit
        package, die, core = (
            tree.number(f"{_CPU}/{cpu}/topology/{key}")
            for key in ("physical_package_id", "die_id", "core_id")
        )
        if package is not None and package >= 0:
            packages[package] = packages.get(package, 0) | bit
        if die is not None and die >= 0:
            dies[package or 0, die] = dies.get((package or 0, die), 0) | bit
        key = (package or 0, die or 0, core or 0)
        siblings = tree.text(f"{_CPU}/{cpu}/topology/thread_siblings_list")
        cores[key if siblings is None else (0, 0, parse_list(siblings))] = (
            cores.get(key, 0) | bit if siblings is None else parse_list(siblings)
        )
        for index in tree.names(f"{_CPU}/{cpu}/cache", r"index\d+"):
            cache = _cache(tree, f"{_CPU}/{cpu}/cache/{index}", bit)
            if cache:
                caches[cache.name, cache.mask] = cache
    layout.cores = list(dict.fromkeys(cores.values()))
    layout.caches = list(caches.values())
    layout.dies = list(dies.values()) if len(dies) > len(packages) else []
    models = _models(tree)
    for _, mask in sorted(packages.items()):
        first = (mask & -mask).bit_length() - 1
        layout.packages.append((f"package{len(layout.packages)}", models.get(first, ""), mask))
    layout.domains = [_domain(tree, node, layout.threads) for node in tree.names(_NODE, r"node\d+")]
    return layout


def _cache(tree: Tree, path: str, own: int) -> CacheSet | None:
    level, kind = tree.number(f"{path}/level"), _CACHES.get(tree.text(f"{path}/type") or "")
    if level is None or kind is None:
        return None
    shared = parse_list(tree.text(f"{path}/shared_cpu_list") or "") or own
    match = _SIZE.fullmatch((tree.text(f"{path}/size") or "").strip())
    size = int(match.group(1)) << {"": 0, "K": 10, "M": 20, "G": 30}[match.group(2)] if match else None
    return CacheSet(f"L{level}{kind if level == 1 or kind == 'i' else ''}", size or None, shared)


def _domain(tree: Tree, node: str, online: int) -> Domain:
    match = re.search(r"MemTotal:\s*(\d{1,15}) kB", tree.text(f"{_NODE}/{node}/meminfo") or "")
    mask = parse_list(tree.text(f"{_NODE}/{node}/cpulist") or "") & online
    return Domain(int(node[4:]), mask, int(match.group(1)) * 1024 if match else None)


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
