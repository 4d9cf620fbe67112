"""graph500: breadth-first search and shortest paths from 64 roots of a Kronecker graph, every result proved.

Source: Graph500 specification 2.0 (2017).  Tuples from a vertex to itself are dropped from the count of edges, as the
reference code does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from timonier.measure.events import Report
from timonier.measure.here import Here
from timonier.measure.ranks import ranks_of
from timonier.measure.recipe import Planned, Setup, Wanted, check_memory

SETTINGS: Mapping[str, tuple[Any, str]] = {
    "scale": (18, "2^scale vertices, 16 tuples each"),
    "seed": (1, "of the graph and of the roots"),
    "roots": (64, "searches of each kind; fewer than 64 do not conform"),
}
# bytes a vertex: both graphs (32 ends of 4 and of 8 bytes), tuples (16 of 20 bytes), scratch
_BYTES = 32 * 4 * 2 + 32 * 8 + 16 * 20 + 120


def plan(here: Here, wanted: Wanted) -> list[Planned]:
    """One task: alone, or on the ranks that are wanted."""
    settings = {key: int(wanted.settings.get(key, default)) for key, (default, _) in SETTINGS.items()}
    ranks = ranks_of(wanted.ranks)
    check_memory(_BYTES * 2.0 ** settings["scale"], here, "--set scale=... with a smaller scale")
    return [
        Planned(
            f"scale {settings['scale']}", settings, ranks=ranks, cpus=here.cpus if ranks else here.cpus[:1]
        )
    ]


def work(setup: Setup, report: Report) -> None:
    """See graph500/work.py."""
    from timonier.measure.graph500.work import work as run

    run(setup, report)
