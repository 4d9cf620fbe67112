"""Room: describe. The machines that people own, as records and as files.

Everything here loads on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from timonier.describe.hostlist import compress_hostlist, expand_hostlist
    from timonier.describe.keys import known_keys
    from timonier.describe.machine import Gpus, Machine, Nodes, Owner, Partition, Prices, Switch
    from timonier.describe.mig import MigGeometry, MigProfile, mig_geometries, mig_geometry
    from timonier.describe.read import parse_machine, read_machine
    from timonier.describe.shipped import openb_machine, shipped_file, shipped_machines
    from timonier.describe.table import machine_table
    from timonier.describe.write import machine_to_toml, write_machine

__all__ = [
    "Gpus",
    "Machine",
    "MigGeometry",
    "MigProfile",
    "Nodes",
    "Owner",
    "Partition",
    "Prices",
    "Switch",
    "compress_hostlist",
    "expand_hostlist",
    "known_keys",
    "machine_table",
    "machine_to_toml",
    "mig_geometries",
    "mig_geometry",
    "openb_machine",
    "parse_machine",
    "read_machine",
    "shipped_file",
    "shipped_machines",
    "write_machine",
]

_HOMES = {
    "MigGeometry": "mig",
    "MigProfile": "mig",
    "compress_hostlist": "hostlist",
    "expand_hostlist": "hostlist",
    "known_keys": "keys",
    "machine_table": "table",
    "machine_to_toml": "write",
    "mig_geometries": "mig",
    "mig_geometry": "mig",
    "openb_machine": "shipped",
    "parse_machine": "read",
    "read_machine": "read",
    "shipped_file": "shipped",
    "shipped_machines": "shipped",
    "write_machine": "write",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'machine')}"), name)
