"""hpl-mxp: the system of HPL by factors in float32 and refinement to float64, in one process on all cores.

Rate = (2/3 n^3 + 3/2 n^2) / t with conversion, factorisation and refinement in t.
float32 is what a CPU multiplies fast; the list of HPL-MxP asks for 16 bits, which is a matter for GPUs.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

from timonier.measure.events import Report, check
from timonier.measure.here import Here
from timonier.measure.hpl.text import LIMIT, operations
from timonier.measure.hpl_like import scaled_residual
from timonier.measure.packages import need
from timonier.measure.recipe import Planned, Setup, Wanted, check_memory
from timonier.measure.repeat import repeat

SETTINGS: Mapping[str, tuple[Any, str]] = {
    "n": (8000, "unknowns; below 8000 the refinement takes the larger part")
}


def plan(here: Here, wanted: Wanted) -> list[Planned]:
    """All cores; with --threads as many as wanted."""
    n = int(wanted.settings.get("n", SETTINGS["n"][0]))
    check_memory(13.0 * n * n, here, "--set n=... with fewer unknowns")
    need("scipy", "measure")
    threads = wanted.threads or len(here.cpus)
    label = f"float32, {threads} thread{'s' if threads > 1 else ''}"
    return [Planned(label, {"n": n}, threads=threads, cpus=here.cpus[:threads])]


def work(setup: Setup, report: Report) -> None:
    """Factorise and refine again and again; the generation of the matrix does not count."""
    from timonier.measure.hpl_mxp.solve import MOST_ITERATIONS, factors, refine, system

    small, right = system(300)
    refine(small, right, factors(small))
    matrix, b = system(int(setup.settings["n"]))
    worst, iterations = 0.0, 0

    def draw() -> dict[str, float]:
        nonlocal worst, iterations
        began = perf_counter()
        blas = factors(matrix)
        factorised = perf_counter()
        refined = refine(matrix, b, blas)
        ended = perf_counter()
        worst = max(worst, scaled_residual(matrix, refined.x, b))
        iterations = max(iterations, refined.iterations)
        return {
            "hpl_mxp.rate": operations(b.size) / (ended - began),
            "hpl_mxp.factorisation": operations(b.size) / (factorised - began),
        }

    repeat(report, setup.budget(), draw)
    report.check(check("residual", worst, "below", LIMIT, "||Ax - b||, scaled as in HPL"))
    report.check(check("iterations", iterations, "at most", MOST_ITERATIONS, "iterations of GMRES"))
    report.note(f"{iterations} iterations of GMRES", "hpl_mxp.rate")
