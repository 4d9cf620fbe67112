"""The inside of nodes as entries of a machine file."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from timonier.describe.hostlist import compress_hostlist
from timonier.describe.read_topology import fields
from timonier.describe.topology import Link, Package, Topology
from timonier.kit.units import format_bytes


def topology_content(topology: Topology) -> dict[str, Any]:
    """Sections and their tables, without what says nothing."""
    return {
        "package": [_package(package) for package in topology.packages],
        "memory": [_entry(memory, "memory") for memory in topology.memories],
        "device": [_entry(device, "device") for device in topology.devices],
        "link": [_link(link) for link in topology.links],
        "unknown": dict(topology.unknown),
    }


def said(table: dict[str, Any]) -> dict[str, Any]:
    """Without the entries that say nothing."""
    return {key: value for key, value in table.items() if value is not None and value not in ("", [], {})}


def _package(package: Package) -> dict[str, Any]:
    table = _entry(package, "package")
    if table.get("kind") == "package":
        del table["kind"]
    for key in ("chiplets", "caches"):
        inner = [_entry(one, key) for one in getattr(package, key)]
        table[key] = [{k: v for k, v in one.items() if (k, v) != ("count", 1)} for one in inner]
    return said(table)


def _link(link: Link) -> dict[str, Any]:
    table = _entry(link, "link")
    del table["ends"]
    return {"nodes": table.pop("nodes"), "from": link.ends[0], "to": link.ends[1]} | table


def _entry(record: Any, section: str) -> dict[str, Any]:
    """A record's fields under the file's keys; sizes in the unit in which they are whole."""
    table = asdict(record)
    if "nodes" in table:
        table["nodes"] = compress_hostlist(record.nodes)
    table = {
        name: format_bytes(value) if name.endswith("_bytes") and value else value
        for name, value in table.items()
    }
    return said(fields(table, section, back=True))
