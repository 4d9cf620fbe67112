"""Several descriptions as one machine: five workstations that have no slurm.conf."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from timonier.describe.hostlist import compress_hostlist
from timonier.describe.machine import Machine, Partition, Prices
from timonier.describe.topology import Topology
from timonier.kit.keys import Problems


def merge_machines(machines: Sequence[tuple[str, Machine]], name: str) -> Machine:
    """One machine of all nodes.  machines: (where it stands, machine).

    Groups and parts that are equal become one; switches, partitions and owners of one name are joined.
    Raises InputError that names every collision: a node twice, one name with two meanings.
    """
    problems = Problems("describe merge")
    _check_kinds(machines, problems)
    _check_nodes(machines, problems)
    problems.raise_any()
    every = [machine for _, machine in machines]
    merged = Machine(
        name,
        nodes=_joined([group for one in every for group in one.nodes], "names"),
        switches=_named([s for one in every for s in one.switches], "name", "speed_bytes_per_s", problems),
        partitions=_named([p for one in every for p in one.partitions], "name", "max_time_s", problems),
        owners=_named([owner for one in every for owner in one.owners], "account", "", problems),
        licences=_licences(machines, problems),
        prices=_prices(machines, problems),
        topology=_topology(machines),
    )
    defaults = [part.name for part in merged.partitions if part.default]
    if len(defaults) > 1:
        problems.add(f"two default partitions: {', '.join(defaults)}", "partition", "keep one default")
    problems.raise_any()
    return merged


def _check_kinds(machines: Sequence[tuple[str, Machine]], problems: Problems) -> None:
    for where, machine in machines:
        if machine.is_counted:
            problems.add(
                f"{where} is a counted machine, without nodes", where, "describe its nodes in [[node]]"
            )


def _check_nodes(machines: Sequence[tuple[str, Machine]], problems: Problems) -> None:
    first: dict[str, str] = {}
    for where, machine in machines:
        names = [name for group in machine.nodes for name in group.names]
        doubled = [name for name in names if name in first]
        if doubled:
            more = f" (and {len(doubled) - 1} more)" if len(doubled) > 1 else ""
            what = f"node {doubled[0]!r}{more} is in {first[doubled[0]]} and in {where}"
            problems.add(what, where, "rename it in one of them")
        first |= dict.fromkeys(names, where)


def _joined(items: Iterable[Any], names: str) -> tuple[Any, ...]:
    """Equal records become one, in the order of the first; `names` is the field that adds up."""
    groups: dict[Any, Any] = {}
    for item in items:
        key = repr(replace(item, **{names: ()}))
        known = groups.get(key)
        groups[key] = (
            item if known is None else replace(known, **{names: getattr(known, names) + getattr(item, names)})
        )
    return tuple(groups.values())


def _named(items: Iterable[Any], key: str, same: str, problems: Problems) -> tuple[Any, ...]:
    """Records of one name become one with the nodes of both; what `same` names must agree, or be told once."""
    found: dict[str, Any] = {}
    for item in items:
        name = getattr(item, key)
        known = found.setdefault(name, item)
        if known is item:
            continue
        values = {getattr(one, same) for one in (known, item)} - {None} if same else set()
        if len(values) > 1:
            kind = type(item).__name__.lower()
            what = (
                f"{kind} {name!r} is told twice, with different {same}: {', '.join(map(str, sorted(values)))}"
            )
            problems.add(what, name, "make them equal, or rename one")
        change: dict[str, Any] = {"nodes": known.nodes + item.nodes}
        if same and values:
            change[same] = max(values)
        if isinstance(item, Partition):
            change["default"] = known.default or item.default
        found[name] = replace(known, **change)
    return tuple(found.values())


def _licences(machines: Sequence[tuple[str, Machine]], problems: Problems) -> dict[str, int]:
    """One pool that both know, where the numbers agree."""
    licences: dict[str, int] = {}
    for where, machine in machines:
        for name, count in machine.licences.items():
            if licences.setdefault(name, count) != count:
                what = f"licence {name!r}: {licences[name]} and {count}"
                problems.add(what, where, "write the same number in both: how many there are in all")
    return licences


def _prices(machines: Sequence[tuple[str, Machine]], problems: Problems) -> Prices:
    told = {machine.prices for _, machine in machines} - {Prices()}
    if len(told) > 1:
        problems.add("different prices", "prices", "make them equal, or take one out")
    return min(told, key=repr) if told else Prices()


def _topology(machines: Sequence[tuple[str, Machine]]) -> Topology:
    """Equal parts become one for all their nodes; what is unknown says of which nodes."""
    every = [machine.topology for _, machine in machines]
    of: dict[tuple[str, str], list[str]] = {}
    for _, machine in machines:
        for reason in machine.topology.unknown.items():
            of.setdefault(reason, []).extend(name for group in machine.nodes for name in group.names)
    unknown = {f"{compress_hostlist(names)}: {what}": why for (what, why), names in of.items()}
    return Topology(
        _joined([part for one in every for part in one.packages], "nodes"),
        _joined([part for one in every for part in one.memories], "nodes"),
        _joined([part for one in every for part in one.devices], "nodes"),
        _joined([part for one in every for part in one.links], "nodes"),
        unknown,
    )
