"""A machine as the rows of a table that people read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

from timonier.describe.catalogue import DeviceType, known_types
from timonier.describe.doubts import unknown_types
from timonier.describe.hostlist import compress_hostlist
from timonier.describe.machine import Gpus, Machine, Nodes
from timonier.describe.power import power_rows
from timonier.describe.topology import Chiplet, Device, Link, Memory, Package, Topology

Row = dict[str, str | int | float | None]


def machine_table(machine: Machine) -> list[Row]:
    """One row a group of nodes (or the counted machine), one a partition, the total, and then what is inside.

    Before the inside: the power and prices of nodes and GPUs (`power_rows`).
    `count`: nodes in the row.  Cores, memory and GPUs are of each node in a group, of all together in the total.
    Inside: one row a package, memory domain, group of like devices and group of like links; last what is not known,
    with the reason in `why`.
    """
    if machine.is_counted:
        rows = [_row("machine", machine.name, cores=machine.processors)]
        return rows + [_row("partition", part.name, cores=part.processors) for part in machine.partitions]
    rows = [_group(group) for group in machine.nodes]
    rows += [
        _row("partition", part.name, count=len(part.nodes), nodes=compress_hostlist(part.nodes))
        for part in machine.partitions
    ]
    memory = sum(len(group.names) * group.memory_bytes for group in machine.nodes)
    total = _row("total", machine.name, count=machine.total_nodes, cores=machine.total_cores)
    rows.append(total | {"memory_bytes": memory or None, "gpus": str(machine.total_gpus)})
    rows += power_rows(machine) + catalogue_rows(machine) + _inside(machine.topology, machine.total_nodes > 1)
    return rows + [
        _row("unknown", f"GPU type {type_}") | {"why": why} for type_, why in unknown_types(machine).items()
    ]


def _group(group: Nodes) -> Row:
    row = _row("nodes", compress_hostlist(group.names), count=len(group.names), cores=group.cores)
    gpus = " + ".join(_shown(gpus) for gpus in group.gpus)
    words: Row = {"cpu": group.cpu, "product": group.product, "kernel": group.kernel}
    return row | {"memory_bytes": group.memory_bytes or None, "gpus": gpus, "rack": group.rack} | words


def _shown(gpus: Gpus) -> str:
    return f"{gpus.count} {gpus.type}" + ("" if gpus.sharing == "exclusive" else f" ({gpus.sharing})")


def _row(kind: str, name: str, count: int | None = None, cores: float | None = None, nodes: str = "") -> Row:
    return {
        "kind": kind,
        "name": name,
        "count": count,
        "cores": cores,
        "memory_bytes": None,
        "gpus": "",
        "rack": "",
        "nodes": nodes,
    }


def catalogue_rows(machine: Machine) -> list[Row]:
    """What the catalogue says of each type of processor and GPU that the machine names."""
    names = [group.cpu for group in machine.nodes] + [
        gpus.type for group in machine.nodes for gpus in group.gpus
    ]
    known = [known_types().get(name.lower()) for name in dict.fromkeys(names)]
    return [type_row(one) for one in known if one is not None]


def type_row(one: DeviceType) -> Row:
    """A row of the catalogue, peaks in operations per second."""
    fp16 = [rate for rate in (one.fp16_matrix, one.bf16_matrix) if rate is not None]
    return _row("catalogue", one.name, cores=one.cores) | {
        "maker": one.maker,
        "memory_bytes": one.memory_bytes,
        "bytes_per_s": one.bandwidth_bytes_per_s,
        "fp64": one.peak_fp64,
        "fp64_matrix": one.fp64_matrix,
        "fp32": one.fp32,
        "fp16_matrix": max(fp16, default=None),
        "fp8_matrix": one.fp8_matrix,
        "int8_matrix": one.int8_matrix,
        "power_w": one.power_w,
        "source": one.source,
    }


def type_details(one: DeviceType) -> Row:
    """All figures of a type under names that say the unit; None and "" where the source gives none."""
    units = {
        "base_hz": "base_hz", "fp64": "fp64_per_s", "fp64_matrix": "fp64_matrix_per_s", "fp32": "fp32_per_s",
        "tf32_matrix": "tf32_matrix_per_s", "bf16_matrix": "bf16_matrix_per_s", "fp16_matrix": "fp16_matrix_per_s",
        "fp8_matrix": "fp8_matrix_per_s", "int8_matrix": "int8_matrix_per_s",
    }  # fmt: skip
    own = {field.name: getattr(one, field.name) for field in fields(one)}
    own |= {"memory_bytes_per_s": one.bandwidth_bytes_per_s, "fp64": one.peak_fp64}
    for name in ("says", "pci"):
        own[name] = ", ".join(own[name])
    skipped = _ONLY_GPU if one.kind == "cpu" else _ONLY_CPU
    return {units.get(name, name): value for name, value in own.items() if name not in skipped}


_ONLY_CPU = (
    "threads", "base_hz", "boost_hz", "flops_per_cycle", "l3_bytes", "channels", "transfers_per_s", "sockets", "cores",
)  # fmt: skip
_ONLY_GPU = (
    "gfx", "pci", "fp64_matrix", "tf32_matrix", "bf16_matrix", "fp16_matrix", "fp8_matrix", "int8_matrix", "links",
    "link_kind", "link_bytes_per_s", "mig_slices",
)  # fmt: skip


def _inside(topology: Topology, is_many: bool) -> list[Row]:
    rows = [_package(package) for package in topology.packages]
    rows += [_memory(memory) for memory in topology.memories]
    rows += [_devices(like) for like in _alike(topology.devices, _device_key)]
    rows += [_links(like) for like in _alike(topology.links, _link_key)]
    for row in rows:
        row["nodes"] = row["nodes"] if is_many else ""
    return rows + [_row("unknown", what) | {"why": why} for what, why in topology.unknown.items()]


def _package(package: Package) -> Row:
    caches = ", ".join(
        f"{one.count} x {_size(one.size_bytes)} {one.name}".replace("  ", " ") for one in package.caches
    )
    kinds = ", ".join(f"{count} {name}" for name, count in package.core_kinds.items())
    row = _row(package.kind, package.name, cores=package.cores, nodes=compress_hostlist(package.nodes))
    return row | {
        "threads": package.threads,
        "dies": package.dies,
        "chiplets": " + ".join(_chiplet(chiplet) for chiplet in package.chiplets),
        "caches": caches,
        "model": f"{package.model} ({kinds})" if kinds else package.model,
    }


def _chiplet(chiplet: Chiplet) -> str:
    parts = [
        f"{chiplet.cores} cores" if chiplet.cores else "",
        f"{_size(chiplet.l3_bytes)} L3" if chiplet.l3_bytes else "",
    ]
    return f"{chiplet.count} x ({', '.join(part for part in parts if part)})"


def _memory(memory: Memory) -> Row:
    row = _row("memory domain", memory.name, nodes=compress_hostlist(memory.nodes))
    model = memory.kind + (f" behind {_size(memory.cache_bytes)} of cache" if memory.cache_bytes else "")
    return row | {
        "memory_bytes": memory.size_bytes,
        "bytes_per_s": memory.bytes_per_s,
        "model": model,
        "parent": memory.package,
    }


def _device_key(device: Device) -> Any:
    return replace(device, name="", pci="", system="", parent="", numa=None)


def _devices(like: list[Device]) -> Row:
    first = like[0]
    row = _row(
        first.kind, compress_hostlist([d.name for d in like]), len(like), nodes=compress_hostlist(first.nodes)
    )
    numa = sorted({device.numa for device in like if device.numa is not None})
    return row | {
        "type": first.type,
        "model": first.model,
        "memory_bytes": first.memory_bytes,
        "mig": first.mig,
        "lanes": first.lanes,
        "bytes_per_s": first.bytes_per_s,
        "network_bytes_per_s": first.network_bytes_per_s,
        "numa": ",".join(map(str, numa)),
        "parent": compress_hostlist(list(dict.fromkeys(d.parent for d in like if d.parent))),
        "system": " ".join(device.system for device in like if device.system)[:40],
    }


def _link_key(link: Link) -> Any:
    return replace(link, ends=("", ""))


def _links(like: list[Link]) -> Row:
    """Links that differ only in their ends: all pairs where they are all pairs, else how many."""
    first = like[0]
    ends = {end for link in like for end in link.ends}
    if len(like) == 1:
        name = " - ".join(first.ends)
    elif len(like) == len(ends) * (len(ends) - 1) // 2:
        name = f"each two of {compress_hostlist(sorted(ends, key=_natural))}"
    else:
        name = f"{len(like)} pairs of {compress_hostlist(sorted(ends, key=_natural))}"
    row = _row("link", f"{first.kind}: {name}", first.count, nodes=compress_hostlist(first.nodes))
    return row | {"bytes_per_s": first.bytes_per_s, "path": first.path, "pairs": len(like)}


def _natural(name: str) -> tuple[str, int]:
    stem = name.rstrip("0123456789")
    return stem, int(name[len(stem) :] or 0)


def _alike(items: Iterable[Any], key: Any) -> list[list[Any]]:
    """Items with equal keys together, in the order of their first."""
    groups: dict[Any, list[Any]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.values())


def _size(size: int | None) -> str:
    if size is None:
        return ""
    for unit, scale in (("GiB", 1 << 30), ("MiB", 1 << 20)):
        if size >= scale:
            return f"{size / scale:.4g} {unit}"
    return f"{size / 1024:.4g} KiB"
