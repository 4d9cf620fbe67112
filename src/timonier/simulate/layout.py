"""The machine file as the kernel's arrays: nodes in the order of ties, devices node by node, switches, slices."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonier.describe import Gpus, Machine, Nodes, mig_geometry
from timonier.describe.devices import memory_of
from timonier.kit.errors import InputError
from timonier.simulate.kernel import site as k

Ints = NDArray[np.int64]
SHARING = {"exclusive": k.EXCLUSIVE, "time-slice": k.SHARED, "fraction": k.SHARED}
LICENCE = "licence_"  # res.licence_NAME asks for the machine's licences


@dataclass(frozen=True, slots=True)
class Layout:
    """A machine with nodes, ready for the kernel.

    names: of the nodes, in the order of ties.  kinds: one (group, partitions) for each kind of node.
    types: of the devices, in lower case; type_bytes: memory of each, 0: not known.  resources: after cores and memory.
    profiles: MIG profiles of any device here.  layouts: per geometry (device type, fixed slices).
    """

    names: tuple[str, ...]
    kinds: tuple[tuple[Nodes, frozenset[str]], ...]
    types: tuple[str, ...]
    type_bytes: tuple[int, ...]
    resources: tuple[str, ...]
    licences: tuple[str, ...]
    profiles: tuple[str, ...]
    geometries: tuple[tuple[str, tuple[str, ...] | None], ...]
    node: Any
    total: Ints
    device: Any
    licence: Ints
    starts: NDArray[np.int32]
    slices: NDArray[np.int32]
    width: NDArray[np.int32]
    options: NDArray[np.int32]
    domain_at: NDArray[np.int32]
    domain_kind: NDArray[np.uint8]
    domain_node: NDArray[np.int32]
    member_at: NDArray[np.int32]
    member: NDArray[np.int32]

    def share_of(self, profile: str, device: int) -> float:
        """The part of a GPU that a slice is: its compute slices of all."""
        geometry = mig_geometry(self.types[self.device["type"][device]])
        if geometry is None:  # a device that cannot be cut has no slices
            return 0.0
        return geometry.profiles[profile].compute_slices / geometry.compute_slices


def natural(name: str) -> tuple[Any, ...]:
    """A key by which gpu2 stands before gpu10.

    >>> sorted(["gpu10", "gpu2"], key=natural)
    ['gpu2', 'gpu10']
    """
    parts = re.split(r"(\d+)", name)
    return (*(int(part) if part.isdigit() else part for part in parts), name)


def lay_out(machine: Machine, by_name: bool) -> Layout:
    """The arrays of a machine; its nodes by name, or in the order of the machine file.

    Raises InputError where a device cannot be cut as asked.
    """
    groups = [(name, group) for group in machine.nodes for name in group.names]
    if by_name:
        groups.sort(key=lambda pair: natural(pair[0]))
    names = tuple(name for name, _ in groups)
    index = {name: n for n, name in enumerate(names)}
    kinds, kind = _kinds(machine, groups)
    types = tuple(dict.fromkeys(gpus.type.lower() for group in machine.nodes for gpus in group.gpus))
    geometries = tuple(
        dict.fromkeys(
            (gpus.type.lower(), gpus.layout)
            for group in machine.nodes
            for gpus in group.gpus
            if gpus.sharing == "mig"
        )
    )
    resources = tuple(dict.fromkeys(name for group in machine.nodes for name in group.resources))
    node, device = _devices(groups, kind, types, geometries)
    racks, domains = _domains(machine, groups, index)
    node["rack"] = racks
    profiles, starts, slices, options = _slices(geometries)
    member_at, member = _members(domains, len(names))
    return Layout(
        names=names,
        kinds=kinds,
        types=types,
        type_bytes=tuple(_memory_of(machine, name) for name in types),
        resources=resources,
        licences=tuple(machine.licences),
        profiles=profiles,
        geometries=geometries,
        node=node,
        total=_totals(groups, resources),
        device=device,
        licence=np.array(list(machine.licences.values()), dtype=np.int64),
        starts=starts,
        slices=slices,
        width=np.array([_slices_of(name) for name, _ in geometries], dtype=np.int32),
        options=options,
        domain_at=np.cumsum([0, *(len(nodes) for _, nodes in domains)]).astype(np.int32),
        domain_kind=np.array([kind for kind, _ in domains], dtype=np.uint8),
        domain_node=np.array([n for _, nodes in domains for n in nodes], dtype=np.int32),
        member_at=member_at,
        member=member,
    )


def _kinds(
    machine: Machine, groups: Sequence[tuple[str, Nodes]]
) -> tuple[tuple[tuple[Nodes, frozenset[str]], ...], list[int]]:
    """The kinds of nodes, told apart by their group and their partitions; and the kind of each node."""
    inside: dict[str, list[str]] = {}
    for partition in machine.partitions:
        for name in partition.nodes:
            inside.setdefault(name, []).append(partition.name)
    seen: dict[tuple[int, frozenset[str]], int] = {}
    kinds: list[tuple[Nodes, frozenset[str]]] = []
    kind = []
    for name, group in groups:
        key = (id(group), frozenset(inside.get(name, ())))
        if key not in seen:
            seen[key] = len(kinds)
            kinds.append((group, key[1]))
        kind.append(seen[key])
    return tuple(kinds), kind


def _totals(groups: Sequence[tuple[str, Nodes]], resources: Sequence[str]) -> Ints:
    rows = [
        (group.core_thousandths, group.memory_bytes, *(group.resources.get(name, 0) for name in resources))
        for _, group in groups
    ]
    return np.array(rows, dtype=np.int64).reshape(len(groups), 2 + len(resources))


def _devices(
    groups: Sequence[tuple[str, Nodes]],
    kind: Sequence[int],
    types: Sequence[str],
    geometries: Sequence[tuple[str, tuple[str, ...] | None]],
) -> tuple[Any, Any]:
    node = np.zeros(len(groups), dtype=k.NODE)
    node["kind"] = kind
    rows: list[tuple[int, int, int, int, int]] = []
    for n, (_, group) in enumerate(groups):
        node[n]["weight"] = group.weight
        node[n]["first"] = len(rows)
        for gpus in group.gpus:
            rows += [(n, types.index(gpus.type.lower()), *_sharing(gpus, geometries))] * gpus.count
        node[n]["last"] = len(rows)
    return node, np.array(rows, dtype=k.DEVICE)


def _sharing(gpus: Gpus, geometries: Sequence[tuple[str, tuple[str, ...] | None]]) -> tuple[int, int, int]:
    if gpus.sharing == "mig":
        geometry = geometries.index((gpus.type.lower(), gpus.layout))
        return (k.SLICED if gpus.layout is None else k.FIXED), geometry, 0
    return SHARING[gpus.sharing], -1, gpus.max_sharers or k.WHOLE


def _domains(
    machine: Machine, groups: Sequence[tuple[str, Nodes]], index: dict[str, int]
) -> tuple[list[int], list[tuple[int, list[int]]]]:
    """The rack of each node (-1: none), and all switches and racks as (kind, nodes)."""
    domains = [(k.IN_SWITCH, sorted(index[name] for name in switch.nodes)) for switch in machine.switches]
    places: dict[str, int] = {}
    racks = []
    for n, (_, group) in enumerate(groups):
        if not group.rack:
            racks.append(-1)
            continue
        if group.rack not in places:
            places[group.rack] = len(domains)
            domains.append((k.IN_RACK, []))
        domains[places[group.rack]][1].append(n)
        racks.append(places[group.rack])
    return racks, domains


def _members(
    domains: Sequence[tuple[int, list[int]]], count: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The switches of each node, in the order of the machine file."""
    of_node: list[list[int]] = [[] for _ in range(count)]
    for domain, (kind, nodes) in enumerate(domains):
        if kind == k.IN_SWITCH:
            for n in nodes:
                of_node[n].append(domain)
    at = np.cumsum([0, *(len(found) for found in of_node)]).astype(np.int32)
    return at, np.array([domain for found in of_node for domain in found], dtype=np.int32)


