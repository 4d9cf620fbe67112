"""A part of a machine with nodes, as a machine of its own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from timonier.describe.machine import Machine
from timonier.describe.topology import Topology


def part_of(machine: Machine, nodes: Collection[str], name: str) -> Machine:
    """The machine with these nodes only; what spans more than them is cut down to them, or left out.

    Licences belong to the machine and stay whole; owners are left out.
    """
    kept = frozenset(nodes)

    def cut(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(node for node in names if node in kept)

    groups = (replace(group, names=cut(group.names)) for group in machine.nodes)
    switches = (replace(switch, nodes=cut(switch.nodes)) for switch in machine.switches)
    partitions = (replace(part, nodes=cut(part.nodes)) for part in machine.partitions)
    return replace(
        machine,
        name=name,
        nodes=tuple(group for group in groups if group.names),
        switches=tuple(switch for switch in switches if switch.nodes),
        partitions=tuple(part for part in partitions if part.nodes),
        owners=(),
        topology=Topology(),
    )
