"""Machines as TOML: what reads back to the same record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from timonier.describe.hostlist import compress_hostlist
from timonier.describe.machine import Gpus, Machine, Nodes, Owner, Partition, Prices, Switch
from timonier.describe.read import SCHEMA
from timonier.describe.write_topology import said, topology_content
from timonier.kit.toml import format_toml, write_toml


def write_machine(machine: Machine, path: str | Path) -> None:
    """Write the machine file, whole or not at all."""
    write_toml(path, _content(machine))


def machine_to_toml(machine: Machine) -> str:
    """The machine file as text."""
    return format_toml(_content(machine))


def _content(machine: Machine) -> dict[str, Any]:
    content = {
        "schema": SCHEMA,
        "name": machine.name,
        "processors": machine.processors,
        "node": [_nodes(group) for group in machine.nodes],
        "switch": [_switch(switch) for switch in machine.switches],
        "partition": [_partition(part) for part in machine.partitions],
        "owner": [_owner(owner) for owner in machine.owners],
        "licences": dict(machine.licences),
        "prices": _prices(machine.prices),
    }
    return said(content | topology_content(machine.topology))


def _nodes(group: Nodes) -> dict[str, Any]:
    whole = group.core_thousandths % 1000 == 0
    table = {
        "names": compress_hostlist(group.names),
        "rack": group.rack,
        "cpu": group.cpu,
        "cores": group.core_thousandths // 1000 if whole else group.cores,
        "memory": group.memory_bytes or None,
        "gpus": [_gpus(gpus) for gpus in group.gpus],
        "features": list(group.features),
        "weight": None if group.weight == 1 else group.weight,
        "resources": dict(group.resources),
        "idle_power": group.idle_w,
        "busy_power": group.busy_w,
        "price": group.price,
        "per_hour": group.per_hour,
        "product": group.product,
        "kernel": group.kernel,
    }
    return said(table)


def _gpus(gpus: Gpus) -> dict[str, Any]:
    table = {
        "type": gpus.type,
        "count": gpus.count,
        "sharing": None if gpus.sharing == "exclusive" else gpus.sharing,
        "max_sharers": gpus.max_sharers,
        "idle_power": gpus.idle_w,
        "busy_power": gpus.busy_w,
        "memory": gpus.memory_bytes,
    }
    # an empty layout is none of the GPU, not a free one
    return said(table) | ({} if gpus.layout is None else {"layout": list(gpus.layout)})


def _prices(prices: Prices) -> dict[str, Any]:
    usual = prices.lifetime_s == Prices().lifetime_s
    lifetime = None if usual else prices.lifetime_s
    return said({"currency": prices.currency, "per_kwh": prices.per_kwh, "lifetime": lifetime})


def _switch(switch: Switch) -> dict[str, Any]:
    table = {
        "name": switch.name,
        "nodes": compress_hostlist(switch.nodes),
        "speed": switch.speed_bytes_per_s,
    }
    return said(table)


def _partition(part: Partition) -> dict[str, Any]:
    table = {
        "name": part.name,
        "processors": part.processors,
        "nodes": compress_hostlist(part.nodes),
        "default": part.default or None,
        "max_time": part.max_time_s,
    }
    return said(table)


def _owner(owner: Owner) -> dict[str, Any]:
    nodes = compress_hostlist(owner.nodes)
    return said({"account": owner.account, "processors": owner.processors, "nodes": nodes})
