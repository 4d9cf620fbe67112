"""The inside of nodes out of a machine file: `[[package]]`, `[[memory]]`, `[[device]]`, `[[link]]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from timonier.describe.topology import Cache, Chiplet, Device, Link, Memory, Package, Topology

SECTIONS = ("package", "memory", "device", "link")
HOSTLISTS = tuple((section, "nodes") for section in SECTIONS)
REQUIRED = {
    "package": ["nodes", "name"],
    "memory": ["nodes", "name"],
    "device": ["nodes", "name", "kind"],
    "link": ["nodes", "from", "to", "kind"],
}
# key of the file -> field of the record, where they differ
_FIELDS = {
    "chiplets": {"l3": "l3_bytes"},
    "caches": {"size": "size_bytes"},
    "memory": {"size": "size_bytes", "speed": "bytes_per_s", "cache": "cache_bytes"},
    "device": {"speed": "bytes_per_s", "memory": "memory_bytes", "network": "network_bytes_per_s"},
    "link": {"speed": "bytes_per_s"},
}


def topology_of(checked: Mapping[str, Any]) -> Topology:
    """The records of checked entries, hostlists expanded."""
    return Topology(
        tuple(_package(table) for table in checked.get("package", [])),
        tuple(Memory(**fields(table, "memory")) for table in checked.get("memory", [])),
        tuple(Device(**fields(table, "device")) for table in checked.get("device", [])),
        tuple(_link(table) for table in checked.get("link", [])),
        checked.get("unknown", {}),
    )


def fields(table: Mapping[str, Any], section: str, back: bool = False) -> dict[str, Any]:
    """The entries under the names of the record's fields; with `back` the other way round."""
    names = _FIELDS.get(section, {})
    names = {name: key for key, name in names.items()} if back else names
    return {names.get(key, key): value for key, value in table.items()}


def _package(table: Mapping[str, Any]) -> Package:
    others = {key: value for key, value in table.items() if key not in ("chiplets", "caches")}
    return Package(
        **others,
        chiplets=tuple(Chiplet(**fields(one, "chiplets")) for one in table.get("chiplets", [])),
        caches=tuple(Cache(**fields(one, "caches")) for one in table.get("caches", [])),
    )


def _link(table: Mapping[str, Any]) -> Link:
    ends = (table["from"], table["to"])
    return Link(
        ends=ends, **fields({key: v for key, v in table.items() if key not in ("from", "to")}, "link")
    )
