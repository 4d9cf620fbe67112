"""Kernels 2 and 3 on one process: a root in, parents and distances in the labels of the tuples out."""

from __future__ import annotations

import numpy as np

from timonier.measure.graph500.graph import Rows
from timonier.measure.kernels import bfs, sssp
from timonier.measure.kernels.arrays import Ints, Singles


def weights_of(far: Singles | None) -> Singles:
    """The weights; asking for those of an unweighted graph is our mistake."""
    if far is None:
        raise TypeError("shortest paths need rows with weights")
    return far


class Breadth:
    """Breadth-first search; the scratch arrays are kept, nothing of a search is."""

    def __init__(self, rows: Rows) -> None:
        n = rows.label.size
        self._rows = rows
        self._parent, self._queue, self._rest = (np.empty(n, np.int32) for _ in range(3))
        self._name = np.concatenate((np.array([-1], np.int32), rows.vertex))
        self._now, self._then = np.zeros(n // 64 + 1, np.uint64), np.zeros(n // 64 + 1, np.uint64)
        self.parents: Ints = np.empty(n, np.int64)

    def search(self, root: int) -> Ints:
        """int64[N]: the parent of each vertex, the root's is itself, -1 where unreached."""
        rows = self._rows
        start = int(rows.label[root])
        bfs.search(
            rows.row,
            rows.near,
            rows.used,
            start,
            self._parent,
            self._queue,
            self._rest,
            self._now,
            self._then,
        )
        bfs.to_original(self._parent, rows.label, self._name, self.parents)
        return self.parents


class Shortest:
    """Shortest paths; needs rows with weights."""

    def __init__(self, rows: Rows) -> None:
        n = rows.label.size
        self._rows, self._far = rows, weights_of(rows.far)
        self._distance, self._parent = np.empty(n, np.float32), np.empty(n, np.int32)
        self._at, self._queue = np.empty(n, np.int64), np.empty(n + 1, np.int32)
        self._known, self._waits = np.empty(n, np.int32), np.empty(n, np.uint8)
        self.parents: Ints = np.empty(n, np.int64)
        self.distances: Singles = np.empty(n, np.float32)

    def search(self, root: int) -> tuple[Ints, Singles]:
        """(int64[N] parents, float32[N] distances), -1 and inf where unreached."""
        rows = self._rows
        sssp.search(
            rows.row,
            rows.near,
            self._far,
            rows.used,
            int(rows.label[root]),
            self._distance,
            self._parent,
            self._at,
            self._queue,
            self._known,
            self._waits,
        )
        sssp.to_original(self._parent, self._distance, rows.label, rows.vertex, self.parents, self.distances)
        return self.parents, self.distances
