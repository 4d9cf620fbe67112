"""gemm: matrix times matrix in every precision that this machine has a library for, on the CPU and on a GPU.

Rate = 2 n^3 / t.  Integers are checked bit by bit, floating-point results against float64 on sampled rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from timonier.measure.events import Report
from timonier.measure.here import Here
from timonier.measure.recipe import Planned, Setup, Wanted, check_memory

SETTINGS: Mapping[str, tuple[Any, str]] = {
    "n": (2048, "rows and columns of the matrices"),
    "kinds": ("all", "precisions, such as float64,int8"),
}
KINDS = ("float64", "float32", "bfloat16", "float16", "int8", "float8")


def plan(here: Here, wanted: Wanted) -> list[Planned]:
    """One core, all cores, and a GPU (blank with the reason where there is none)."""
    n = int(wanted.settings.get("n", SETTINGS["n"][0]))
    check_memory(8.0 * 4 * n * n, here, "--set n=... with fewer rows")
    settings = {"n": n, "kinds": str(wanted.settings.get("kinds", "all"))}
    if wanted.threads:
        cpus = here.cpus[: wanted.threads]
        return [Planned(f"{wanted.threads} threads", settings, threads=wanted.threads, cpus=cpus)]
    places = {"all cores": here.cpus, "one core": here.cpus[:1]}
    tasks = [
        Planned(label, settings, threads=len(cpus), cpus=cpus, share=0.4) for label, cpus in places.items()
    ]
    return [*tasks, Planned("gpu", settings, threads=1, share=0.2)]


def work(setup: Setup, report: Report) -> None:
    """See gemm/work.py."""
    from timonier.measure.gemm.work import work as run

    run(setup, report)
