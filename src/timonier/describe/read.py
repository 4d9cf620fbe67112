"""Machines from files, or from a plain number of processors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from timonier.describe.hostlist import expand_hostlist
from timonier.describe.keys import known_keys
from timonier.describe.machine import Gpus, Machine, Nodes, Owner, Partition, Prices, Switch
from timonier.describe.read_topology import HOSTLISTS, topology_of
from timonier.describe.sense import check_sense
from timonier.describe.shipped import generated_machine, shipped_file, shipped_machines
from timonier.kit.errors import InputError, nearest
from timonier.kit.keys import Problems, check_table
from timonier.kit.toml import read_toml

SCHEMA = "timonier/machine/1"
_AS_THEY_ARE = (
    "names",
    "cpu",
    "rack",
    "features",
    "weight",
    "resources",
    "price",
    "per_hour",
    "product",
    "kernel",
)


def read_machine(path_or_number: str | int | Path) -> Machine:
    """The machine of a TOML file or one that ships; a plain number is a counted machine of so many processors.

    A file of this name goes before a shipped machine.

    Raises InputError that names every wrong entry.
    """
    text = str(path_or_number)
    if text.lstrip("+-").isdecimal():
        return _counted(int(text), text)
    if text in shipped_machines() and not Path(text).exists():
        return _shipped(text)
    if not Path(text).exists() and not Path(text).suffix and len(Path(text).parts) == 1:
        raise _no_machine(text)
    return parse_machine(read_toml(text), text, Path(text).stem)


def parse_machine(content: Mapping[str, Any], where: str = "", fallback: str = "machine") -> Machine:
    """The content of a machine file as a record; `fallback` is the name where it gives none."""
    problems = Problems(where)
    if "schema" not in content:
        problems.add("'schema' is missing", "", f'begin the file with schema = "{SCHEMA}"')
    checked = check_table(content, "", known_keys(), problems)
    _expand(checked, problems)
    check_sense(checked, content, problems)
    problems.raise_any()
    return Machine(
        name=checked.get("name", fallback),
        processors=checked.get("processors"),
        nodes=tuple(_nodes(table) for table in checked.get("node", [])),
        switches=tuple(_switch(table) for table in checked.get("switch", [])),
        partitions=tuple(_partition(table) for table in checked.get("partition", [])),
        owners=tuple(Owner(**table) for table in checked.get("owner", [])),
        licences=checked.get("licences", {}),
        prices=_prices(checked.get("prices", {})),
        topology=topology_of(checked),
    )


def _shipped(name: str) -> Machine:
    file = shipped_file(name)
    if file is not None:
        return parse_machine(read_toml(file), name, name)
    made = generated_machine(name)
    if made is None:
        raise _no_machine(name)
    return made


def _no_machine(name: str) -> InputError:
    return InputError(
        f"there is neither a file nor a shipped machine {name!r}",
        where="--machine",
        fix=f"{nearest(name, shipped_machines())}; or give a number of processors",
    )


def _counted(processors: int, text: str) -> Machine:
    if not 0 < processors < 2**63:
        raise InputError(
            "a machine needs at least one processor", where=f"--machine {text}", fix="--machine 100"
        )
    return Machine(name=str(processors), processors=processors)


def _expand(checked: Mapping[str, Any], problems: Problems) -> None:
    """Replace each hostlist by its names."""
    lists = (("node", "names"), ("switch", "nodes"), ("partition", "nodes"), ("owner", "nodes"), *HOSTLISTS)
    for section, key in lists:
        for index, table in enumerate(checked.get(section, [])):
            if key not in table:
                continue
            try:
                table[key] = expand_hostlist(table[key])
            except InputError as error:
                problems.add(error.what, f"{section}[{index}].{key}", error.fix)
                table[key] = ()


def _nodes(table: Mapping[str, Any]) -> Nodes:
    kept = {key: table[key] for key in _AS_THEY_ARE if key in table}
    return Nodes(
        **kept,
        core_thousandths=round(table.get("cores", 1) * 1000),
        memory_bytes=table.get("memory", 0),
        gpus=tuple(_gpus(entry) for entry in table.get("gpus", [])),
        idle_w=table.get("idle_power"),
        busy_w=table.get("busy_power"),
    )


def _gpus(table: Mapping[str, Any]) -> Gpus:
    layout = table.get("layout", ("dynamic",))
    renamed = {"idle_power": "idle_w", "busy_power": "busy_w", "memory": "memory_bytes"}
    others = {renamed.get(key, key): value for key, value in table.items() if key != "layout"}
    return Gpus(**others, layout=None if layout == ("dynamic",) else layout)


def _prices(table: Mapping[str, Any]) -> Prices:
    return Prices(**{"lifetime_s" if key == "lifetime" else key: value for key, value in table.items()})


def _switch(table: Mapping[str, Any]) -> Switch:
    return Switch(table["name"], table["nodes"], table.get("speed"))


def _partition(table: Mapping[str, Any]) -> Partition:
    return Partition(**{"max_time_s" if key == "max_time" else key: value for key, value in table.items()})
