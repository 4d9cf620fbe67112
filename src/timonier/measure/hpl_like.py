"""hpl-like: the system of HPL in one process, by LAPACK's LU with partial pivoting (scipy), on all cores.

A legitimate figure of one node; across nodes run `hpl`, the real program.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

from timonier.measure.events import Report, check
from timonier.measure.here import Here
from timonier.measure.hpl.text import LIMIT, operations, residual
from timonier.measure.packages import need
from timonier.measure.recipe import Planned, Setup, Wanted, check_memory
from timonier.measure.repeat import repeat

SETTINGS: Mapping[str, tuple[Any, str]] = {"n": (8000, "unknowns")}


def plan(here: Here, wanted: Wanted) -> list[Planned]:
    """All cores; with --threads as many as wanted."""
    n = int(wanted.settings.get("n", SETTINGS["n"][0]))
    check_memory(8.0 * 2.2 * n * n, here, "--set n=... with fewer unknowns")
    need("scipy", "measure")
    threads = wanted.threads or len(here.cpus)
    label = f"one process, {threads} thread{'s' if threads > 1 else ''}"
    return [Planned(label, {"n": n}, threads=threads, cpus=here.cpus[:threads])]


def work(setup: Setup, report: Report) -> None:
    """Factorise and solve again and again; the generation of the matrix does not count."""
    import numpy as np
    from scipy.linalg import lu_factor, lu_solve

    n = int(setup.settings["n"])
    rng = np.random.default_rng(1)
    matrix = rng.uniform(-0.5, 0.5, (n, n)).T  # columns one after the other, as LAPACK wants them
    b = rng.uniform(-0.5, 0.5, n)
    room = np.empty_like(matrix)
    lu_solve(lu_factor(matrix[:64, :64]), b[:64])
    x = b

    def draw() -> dict[str, float]:
        nonlocal x
        np.copyto(room, matrix)
        began = perf_counter()
        x = lu_solve(lu_factor(room, overwrite_a=True, check_finite=False), b, check_finite=False)
        return {"hpl_like.rate": operations(n) / (perf_counter() - began)}

    repeat(report, setup.budget(), draw)
    report.check(
        check("residual", scaled_residual(matrix, x, b), "below", LIMIT, "||Ax - b||, scaled as in HPL")
    )


def scaled_residual(matrix: Any, x: Any, b: Any) -> float:
    """HPL's residual of a solution, in float64."""
    import numpy as np

    error = float(np.abs(matrix @ x - b).max())
    rows = float(np.linalg.norm(matrix, np.inf))
    return residual((error, rows, float(np.abs(x).max()), float(np.abs(b).max())), b.size)
