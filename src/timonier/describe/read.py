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
from timonier.kit.errors import InputError
from timonier.kit.keys import Problems, check_table
from timonier.kit.toml import read_toml

SCHEMA = "timonier/machine/1"


def read_machine(path_or_number: str | int | Path) -> Machine:
    """The machine of a TOML file; a plain number is a counted machine of so many processors.

    Raises InputError that names every wrong entry.
    """
    text = str(path_or_number)
    if text.lstrip("+-").isdecimal():
        return _counted(int(text), text)
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
        prices=Prices(**checked.get("prices", {})),
        topology=topology_of(checked),
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
    kept = {
        key: table[key]
        for key in ("names", "cpu", "rack", "features", "weight", "resources", "product", "kernel")
        if key in table
    }
    return Nodes(
        **kept,
        core_thousandths=round(table.get("cores", 1) * 1000),
        memory_bytes=table.get("memory", 0),
        gpus=tuple(_gpus(entry) for entry in table.get("gpus", [])),
    )


def _gpus(table: Mapping[str, Any]) -> Gpus:
    layout = table.get("layout", ("dynamic",))
    others = {key: value for key, value in table.items() if key != "layout"}
    return Gpus(**others, layout=None if layout == ("dynamic",) else layout)


def _switch(table: Mapping[str, Any]) -> Switch:
    return Switch(table["name"], table["nodes"], table.get("speed"))


def _partition(table: Mapping[str, Any]) -> Partition:
    return Partition(**{"max_time_s" if key == "max_time" else key: value for key, value in table.items()})
