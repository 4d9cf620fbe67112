"""Kernels 1 to 3 over ranks; the results are gathered afterwards, outside the timing, for the validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from timonier.measure.graph500.graph import Tuples
from timonier.measure.graph500.search import weights_of
from timonier.measure.kernels import graph, spread
from timonier.measure.kernels.arrays import Array, Indices, Ints, Singles
from timonier.measure.kernels.bfs import ALPHA, BETA
from timonier.measure.ranks import Ranks

DELTA = 0.1  # larger than alone: every step is a round of messages


@dataclass(slots=True)
class Part:
    """The rows of one rank; near holds new labels of all ranks.  far: weights, ascending in a row (None: BFS)."""

    ranks: Ranks
    row: Ints
    near: Indices
    far: Singles | None
    label: Indices
    vertex: Indices
    edges: int  # of all ranks

    @property
    def own(self) -> Indices:
        """The old labels of the vertices of this rank."""
        return self.vertex[self.ranks.rank :: self.ranks.size]


def build_part(tuples: Tuples, ranks: Ranks, *, weighted: bool) -> Part:
    """Kernel 1: relabel by the degrees of all ranks, send every end to its owner, sort the rows."""
    n = int(ranks.max(float(graph.largest(tuples.starts, tuples.ends)))) + 1
    degree = np.zeros(n, np.int64)
    graph.degrees(tuples.starts, tuples.ends, degree)
    degree = _summed(ranks, degree)
    label, vertex = np.empty(n, np.int32), np.empty(n, np.int32)
    graph.by_degree(degree, label, vertex)
    u, v, w = _ends(tuples, label, weighted=weighted)
    at, pairs, weights = np.zeros(ranks.size + 1, np.int64), np.empty_like(u), np.empty_like(w)
    spread.route_with(u << 32 | v, w, u.size, ranks.size, at, pairs, weights)
    pairs, weights = _swap(ranks, at, pairs), _swap(ranks, at, weights)
    place, near = (pairs >> 32) // ranks.size, pairs & 0xFFFFFFFF
    if weighted:
        order = np.lexsort((weights, place))
        place, near, weights = place[order], near[order], weights[order]
    else:
        unique = np.unique(place << 32 | near)
        place, near = unique >> 32, unique & 0xFFFFFFFF
    own = len(range(ranks.rank, n, ranks.size))
    row = np.concatenate([[0], np.cumsum(np.bincount(place, minlength=own))]).astype(np.int64)
    edges = int(ranks.sum(float(place.size)))
    return Part(ranks, row, near.astype(np.int32), weights if weighted else None, label, vertex, edges)


class SpreadBreadth:
    """Breadth-first search over ranks."""

    def __init__(self, part: Part) -> None:
        n, own = part.label.size, part.row.size - 1
        self._part = part
        self._parent, self._front = np.empty(own, np.int64), np.empty(own, np.int32)
        self._out, self._routed = np.empty(part.row[-1] + 1, np.int64), np.empty(part.row[-1] + 1, np.int64)
        self._told = np.zeros(n // 64 + 1, np.uint64)
        words = (n // part.ranks.size + 1) // 64 + 1
        self._bits, self._all = np.zeros(words, np.uint64), np.zeros((part.ranks.size, words), np.uint64)
        self._at = np.zeros(part.ranks.size + 1, np.int64)

    def search(self, root: int) -> Ints:
        """int64[own]: parents of the vertices of this rank, in old labels."""
        part, ranks = self._part, self._part.ranks
        start = int(part.label[root])
        self._parent[:] = -1
        self._told[:] = 0
        count, edges = 0, 0
        if start % ranks.size == ranks.rank:
            place = start // ranks.size
            self._parent[place], self._front[0], count = start, place, 1
            edges = int(part.row[place + 1] - part.row[place])
        left = float(part.edges)
        while True:
            total, frontier = _sums(ranks, float(count), float(edges))
            if total == 0:
                break
            left -= frontier
            is_large = frontier * ALPHA > left and total > part.label.size / BETA / 4
            count, edges = self._pull(count) if is_large else self._push(count)
        return _old(part, self._parent)

    def _push(self, count: int) -> tuple[int, int]:
        part, ranks = self._part, self._part.ranks
        found = spread.push(
            part.row, part.near, self._front, count, ranks.rank, ranks.size, self._told, self._out
        )
        spread.route(self._out, found, ranks.size, self._at, self._routed)
        got = _swap(ranks, self._at, self._routed)
        return spread.receive(got, ranks.size, part.row, self._parent, self._front)

    def _pull(self, count: int) -> tuple[int, int]:
        part, ranks = self._part, self._part.ranks
        spread.mark(self._front, count, self._bits)
        ranks.comm.Allgather(self._bits, self._all)
        return spread.pull(part.row, part.near, self._all, ranks.size, self._parent, self._front)


class SpreadShortest:
    """Shortest paths over ranks: pushes inside a radius that grows."""

    def __init__(self, part: Part) -> None:
        own = part.row.size - 1
        self._part, self._far = part, weights_of(part.far)
        self._parent, self._distance = np.empty(own, np.int64), np.empty(own, np.float32)
        self._scan_at, self._active = np.empty(own, np.int64), np.empty(own, np.int32)
        self._waits = np.zeros(own, np.uint8)
        size = part.row[-1] + 1
        self._pairs, self._routed = np.empty(size, np.int64), np.empty(size, np.int64)
        self._ways, self._routed_ways = np.empty(size, np.float32), np.empty(size, np.float32)
        self._at = np.zeros(part.ranks.size + 1, np.int64)

    def search(self, root: int) -> tuple[Ints, Singles]:
        """(int64[own] parents in old labels, float32[own] distances) of the vertices of this rank."""
        part, ranks = self._part, self._part.ranks
        row, far, at, distance = part.row, self._far, self._scan_at, self._distance
        start = int(part.label[root])
        distance[:], self._parent[:], at[:] = np.inf, -1, row[:-1]
        if start % ranks.size == ranks.rank:
            distance[start // ranks.size], self._parent[start // ranks.size] = 0.0, start
        while True:
            smallest = -ranks.max(-float(spread.nearest(row, far, at, distance)))
            if not np.isfinite(smallest):
                break
            radius = np.float32(smallest + DELTA)
            count = spread.movable(row, far, at, distance, radius, self._active)
            while ranks.sum(float(count)) > 0:
                count = self._round(count, radius)
        return _old(part, self._parent), distance.copy()

    def _round(self, count: int, radius: np.float32) -> int:
        part, ranks = self._part, self._part.ranks
        found = spread.scan(
            part.row, part.near, self._far, self._scan_at, self._distance, radius, self._active, count,
            ranks.rank, ranks.size, self._waits, self._pairs, self._ways,
        )  # fmt: skip
        spread.route_with(
            self._pairs, self._ways, found, ranks.size, self._at, self._routed, self._routed_ways
        )
        pairs, ways = _swap(ranks, self._at, self._routed), _swap(ranks, self._at, self._routed_ways)
        return int(
            spread.shorten(
                pairs, ways, ranks.size, part.row, self._scan_at, self._distance, self._parent, self._waits,
                self._active,
            )
        )  # fmt: skip


def gathered(part: Part, values: Array, fill: float) -> Array:
    """The values of all ranks in old labels."""
    whole = np.full(part.label.size, fill, values.dtype)
    for rank, got in enumerate(part.ranks.comm.allgather(values)):
        whole[part.vertex[rank :: part.ranks.size]] = got
    return whole


def _ends(tuples: Tuples, label: Indices, *, weighted: bool) -> tuple[Ints, Ints, Singles]:
    """Both ends of each tuple as (owner's vertex, the other, weight), loops dropped."""
    u, v = label[tuples.starts].astype(np.int64), label[tuples.ends].astype(np.int64)
    keep = u != v
    u, v = u[keep], v[keep]
    w = tuples.weights[keep] if weighted else np.zeros(u.size, np.float32)
    return np.concatenate([u, v]), np.concatenate([v, u]), np.concatenate([w, w])


def _old(part: Part, parent: Ints) -> Ints:
    """Parents in old labels."""
    return np.where(parent >= 0, part.vertex[np.maximum(parent, 0)], -1).astype(np.int64)


def _summed(ranks: Ranks, values: Ints) -> Ints:
    total = np.empty_like(values)
    ranks.comm.Allreduce(values, total)
    return total


def _sums(ranks: Ranks, first: float, second: float) -> tuple[float, float]:
    total = np.empty(2)
    ranks.comm.Allreduce(np.array([first, second]), total)
    return float(total[0]), float(total[1])


def _swap(ranks: Ranks, at: Ints, values: Any) -> Any:
    """Send values[at[r]:at[r + 1]] to rank r; returns what the others sent."""
    sizes = np.diff(at)
    theirs = np.empty_like(sizes)
    ranks.comm.Alltoall(sizes, theirs)
    got = np.empty(int(theirs.sum()), values.dtype)
    starts = np.concatenate([[0], np.cumsum(theirs)[:-1]])
    ranks.comm.Alltoallv([values, (sizes, at[:-1])], [got, (theirs, starts)])
    return got
