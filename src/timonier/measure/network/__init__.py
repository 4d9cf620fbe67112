"""network: ping-pong, bandwidth, sums over all ranks and bisection, over MPI ranks and nodes.

Two ranks on one node measure shared memory, and the label says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from timonier.kit.errors import InputError
from timonier.measure.events import Report
from timonier.measure.here import Here
from timonier.measure.ranks import check_mpi
from timonier.measure.recipe import Planned, Setup, Wanted

SETTINGS: Mapping[str, tuple[Any, str]] = {
    "batches": (7, "batches of each size at least; the median counts"),
}


def plan(here: Here, wanted: Wanted) -> list[Planned]:
    """One task: a rank a core, at least two."""
    check_mpi()
    ranks = wanted.ranks or max(2, len(here.cpus))
    if ranks < 2:
        raise InputError("one rank has nobody to talk to", where="--ranks", fix="--ranks 2")
    batches = int(wanted.settings.get("batches", SETTINGS["batches"][0]))
    return [Planned(f"{ranks} ranks", {"batches": batches}, ranks=ranks, cpus=here.cpus)]


def work(setup: Setup, report: Report) -> None:
    """See network/work.py."""
    from timonier.measure.network.work import work as run

    run(setup, report)
