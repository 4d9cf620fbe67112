"""Breadth-first search that pushes from a small frontier and pulls into a large one.

Labels are by descending degree and rows ascend, so a pulling vertex finds a busy neighbour after a probe or two.
Source: Beamer, Asanovic and Patterson 2012, "Direction-optimizing breadth-first search", with their 14 and 24.
"""

from __future__ import annotations

import numpy as np

from timonier.measure.kernels.arrays import Indices, Ints, Words
from timonier.measure.kernels.jit import exact, inline

_ONE = np.uint64(1)
ALPHA, BETA = 14, 24


@inline
def has(bits: Words, v: int) -> bool:
    """Is v in the set?"""
    return (bits[v >> 6] >> np.uint64(v & 63)) & _ONE != 0


@inline
def put(bits: Words, v: int) -> None:
    """Put v into the set."""
    bits[v >> 6] |= _ONE << np.uint64(v & 63)


@exact
def search(
    row: Ints,
    near: Indices,
    used: int,
    root: int,
    parent: Indices,
    queue: Indices,
    rest: Indices,
    now: Words,
    then: Words,
) -> None:
    """Parents in new labels, the root's own is itself, -1 where unreached.

    row: int64[N + 1], near: int32.  used: vertices that have a neighbour.  queue, rest: int32[N] and
    now, then: uint64[N / 64 + 1] are scratch.
    """
    parent[:] = -1
    parent[root] = root
    queue[0] = root
    first, last = 0, 1
    frontier_edges = row[root + 1] - row[root]
    edges_left = row[used] - frontier_edges
    rest_size = -1  # nobody has looked yet who is left
    while last > first:
        if frontier_edges * ALPHA <= edges_left:
            end, frontier_edges = push(row, near, parent, queue, first, last)
            first, last = last, end
            edges_left -= frontier_edges
            continue
        now[:] = np.uint64(0)
        for k in range(first, last):
            put(now, queue[k])
        found = last - first
        while found > 0:
            then[:] = np.uint64(0)
            if rest_size < 0:
                found, rest_size = pull_all(row, near, used, parent, rest, now, then)
            else:
                found, rest_size = pull(row, near, parent, rest, rest_size, now, then)
            now, then = then, now
            if found < used // BETA:
                break
        first = last
        last, frontier_edges = listed(now, row, queue, last)
        edges_left = 0
        for k in range(rest_size):
            v = rest[k]
            edges_left += row[v + 1] - row[v]


@inline
def push(row: Ints, near: Indices, parent: Indices, queue: Indices, first: int, last: int) -> tuple[int, int]:
    """Go from the frontier queue[first:last] to its unvisited neighbours; returns the queue's new end and their edges."""
    end, edges = last, 0
    for k in range(first, last):
        u = queue[k]
        for e in range(row[u], row[u + 1]):
            v = near[e]
            if parent[v] < 0:
                parent[v] = u
                queue[end] = v
                end += 1
                edges += row[v + 1] - row[v]
    return end, edges


@inline
def pull_all(
    row: Ints, near: Indices, used: int, parent: Indices, rest: Indices, now: Words, then: Words
) -> tuple[int, int]:
    """Every unvisited vertex looks for a neighbour in `now`; returns how many found one and how many did not (rest)."""
    found, left = 0, 0
    for v in range(used):
        if parent[v] < 0:
            u = probe(row, near, v, now)
            if u >= 0:
                parent[v] = u
                put(then, v)
                found += 1
            else:
                rest[left] = v
                left += 1
    return found, left


@inline
def pull(
    row: Ints, near: Indices, parent: Indices, rest: Indices, size: int, now: Words, then: Words
) -> tuple[int, int]:
    """The same for those of rest[:size] that are still unvisited."""
    found, left = 0, 0
    for k in range(size):
        v = rest[k]
        if parent[v] < 0:
            u = probe(row, near, v, now)
            if u >= 0:
                parent[v] = u
                put(then, v)
                found += 1
            else:
                rest[left] = v
                left += 1
    return found, left


@inline
def probe(row: Ints, near: Indices, v: int, now: Words) -> int:
    """The first neighbour of v that is in `now`, or -1."""
    for e in range(row[v], row[v + 1]):
        u = near[e]
        if has(now, u):
            return u
    return -1


@inline
def listed(bits: Words, row: Ints, queue: Indices, last: int) -> tuple[int, int]:
    """Append the set to the queue; returns its new end and the edges of what was appended."""
    edges = 0
    for k in range(bits.size):
        word = bits[k]
        v = k << 6
        while word != 0:
            if word & _ONE:
                queue[last] = v
                last += 1
                edges += row[v + 1] - row[v]
            word >>= _ONE
            v += 1
    return last, edges


@exact
def to_original(parent: Indices, label: Indices, name: Indices, out: Ints) -> None:
    """Parents in the labels of the tuples: int64[N], -1 where unreached.

    name: int32[N + 1], -1 and then the old label of each new one: without a branch, which would be guessed wrong often.
    """
    for v in range(out.size):
        out[v] = name[np.uint32(parent[np.uint32(label[v])] + 1)]
