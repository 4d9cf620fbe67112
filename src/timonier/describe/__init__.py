"""Room: describe. The machines that people own, as records and as files.

Everything here loads on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from timonier.describe.beside import Figure, measured_rows
    from timonier.describe.catalogue import DeviceType, find_type, known_types
    from timonier.describe.doubts import machine_doubts
    from timonier.describe.hostlist import compress_hostlist, expand_hostlist
    from timonier.describe.keys import known_keys
    from timonier.describe.machine import Gpus, Machine, Nodes, Owner, Partition, Prices, Switch
    from timonier.describe.merge import merge_machines
    from timonier.describe.mig import MigGeometry, MigProfile, mig_geometries, mig_geometry
    from timonier.describe.part import part_of
    from timonier.describe.read import parse_machine, read_machine
    from timonier.describe.shipped import openb_machine, shipped_file, shipped_machines
    from timonier.describe.table import catalogue_rows, machine_table, type_details, type_row
    from timonier.describe.template import machine_template
    from timonier.describe.topology import Cache, Chiplet, Device, Link, Memory, Package, Topology
    from timonier.describe.write import machine_to_toml, write_machine

__all__ = [
    "Cache",
    "Chiplet",
    "Device",
    "DeviceType",
    "Figure",
    "Gpus",
    "Link",
    "Machine",
    "Memory",
    "MigGeometry",
    "MigProfile",
    "Nodes",
    "Owner",
    "Package",
    "Partition",
    "Prices",
    "Switch",
    "Topology",
    "catalogue_rows",
    "compress_hostlist",
    "expand_hostlist",
    "find_type",
    "known_keys",
    "known_types",
    "machine_doubts",
    "machine_table",
    "machine_template",
    "machine_to_toml",
    "measured_rows",
    "merge_machines",
    "mig_geometries",
    "mig_geometry",
    "openb_machine",
    "parse_machine",
    "part_of",
    "read_machine",
    "shipped_file",
    "shipped_machines",
    "type_details",
    "type_row",
    "write_machine",
]

_HOMES = {
    "MigGeometry": "mig",
    "MigProfile": "mig",
    **dict.fromkeys(("Figure", "measured_rows"), "beside"),
    **dict.fromkeys(("Cache", "Chiplet", "Device", "Link", "Memory", "Package", "Topology"), "topology"),
    **dict.fromkeys(("DeviceType", "find_type", "known_types"), "catalogue"),
    **dict.fromkeys(("catalogue_rows", "type_details", "type_row"), "table"),
    "compress_hostlist": "hostlist",
    "expand_hostlist": "hostlist",
    "known_keys": "keys",
    "machine_doubts": "doubts",
    "machine_table": "table",
    "machine_template": "template",
    "machine_to_toml": "write",
    "merge_machines": "merge",
    "mig_geometries": "mig",
    "mig_geometry": "mig",
    "openb_machine": "shipped",
    "parse_machine": "read",
    "part_of": "part",
    "read_machine": "read",
    "shipped_file": "shipped",
    "shipped_machines": "shipped",
    "write_machine": "write",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'machine')}"), name)
