"""Machines that ship: files to start from, and generated ones.

openb: the shapes of Alibaba's GPU cluster of 2023 and how many nodes have each (`openb.csv`), with our own names.
Source: Weng et al., USENIX ATC 2023; the node list of alibaba/clusterdata, cluster-trace-gpu-v2023.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from functools import partial
from pathlib import Path

from timonier.describe.machine import Gpus, Machine, Nodes

_HERE = Path(__file__).parent
_GIB = 2**30


def openb_machine(all_nodes: bool = True) -> Machine:
    """1,523 nodes with 6,212 GPUs; or the 1,213 of them that have GPUs.

    GPUs can be shared by fractions, as in that cluster.
    """
    rows = list(csv.DictReader((_HERE / "openb.csv").read_text("utf-8").splitlines()))
    groups, first = [], 0
    for row in rows:
        if not (all_nodes or row["type"]):
            continue
        count = int(row["count"])
        names = tuple(f"openb{at:04}" for at in range(first, first + count))
        gpus = (Gpus(row["type"], int(row["gpus"]), "fraction"),) if row["type"] else ()
        groups.append(Nodes(names, int(row["cores"]) * 1000, int(row["memory_gib"]) * _GIB, gpus))
        first += count
    return Machine("openb" if all_nodes else "openb-gpu", nodes=tuple(groups))


_GENERATED: dict[str, Callable[[], Machine]] = {
    "openb": openb_machine,
    "openb-gpu": partial(openb_machine, False),
}
_ABOUT = {
    "school-lab": "four GPU generations, a MIG server, a workstation with shared cards: a file to edit",
    "openb": "1,523 nodes with 6,212 GPUs of seven types (Alibaba, 2023)",
    "openb-gpu": "the 1,213 nodes of openb that have GPUs",
}


def shipped_machines() -> dict[str, str]:
    """What ships: name -> what it is."""
    return dict(_ABOUT)


def shipped_file(name: str) -> Path | None:
    """The file of a shipped machine; None for a generated one."""
    path = _HERE / "machines" / f"{name}.toml"
    return path if path.is_file() else None


def generated_machine(name: str) -> Machine | None:
    """A generated machine by name; None where there is none."""
    make = _GENERATED.get(name)
    return None if make is None else make()
