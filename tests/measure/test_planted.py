"""Every validity check passes on a sound run and fails on the same run with an error planted in it."""

from __future__ import annotations

import numpy as np
import pytest

from timonier.measure.events import Report, check
from timonier.measure.gemm.work import factors as gemm_factors
from timonier.measure.gemm.work import verify
from timonier.measure.graph500.graph import build_rows, build_weighted, make_tuples
from timonier.measure.graph500.proof import prove_bfs, prove_sssp
from timonier.measure.graph500.search import Breadth, Shortest
from timonier.measure.graph500.work import choose_roots
from timonier.measure.hpcg.problem import build, prepare_reuse
from timonier.measure.hpcg.rules import matrix, norms, spectral, symmetry
from timonier.measure.hpcg.solve import Solver
from timonier.measure.hpcg.work import find_iterations, prepare
from timonier.measure.hpl.text import LIMIT, parse
from timonier.measure.hpl_like import scaled_residual
from timonier.measure.hpl_mxp.solve import factors, refine, system
from timonier.measure.kernels import chase, random_access
from timonier.measure.kernels import hpcg as hpcg_kernel
from timonier.measure.measurement import Check
from timonier.measure.ranks import Alone
from timonier.measure.stream import Passes

ALONE = Alone()


# ---- HPCG


class Lopsided(Solver):
    """A smoother that leaves out the way back: it is not symmetric."""

    def _smooth(self, level, r, x):
        self._exchange(level, x)
        hpcg_kernel.forward(level.values, level.columns, level.inverse, r, x)


def hpcg(error):
    problem = build(ALONE, (16, 16, 16))
    if error == "a wrong stencil entry":
        problem.levels[0].values[2000, 3] = -1.5
    solver = (Lopsided if error == "an unsymmetric smoother" else Solver)(problem, is_reuse=False)
    return [matrix(problem), *spectral(problem, solver), *symmetry(problem, solver)]


def hpcg_reuse(error):
    problem = build(ALONE, (16, 16, 16))
    prepare_reuse(problem)
    if error:
        problem.levels[0].halves.up[2000, 12] = -1.5
    return symmetry(problem, Solver(problem, is_reuse=True))


def hpcg_norms(error):
    return [norms([1e-5, 1e-5, 1e-5 + (1e-2 if error else 0.0)])]


class Hasty(Solver):
    """It gives up after twenty iterations."""

    def run(self, b, most, tolerance):
        return super().run(b, min(most, 20), tolerance)


def hpcg_convergence(error):
    run = prepare(ALONE, (16, 16, 16), False, Report(None))
    if error:
        run.solver = Hasty(run.problem, is_reuse=False)
    return [find_iterations(run)]


# ---- Graph500


def bfs(error):
    tuples = make_tuples(10, 1)
    root = int(choose_roots(tuples, ALONE, 1, 1)[0])
    parent = Breadth(build_rows(tuples)).search(root).copy()
    reached = [v for v in np.flatnonzero(parent >= 0) if v != root]
    # of those that are not next to the root one with a neighbour on its own level
    deep = next(
        v for v in reached if depth(parent, v, root) > 1 and beside(tuples, parent, v, root) is not None
    )
    if error == "a wrong parent":
        strangers = set(range(parent.size)) - neighbours(tuples, deep) - {deep}
        parent[deep] = next(v for v in strangers if parent[v] >= 0 and depth(parent, v, root) == 1)
    elif error == "a level off by one":
        parent[deep] = beside(tuples, parent, deep, root)
    elif error == "a cycle":
        parent[deep] = deep
    elif error == "a part left out":
        parent[deep] = -1
    return list(prove_bfs(tuples, parent, root, ALONE).checks)


def sssp(error):
    tuples = make_tuples(10, 1)
    root = int(choose_roots(tuples, ALONE, 1, 1)[0])
    parent, distance = (one.copy() for one in Shortest(build_weighted(tuples)).search(root))
    far = int(np.argmax(np.where(np.isfinite(distance), distance, -1)))
    if error == "a shortened distance":
        distance[far] *= np.float32(0.9)
    elif error == "a longer way":
        distance[far] *= np.float32(1.1)
    elif error == "a wrong parent":
        parent[far] = next(iter(set(range(parent.size)) - neighbours(tuples, far) - {far}))
    return list(prove_sssp(tuples, parent, distance, root, ALONE).checks)