def _slices(
    geometries: Sequence[tuple[str, tuple[str, ...] | None]],
) -> tuple[tuple[str, ...], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """MIG profiles; starts and memory slices of each, and the ways to cut one more slice of any, per geometry."""
    found = []
    for device, layout in geometries:
        geometry = mig_geometry(device)
        places = None if geometry is None else geometry.fit(layout or ())
        if geometry is None or places is None:
            raise InputError(f"a {device!r} cannot be cut into {layout or 'slices'}")
        legal = (
            {name: profile.starts for name, profile in geometry.profiles.items()}
            if layout is None
            else {name: tuple(p for n, p in zip(layout, places, strict=True) if n == name) for name in layout}
        )
        found.append((geometry, legal))
    profiles = tuple(dict.fromkeys(name for geometry, _ in found for name in geometry.profiles))
    # one column more: the profile that no device here has
    starts = np.zeros((len(found), len(profiles) + 1), dtype=np.int32)
    slices = np.zeros((len(found), len(profiles) + 1), dtype=np.int32)
    options = np.zeros((len(found), 256), dtype=np.int32)
    for g, (geometry, legal) in enumerate(found):
        for name, begins in legal.items():
            profile = geometry.profiles[name]
            starts[g, profiles.index(name)] = sum(1 << start for start in set(begins))
            slices[g, profiles.index(name)] = profile.memory_slices
            for start in set(begins):
                options[g] += np.bitwise_and(np.arange(256), profile.mask(start)) == 0
    return profiles, starts, slices, options


def _slices_of(name: str) -> int:
    geometry = mig_geometry(name)
    return 0 if geometry is None else geometry.memory_slices


def _memory_of(machine: Machine, name: str) -> int:
    """Memory of a device type in bytes, 0: not known."""
    found = [memory_of(gpus) for group in machine.nodes for gpus in group.gpus if gpus.type.lower() == name]
    return next((size for size in found if size is not None), 0)
