"""What no single key of a machine file can tell: entries that are missing, doubled or contradict others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from timonier.describe.machine import Gpus, Nodes
from timonier.describe.mig import mig_geometries, mig_geometry
from timonier.describe.read_topology import REQUIRED, SECTIONS
from timonier.describe.watts import Watts, watts_of_gpu, watts_of_node
from timonier.kit.errors import nearest
from timonier.kit.keys import LATER, Problems, require

_REQUIRED = {
    "node": ["names"],
    "switch": ["name", "nodes"],
    "partition": ["name"],
    "owner": ["account"],
    **REQUIRED,
}
_ONLY_WITH_NODES = ("switch", *SECTIONS)


def check_sense(checked: Mapping[str, Any], content: Mapping[str, Any], problems: Problems) -> None:
    """Note every contradiction of a machine file.

    checked: its entries, converted and with hostlists expanded.  content: all of them as they stand in it.
    """
    _check_kind(content, problems)
    for section, names in _REQUIRED.items():
        # as they stand in the file: a wrong entry is noted already, and not missing; [] where they are no tables
        tables = content[section] if checked.get(section) else []
        for index, table in enumerate(tables):
            require(table, names, problems, f"{section}[{index}]")
    known = _check_nodes(checked.get("node", []), problems)
    if "node" in content:
        for section in ("switch", "partition", "owner", *SECTIONS):
            _check_members(checked.get(section, []), section, known, problems)
    _check_inside(checked, problems)
    is_counted = "processors" in content
    _check_partitions(checked.get("partition", []), is_counted, problems)
    _check_owners(checked.get("owner", []), checked.get("processors"), is_counted, problems)
    for section, key in (("switch", "name"), ("partition", "name"), ("owner", "account")):
        _check_once([table.get(key, "") for table in checked.get(section, [])], section, key, problems)
    priced = "per_kwh" in checked.get("prices", {}) or any(
        "price" in group or "per_hour" in group for group in checked.get("node", [])
    )
    if priced and not checked.get("prices", {}).get("currency"):
        problems.add("a price without its currency", "prices", 'add currency = "CHF"')
    for index, group in enumerate(checked.get("node", [])):
        if "price" in group and "per_hour" in group:
            problems.add("both price and per_hour", f"node[{index}].per_hour", "a node is bought or rented")


def _check_kind(content: Mapping[str, Any], problems: Problems) -> None:
    if "processors" in content and "node" in content:
        problems.add(
            "both processors and nodes: a machine is counted or has nodes",
            "processors",
            "take one of them out",
        )
    elif "processors" not in content and "node" not in content:
        problems.add("neither processors nor nodes", "", "add processors = ..., or [[node]]")
    elif "processors" in content:
        for section in _ONLY_WITH_NODES:
            if section in content:
                problems.add("a counted machine has no nodes", section, "describe them in [[node]]")


def _check_nodes(groups: Iterable[Mapping[str, Any]], problems: Problems) -> set[str]:
    """The names of all nodes; doubled ones, odd cores and odd GPUs are noted."""
    known: set[str] = set()
    for index, group in enumerate(groups):
        path = f"node[{index}]"
        names = group.get("names", ())
        doubled = [name for name in names if name in known] or (
            [] if len(set(names)) == len(names) else names[:1]
        )
        if doubled:
            problems.add(f"node {doubled[0]!r} is described twice", f"{path}.names", "name each node once")
        known.update(names)
        cores = group.get("cores", 1) * 1000
        if abs(cores - round(cores)) > 1e-6:
            problems.add("more than three decimals", f"{path}.cores", "round to thousandths of a core")
        power = (group.get("idle_power"), group.get("busy_power"))
        cpu = group.get("cpu", "")
        node = Nodes((), round(cores), cpu=cpu, idle_w=power[0], busy_w=power[1])
        _check_watts(watts_of_node(node), f"the sockets of {cpu}", path, problems)
        for at, gpus in enumerate(group.get("gpus", [])):
            _check_gpus(gpus, f"{path}.gpus[{at}]", problems)
    return known


def _check_gpus(gpus: Mapping[str, Any], path: str, problems: Problems) -> None:
    require(gpus, ["type"], problems, path)
    sharing = gpus.get("sharing", "exclusive")
    if "max_sharers" in gpus and sharing not in ("time-slice", "fraction"):
        fix = 'set sharing = "fraction", or take it out'
        problems.add(f"max_sharers has no effect under sharing = {sharing!r}", f"{path}.max_sharers", fix)
    if "layout" in gpus and sharing != "mig":
        problems.add(
            f"layout has no effect under sharing = {sharing!r}", f"{path}.layout", 'set sharing = "mig"'
        )
    kind = gpus.get("type", "")
    one = Gpus(kind, idle_w=gpus.get("idle_power"), busy_w=gpus.get("busy_power"))
    _check_watts(watts_of_gpu(one), kind, path, problems)
    if sharing == "mig" and "type" in gpus:
        _check_slices(gpus["type"], gpus.get("layout", ("dynamic",)), path, problems)


def _check_watts(watts: Watts, what: str, path: str, problems: Problems) -> None:
    """A machine that takes less at work than without any saves energy by working: no such bill is right."""
    if not watts.is_contradiction:
        return
    sources = {"file": "given here", "catalogue": f"the catalogue's for {what}"}
    idle, busy = sources[watts.idle_from], sources[watts.busy_from]
    problems.add(
        f"idle_power {watts.idle_w:g} W ({idle}) is above busy_power {watts.busy_w:g} W ({busy})",
        f"{path}.{'idle_power' if watts.idle_from == 'file' else 'busy_power'}",
        "give both, the idle one at most the busy one, or neither to take the catalogue's",
    )


def _check_slices(device: str, layout: tuple[str, ...], path: str, problems: Problems) -> None:
    geometry = mig_geometry(device)
    if geometry is None:
        fix = f"types that can be: {', '.join(mig_geometries())}"
        problems.add(f"{device!r} cannot be cut into MIG slices", f"{path}.type", fix)
        return
    if layout == ("dynamic",):
        return
    for name in layout:
        if name not in geometry.profiles:
            fix = nearest(name, geometry.profiles)
            problems.add(f"{device!r} has no MIG profile {name!r}", f"{path}.layout", fix)
            return
    if geometry.fit(layout) is None:
        fix = "docs/background/sharing.md lists the legal starts of each slice"
        problems.add(f"one {device!r} has no room for all these slices", f"{path}.layout", fix)


def _check_members(
    tables: Iterable[Mapping[str, Any]], section: str, known: set[str], problems: Problems
) -> None:
    for index, table in enumerate(tables):
        strangers = [name for name in table.get("nodes", ()) if name not in known]
        if strangers:
            # a near name among thousands helps, a list of thousands does not
            offer = (
                nearest(strangers[0], known).split(" (known")[0]
                if len(known) > 20
                else nearest(strangers[0], known)
            )
            problems.add(f"there is no node {strangers[0]!r}", f"{section}[{index}].nodes", offer)


def _check_inside(checked: Mapping[str, Any], problems: Problems) -> None:
    """Names of parts are used once in a node, and links and parents name parts."""
    seen: dict[str, set[str]] = {}
    for section in ("package", "memory", "device"):
        for index, table in enumerate(checked.get(section, [])):
            for node in table.get("nodes", ()):
                parts = seen.setdefault(node, set())
                if table.get("name") in parts:
                    path = f"{section}[{index}].name"
                    problems.add(f"a second {table['name']!r} in node {node!r}", path, "name each part once")
                    break
                parts.add(table.get("name", ""))
    for section, keys in (
        ("device", ["parent"]),
        ("memory", ["package", "beside"]),
        ("link", ["from", "to"]),
    ):
        for index, table in enumerate(checked.get(section, [])):
            for key in keys:
                strangers = [n for n in table.get("nodes", ()) if table.get(key, "") not in seen.get(n, ())]
                if table.get(key) and strangers:
                    known = seen.get(strangers[0], set()) - {""}
                    what = f"node {strangers[0]!r} has no part {table[key]!r}"
                    problems.add(what, f"{section}[{index}].{key}", nearest(table[key], known))


def _check_partitions(tables: list[Mapping[str, Any]], is_counted: bool, problems: Problems) -> None:
    for index, table in enumerate(tables):
        path = f"partition[{index}]"
        _check_part(table, path, is_counted, problems)
        if is_counted and "max_time" in table:
            fix = "limit a queue in the profile: limits = { job_time = ... }"
            problems.add(f"'max_time' of a counted machine {LATER}", f"{path}.max_time", fix)
    defaults = [index for index, table in enumerate(tables) if table.get("default")]
    if len(defaults) > 1:
        problems.add("a second default partition", f"partition[{defaults[1]}].default", "keep one default")


def _check_part(table: Mapping[str, Any], path: str, is_counted: bool, problems: Problems) -> None:
    """A part of a counted machine is so many processors, of another so many nodes."""
    wanted, other = ("processors", "nodes") if is_counted else ("nodes", "processors")
    require(table, [wanted], problems, path)
    if other in table:
        kind = "a counted machine" if is_counted else "a machine with nodes"
        problems.add(f"{kind} takes {wanted} here", f"{path}.{other}", f"write {wanted} = ...")


def _check_owners(
    tables: list[Mapping[str, Any]], processors: int | None, is_counted: bool, problems: Problems
) -> None:
    for index, table in enumerate(tables):
        _check_part(table, f"owner[{index}]", is_counted, problems)
    owned = [node for table in tables for node in table.get("nodes", ())]
    twice = sorted({node for node in owned if owned.count(node) > 1}) if len(owned) != len(set(owned)) else []
    if twice:
        problems.add(f"node {twice[0]!r} has two owners", "owner", "leave it with one of them")
    total = sum(table.get("processors", 0) for table in tables)
    if processors is not None and total > processors:
        problems.add(
            f"the owners have {total:,} processors, the machine {processors:,}", "owner", "give them fewer"
        )


def _check_once(names: list[str], section: str, key: str, problems: Problems) -> None:
    for index, name in enumerate(names):
        if name and name in names[:index]:
            problems.add(
                f"a second {section} {name!r}", f"{section}[{index}].{key}", "give each its own name"
            )