def depth(parent, v, root):
    count = 0
    while v != root and count <= parent.size:
        v, count = parent[v], count + 1
        if v < 0:
            return -1
    return count


def beside(tuples, parent, v, root):
    level = depth(parent, v, root)
    near = (u for u in sorted(neighbours(tuples, v)) if u != v and depth(parent, u, root) == level)
    return next(near, None)


def neighbours(tuples, v):
    return set(tuples.ends[tuples.starts == v].tolist()) | set(tuples.starts[tuples.ends == v].tolist())


# ---- dense systems


def hpl_mxp(error):
    full, b = system(400)
    blas = factors(full)
    # the factors alone are good to 24 bits, of which HPL's residual asks 53
    most = 0 if error == "refinement stopped early" else 50
    refined = refine(full, b, blas, tolerance=np.inf if most == 0 else 1e-15)
    return [check("residual", scaled_residual(full, refined.x, b), "below", LIMIT)]


def hpl_like(error):
    from scipy.linalg import lu_factor, lu_solve

    full, b = system(300)
    x = lu_solve(lu_factor(full), b)
    if error:
        x[7] *= 1 + 1e-9
    return [check("residual", scaled_residual(full, x, b), "below", LIMIT)]


def hpl(error):
    number, said = ("17.3", "FAILED") if error else ("0.0027586", "PASSED")
    text = (
        "WR11C2R4        4000   192     1     2               7.72              5.531e+00\n"
        f"||Ax-b||_oo/(eps*(||A||_oo*||x||_oo+||b||_oo)*N)=        {number} ...... {said}\n"
    )
    (solved,) = parse(text)
    return [Check("residual", solved.residual, LIMIT, "below", solved.passed)]


# ---- loops and products


def gemm(kind):
    def run(error):
        a, b = gemm_factors(kind, 96)
        if kind == "int8":
            rows = a.astype(np.int64) @ b.astype(np.int64)
        else:
            rows = (a.astype(kind) @ b.astype(kind)).astype(np.float64)
        if error:
            rows[5, 5] += 1 if kind == "int8" else np.abs(rows).max() * 1e-4
        return [verify(kind, 96, rows)]

    return run


def stream(error):
    passes = Passes(1000, 1)
    passes.rates(3)
    if error:
        passes.a[500] *= 1 + 1e-9
    return [passes.check()]


def gups(error):
    table = np.empty(1 << 10, np.uint64)
    random_access.fill(table)
    for _ in range(2):
        random_access.update(table, np.arange(1, 129, dtype=np.uint64), 64)
    if error:
        table[:20] ^= np.uint64(1)
    return [check("updates", random_access.wrong(table) / table.size, "at most", 0.01)]


def latency(error):
    order = np.random.default_rng(1).permutation(64).astype(np.uint64)
    links = np.zeros(64 * chase.LINE, np.uint64)
    chase.ring(order, links)
    if error:  # a link that leads back to where it starts
        links[order[10] * chase.LINE] = order[10] * chase.LINE
    place = chase.walk(links, np.uint64(order[0] * chase.LINE), 24)
    return [check("walk", float(place), "equal", float(order[24] * chase.LINE))]


RUNS = {
    "a wrong stencil entry": hpcg,
    "an unsymmetric smoother": hpcg,
    "a wrong entry beside the sums that are kept": hpcg_reuse,
    "sets that end differently": hpcg_norms,
    "iterations that end before the reference's residual": hpcg_convergence,
    "bfs: a wrong parent": bfs,
    "bfs: a level off by one": bfs,
    "bfs: a cycle": bfs,
    "bfs: a part left out": bfs,
    "sssp: a shortened distance": sssp,
    "sssp: a longer way": sssp,
    "sssp: a wrong parent": sssp,
    "refinement stopped early": hpl_mxp,
    "hpl-like: a wrong entry": hpl_like,
    "hpl: a residual too large": hpl,
    "int8: off by one": gemm("int8"),
    "float64: off by a ten-thousandth": gemm("float64"),
    "float32: off by a ten-thousandth": gemm("float32"),
    "stream: a value lost": stream,
    "gups: updates lost": gups,
    "latency: a link that leads nowhere": latency,
}


@pytest.mark.parametrize("error", RUNS)
def test_the_checks_pass_on_a_sound_run_and_fail_on_the_planted_error(error):
    run = RUNS[error]
    sound = run("")
    assert [one.name for one in sound if not one.passed] == []
    assert [one.name for one in run(error.split(": ")[-1]) if not one.passed] != []
