"""The rules of HPCG 3.1: tests, counted operations and bytes, the rating.

Source: the HPCG technical specification, sections 5, 6 and 8; reference code 3.1 (TestCG, TestSymmetry, TestNorms,
ReportResults).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from timonier.measure.events import check
from timonier.measure.hpcg.problem import Problem
from timonier.measure.hpcg.solve import Solver
from timonier.measure.measurement import Check

ITERATIONS = 50  # of the reference, and of a set at least
MOST_ITERATIONS = 500
OFFICIAL_S = 1800.0
_EPSILON = 2.220446049250313e-16


@dataclass(frozen=True, slots=True)
class Counts:
    """Floating-point operations and bytes of one set, by part of the work."""

    flops: dict[str, float]
    bytes: float

    @property
    def total(self) -> float:
        """All operations."""
        return sum(self.flops.values())


def counts_of(rows: Sequence[float], entries: Sequence[float], iterations: int) -> Counts:
    """What a set of `iterations` counts; rows, entries: of each level, finest first, over all ranks.

    Source: ReportResults of the reference code 3.1.
    """
    i, n, z = float(iterations), rows[0], entries[0]
    fine = sum(entries[:-1])
    flops = {
        "dot": (3 * i + 1) * 2 * n,
        "waxpby": (3 * i + 1) * 2 * n,
        "spmv": (i + 1) * 2 * z,
        "mg": i * (10 * fine + 4 * entries[-1]),
    }
    vectors = (3 * i + 1) * (2 * n * 8 + 8) + (3 * i + 1) * (2 * n * 8 + n * 8)
    product = (i + 1) * (z * 12 + n * 8 + n * 8)
    grids = 0.0
    for level_rows, level_entries in zip(rows[:-1], entries[:-1], strict=True):
        # two sweeps of two halves and a residual read the matrix five times; what the report counts as written
        grids += i * (5 * level_entries * 12 + 3 * level_rows * 8)
        grids += i * (level_rows * 8 + 2 * level_entries * 8)
    grids += i * (2 * entries[-1] * 12 + 2 * rows[-1] * 8)
    return Counts(flops, vectors + product + grids)


def rating(flops: float, iterations: int, set_s: float, overhead_s: float) -> float:
    """FLOP/s of a set: iterations beyond 50 do not count, a tenth of set-up and optimisation does."""
    return flops * ITERATIONS / iterations / (set_s + overhead_s / 10)


def spectral(problem: Problem, solver: Solver) -> list[Check]:
    """With a huge diagonal CG takes at most 12 iterations, preconditioned 2; the matrix is put back."""
    scale = _scale(problem)
    finest = problem.levels[0]
    kept = finest.values[:, 13].copy()
    finest.set_diagonal(kept * scale)
    b = problem.b * scale
    found = []
    for name, preconditioned, most in (("without", False, 12), ("with", True, 2)):
        worst = max(
            solver.run(b, ITERATIONS, 1e-12, preconditioned=preconditioned).iterations for _ in range(2)
        )
        what = "CG iterations on a matrix with a huge diagonal"
        found.append(check(f"spectral, {name} preconditioner", worst, "at most", most, what))
    finest.set_diagonal(kept)
    return found


def symmetry(problem: Problem, solver: Solver, seed: int = 1) -> list[Check]:
    """x'Ay = y'Ax, for the matrix and for the preconditioner."""
    finest = problem.levels[0]
    n = finest.rows
    rng = np.random.default_rng((seed, problem.ranks.rank))
    x, y, z = rng.random(finest.x.size), rng.random(finest.x.size), np.zeros(finest.x.size)
    weight = 2 * 2 * 26.0 * solver.dot(x, x, n) * solver.dot(y, y, n) * _EPSILON
    found = []
    for name in ("SpMV", "MG"):
        products = []
        for left, right in ((x, y), (y, x)):
            if name == "SpMV":
                solver.spmv(finest, right, z)
            else:
                solver.precondition(right[:n], z)
            products.append(solver.dot(left, z, n))
        departure = abs(products[0] - products[1]) / weight
        found.append(check(f"symmetry, {name}", departure, "at most", 1.0, "|x'Ay - y'Ax|, scaled"))
    return found


def norms(scaled: Sequence[float]) -> Check:
    """Every set ends with the same residual."""
    mean = math.fsum(scaled) / len(scaled)
    variance = math.fsum((one - mean) ** 2 for one in scaled) / len(scaled)
    return check("norms", variance, "below", 1e-6, "variance of the scaled residual over the sets")


def matrix(problem: Problem) -> Check:
    """Every row is what the specification says: A 1 = b, of which the reference's CheckProblem makes sure."""
    finest = problem.levels[0]
    wrong = float(np.count_nonzero(finest.values.sum(axis=1) != problem.b))
    wrong += float(np.count_nonzero(finest.values[:, 13] != 26.0))
    wrong += float(
        np.count_nonzero((finest.values != 26.0) & (finest.values != -1.0) & (finest.values != 0.0))
    )
    return check("matrix", problem.ranks.sum(wrong), "equal", 0, "rows that are not the 27-point operator")


def _scale(problem: Problem) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """1e6 for every row, and more for the first nine."""
    rows = problem.levels[0].box.global_rows()
    return np.where(rows < 9, (rows + 2) * 1e6, 1e6)
