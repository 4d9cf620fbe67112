"""Room: describe. The machines that people own, as records and as files.

Everything here loads on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from timonier.describe.catalogue import DeviceType, catalogue, find_type
    from timonier.describe.hostlist import compress_hostlist, expand_hostlist
    from timonier.describe.keys import known_keys
    from timonier.describe.machine import Gpus, Machine, Nodes, Owner, Partition, Prices, Switch
    from timonier.describe.read import parse_machine, read_machine
    from timonier.describe.table import catalogue_rows, machine_table, type_row
    from timonier.describe.topology import Cache, Chiplet, Device, Link, Memory, Package, Topology
    from timonier.describe.write import machine_to_toml, write_machine

__all__ = [
    "Cache",
    "Chiplet",
    "Device",
    "DeviceType",
    "Gpus",
    "Link",
    "Machine",
    "Memory",
    "Nodes",
    "Owner",
    "Package",
    "Partition",
    "Prices",
    "Switch",
    "Topology",
    "catalogue",
    "catalogue_rows",
    "compress_hostlist",
    "expand_hostlist",
    "find_type",
    "known_keys",
    "machine_table",
    "machine_to_toml",
    "parse_machine",
    "read_machine",
    "type_row",
    "write_machine",
]

_HOMES = {
    **dict.fromkeys(("Cache", "Chiplet", "Device", "Link", "Memory", "Package", "Topology"), "topology"),
    **dict.fromkeys(("DeviceType", "catalogue", "find_type"), "catalogue"),
    **dict.fromkeys(("catalogue_rows", "type_row"), "table"),
    "compress_hostlist": "hostlist",
    "expand_hostlist": "hostlist",
    "known_keys": "keys",
    "machine_table": "table",
    "machine_to_toml": "write",
    "parse_machine": "read",
    "read_machine": "read",
    "write_machine": "write",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'machine')}"), name)
