"""A machine as the rows of a table that people read."""

from __future__ import annotations

from timonier.describe.hostlist import compress_hostlist
from timonier.describe.machine import Gpus, Machine, Nodes

Row = dict[str, str | int | float | None]


def machine_table(machine: Machine) -> list[Row]:
    """One row a group of nodes (or the counted machine), one a partition, and the total last.

    `count`: nodes in the row.  Cores, memory and GPUs are of each node in a group, of all together in the total.
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
    return [*rows, total | {"memory_bytes": memory or None, "gpus": str(machine.total_gpus)}]


def _group(group: Nodes) -> Row:
    row = _row("nodes", compress_hostlist(group.names), count=len(group.names), cores=group.cores)
    gpus = " + ".join(_shown(gpus) for gpus in group.gpus)
    return row | {"memory_bytes": group.memory_bytes or None, "gpus": gpus, "rack": group.rack}


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
