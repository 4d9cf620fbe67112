"""The edge tuples of a Graph500 run, and kernel 1: the graph as rows of neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from timonier.measure.kernels import graph as kernel
from timonier.measure.kernels import kronecker
from timonier.measure.kernels.arrays import Indices, Ints, Singles

EDGE_FACTOR = 16


@dataclass(slots=True)
class Tuples:
    """Edges as they are given: int64[m] starts and ends, float32[m] weights; a part of them on each rank."""

    starts: Ints
    ends: Ints
    weights: Singles


@dataclass(slots=True)
class Rows:
    """A graph by descending degree.

    row: int64[N + 1], near: int32, far: float32 weights (None: unweighted, each neighbour once).
    label: int32[N], old -> new; vertex: int32[N], new -> old.  used: vertices that have a neighbour.
    """

    row: Ints
    near: Indices
    far: Singles | None
    label: Indices
    vertex: Indices
    used: int


def make_tuples(scale: int, seed: int, rank: int = 0, ranks: int = 1) -> Tuples:
    """The part of a rank of the 16 * 2^scale tuples; labels are permuted, and every tuple is drawn by itself."""
    total = EDGE_FACTOR << scale
    first, last = total * rank // ranks, total * (rank + 1) // ranks
    size = last - first
    permutation = np.random.default_rng(seed).permutation(1 << scale)
    made = Tuples(np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size, np.float32))
    kronecker.tuples(seed, scale, first, permutation, made.starts, made.ends, made.weights)
    return made


def build_rows(tuples: Tuples) -> Rows:
    """Kernel 1 for breadth-first search: ascending neighbours, each once."""
    row, label, vertex, used = _frame(tuples)
    near, ordered = np.empty(row[-1], np.int32), np.empty(row[-1], np.int32)
    kernel.place_ends(tuples.starts, tuples.ends, label, row[:-1].copy(), near)
    end = row[:-1].copy()
    kernel.transpose(row, near, end, ordered)
    kernel.close_gaps(row, end, ordered)
    return Rows(row, ordered[: row[-1]], None, label, vertex, used)


def build_weighted(tuples: Tuples) -> Rows:
    """Kernel 1 for shortest paths: neighbours by ascending weight."""
    row, label, vertex, used = _frame(tuples)
    near, far = np.empty(row[-1], np.int32), np.empty(row[-1], np.float32)
    order = _by_weight(tuples.weights)
    kernel.place_weighted(
        tuples.starts, tuples.ends, tuples.weights, order, label, row[:-1].copy(), near, far
    )
    return Rows(row, near, far, label, vertex, used)


def _frame(tuples: Tuples) -> tuple[Ints, Indices, Indices, int]:
    """Rows without content: (row, label, vertex, used).  How many vertices there are is found here."""
    n = kernel.largest(tuples.starts, tuples.ends) + 1
    degree = np.zeros(n, np.int64)
    kernel.degrees(tuples.starts, tuples.ends, degree)
    label, vertex, row = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n + 1, np.int64)
    used = kernel.by_degree(degree, label, vertex)
    kernel.row_starts(degree, vertex, row)
    return row, label, vertex, used


def _by_weight(weights: Singles) -> Indices:
    """The numbers of the tuples by ascending weight; weights are multiples of 2^-24."""
    first, second = np.empty(weights.size, np.int32), np.empty(weights.size, np.int32)
    count = np.zeros(4097, np.int64)
    kernel.digit_counts(weights, 0, count)
    kernel.first_digit(weights, count, first)
    count[:] = 0
    kernel.digit_counts(weights, 12, count)
    kernel.second_digit(weights, count, first, second)
    return second
