"""Two figures of speed that hold on any machine, because both sides are measured in one run.

Bounds are loose: neighbours on a shared machine move a ratio, a lost optimisation moves it by a multiple.
"""

from __future__ import annotations

import os
from time import perf_counter

import numpy as np
import pytest
from numba import njit

from timonier.measure.graph500.graph import build_rows, make_tuples
from timonier.measure.graph500.search import Breadth
from timonier.measure.graph500.work import choose_roots
from timonier.measure.hpcg.problem import build
from timonier.measure.hpcg.rules import counts_of
from timonier.measure.hpcg.solve import Solver
from timonier.measure.ranks import Alone
from timonier.measure.stream import Passes

pytestmark = pytest.mark.skipif("NUMBA_DISABLE_JIT" in os.environ, reason="times compiled loops")


def test_hpcg_moves_bytes_at_a_fair_share_of_what_triad_does():
    """Bound by memory: by the official count of bytes about 0.6 to 1.0 of triad on one core."""
    problem = build(Alone(), (64, 64, 64))
    solver = Solver(problem, is_reuse=False)
    passes = Passes(10_000_000, 1)
    passes.run(2)
    solver.run(problem.b, 1, 0.0)
    counts = counts_of(problem.rows, problem.entries, 5)
    shares = []
    for _ in range(5):
        triad = passes.rates(3)["stream.triad"]
        shares.append(counts.bytes / solver.run(problem.b, 5, 0.0).seconds / triad)
    assert np.median(shares) > 0.3


@njit
def plain(row, near, root, parent, queue):
    """The textbook's search on the same rows: every edge of every vertex."""
    parent[:] = -1
    parent[root] = root
    queue[0] = root
    first, last = 0, 1
    while first < last:
        u = queue[first]
        first += 1
        for e in range(row[u], row[u + 1]):
            v = near[e]
            if parent[v] < 0:
                parent[v] = u
                queue[last] = v
                last += 1


def test_the_graph_search_is_several_times_as_fast_as_the_textbook():
    """About 5 to 8 times at this scale."""
    tuples = make_tuples(16, 1)
    rows = build_rows(tuples)
    search = Breadth(rows).search
    parent, queue = np.empty(rows.label.size, np.int32), np.empty(rows.label.size, np.int32)
    ratios = []
    for root in choose_roots(tuples, Alone(), 9, 1):
        start = int(rows.label[root])
        plain(rows.row, rows.near, start, parent, queue)
        began = perf_counter()
        plain(rows.row, rows.near, start, parent, queue)
        middle = perf_counter()
        search(int(root))
        ratios.append((middle - began) / (perf_counter() - middle))
    assert np.median(ratios) > 2.0
