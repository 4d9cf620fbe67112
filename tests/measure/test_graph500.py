"""Graph500 against scipy and against its own rules."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, dijkstra
from tests.measure.ranks import on_ranks, with_mpi

from timonier.measure.events import Report
from timonier.measure.graph500.graph import Tuples, build_rows, build_weighted, make_tuples
from timonier.measure.graph500.proof import prove_bfs, prove_sssp
from timonier.measure.graph500.search import Breadth, Shortest
from timonier.measure.graph500.work import choose_roots, harmonic
from timonier.measure.ranks import Alone

SCALE = 14
ALONE = Alone()


@pytest.fixture(scope="module")
def graph():
    tuples = make_tuples(SCALE, 1)
    return tuples, build_rows(tuples), build_weighted(tuples), matrix(tuples)


def matrix(tuples):
    """The graph as scipy takes it: the lightest of parallel tuples, both ways, no loops; a weight of 0 is tiny."""
    n = 1 << SCALE
    keep = tuples.starts != tuples.ends
    u, v, w = tuples.starts[keep], tuples.ends[keep], tuples.weights[keep].astype(np.float64)
    u, v, w = np.concatenate([u, v]), np.concatenate([v, u]), np.maximum(np.concatenate([w, w]), 1e-30)
    order = np.lexsort((w, v, u))
    u, v, w = u[order], v[order], w[order]
    first = np.concatenate([[True], (u[1:] != u[:-1]) | (v[1:] != v[:-1])])
    return csr_array((w[first], (u[first], v[first])), shape=(n, n))


def levels(parent, root):
    """Levels from parents in plain Python, -1 where unreached."""
    found = {int(root): 0}
    for start in range(parent.size):
        path, v = [], start
        while v not in found and parent[v] >= 0:
            path.append(v)
            v = int(parent[v])
        for k, one in enumerate(reversed(path)):
            found[one] = found[v] + k + 1
    return np.array([found.get(v, -1) for v in range(parent.size)])


def scipy_levels(graph, root):
    order, before = breadth_first_order(graph, root)
    found = np.full(graph.shape[0], -1)
    found[root] = 0
    for v in order[1:]:
        found[v] = found[before[v]] + 1
    return found


def roots(tuples, count):
    return choose_roots(tuples, ALONE, 64, 1)[:count]


@pytest.mark.parametrize("count", [6, pytest.param(64, marks=pytest.mark.long)])
def test_levels_are_those_of_scipy(graph, count):
    tuples, rows, _, sparse = graph
    search = Breadth(rows).search
    for root in roots(tuples, count):
        parent = search(int(root))
        assert np.array_equal(levels(parent, root), scipy_levels(sparse, root)[: parent.size])
        assert prove_bfs(tuples, parent, int(root), ALONE).passed


@pytest.mark.parametrize("count", [6, pytest.param(64, marks=pytest.mark.long)])
def test_distances_are_those_of_scipy(graph, count):
    """Ours are sums in float32, scipy's in float64."""
    tuples, _, rows, sparse = graph
    search = Shortest(rows).search
    for root in roots(tuples, count):
        parent, distance = search(int(root))
        wanted = dijkstra(sparse, indices=int(root))[: distance.size]
        assert np.array_equal(np.isinf(distance), np.isinf(wanted))
        near = np.isfinite(wanted)
        assert distance[near] == pytest.approx(wanted[near], rel=3e-7, abs=3e-7)
        assert prove_sssp(tuples, parent, distance, int(root), ALONE).passed


@pytest.mark.parametrize("seed", range(20))
def test_small_graphs_of_any_shape_are_proved(seed):
    """Sparse ones with many components, loops, parallel tuples, ties and weights of 0."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 300)), int(rng.integers(1, 900))
    weights = (rng.integers(0, 1 << int(rng.integers(1, 25)), m) * 2.0**-24).astype(np.float32)
    tuples = Tuples(rng.integers(0, n, m), rng.integers(0, n, m), weights)
    if np.all(tuples.starts == tuples.ends):
        return
    breadth, shortest = Breadth(build_rows(tuples)), Shortest(build_weighted(tuples))
    for root in choose_roots(tuples, ALONE, 8, seed):
        proofs = (
            prove_bfs(tuples, breadth.search(int(root)), int(root), ALONE),
            prove_sssp(tuples, *shortest.search(int(root)), int(root), ALONE),
        )
        assert [one for proof in proofs for one in proof.checks if not one.passed] == []


def test_rows_hold_every_neighbour_once_in_order(graph):
    _, rows, weighted, sparse = graph
    assert rows.row[-1] == sparse.nnz
    for new in range(0, rows.used, 997):
        near = rows.near[rows.row[new] : rows.row[new + 1]]
        assert np.all(np.diff(near) > 0)
        old = rows.vertex[new]
        wanted = sparse.indices[sparse.indptr[old] : sparse.indptr[old + 1]]
        assert sorted(rows.vertex[near]) == sorted(wanted)
        weights = weighted.far[weighted.row[new] : weighted.row[new + 1]]
        assert np.all(np.diff(weights) >= 0)
    degree = np.diff(rows.row)
    assert degree.max() == degree[: max(1, rows.used // 100)].max()


def test_tuples_are_the_same_however_many_ranks_make_them():
    whole = make_tuples(8, 3)
    parts = [make_tuples(8, 3, rank, 3) for rank in range(3)]
    for name in ("starts", "ends", "weights"):
        assert np.array_equal(getattr(whole, name), np.concatenate([getattr(p, name) for p in parts]))


def test_quadrants_have_their_shares():
    """A, B, C = 0.57, 0.19, 0.19 at every bit; labels are permuted, so this looks at degrees: the generator itself
    with the identity in place of the permutation.
    """
    from timonier.measure.kernels.kronecker import tuples as make

    m, scale = 1 << 18, 10
    u, v, w = np.empty(m, np.int64), np.empty(m, np.int64), np.empty(m, np.float32)
    make(7, scale, 0, np.arange(1 << scale), u, v, w)
    for bit in range(scale):
        row, column = u >> bit & 1, v >> bit & 1
        shares = [float(np.mean((row == a) & (column == b))) for a, b in ((0, 0), (0, 1), (1, 0), (1, 1))]
        assert shares == pytest.approx([0.57, 0.19, 0.19, 0.05], abs=0.005)
    assert 0.0 <= w.min() < 0.001
    assert 0.999 < w.max() < 1.0
    assert w.mean() == pytest.approx(0.5, abs=0.003)


@with_mpi
@pytest.mark.parametrize("ranks", [2, 4])
def test_over_ranks_levels_and_distances_are_those_of_one(ranks):
    tuples = make_tuples(12, 1)
    breadth, shortest = Breadth(build_rows(tuples)), Shortest(build_weighted(tuples))
    for found in on_ranks(ranks, "graph500"):
        root = found["root"]
        alone = breadth.search(root)
        assert found["proved"]
        assert np.array_equal(levels(np.array(found["parent"]), root), levels(alone, root))
        assert np.array_equal(np.array(found["distance"], np.float32), shortest.search(root)[1])
        assert found["edges"] == [prove_bfs(tuples, alone, root, ALONE).edges] * 2


def test_the_harmonic_mean_is_the_rate_of_all_searches_together():
    rates = [2.0, 4.0, 8.0]
    assert harmonic(rates)[0] == pytest.approx(3 / (1 / 2 + 1 / 4 + 1 / 8))


def test_a_report_without_a_file_is_silent():
    Report(None).sample({"graph500.bfs": 1.0}, (1.0, None, None))
