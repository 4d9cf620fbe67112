"""Graph searches over ranks: vertex v (by descending degree) is place v // size of rank v % size, so that the busy
vertices are shared out evenly.  These loops do what one rank does between two exchanges.
"""

from __future__ import annotations

import numpy as np

from timonier.measure.kernels.arrays import Array, Bytes, Indices, Ints, Number, Singles, Words
from timonier.measure.kernels.jit import exact

_ONE = np.uint64(1)
_FAR = np.float32(np.inf)


@exact
def push(
    row: Ints, near: Indices, front: Indices, count: int, rank: int, size: int, told: Words, out: Ints
) -> int:
    """Neighbours of front[:count] with their parents, each vertex once a search; returns how many (out).

    out: int64, vertex << 32 | parent.  told: uint64[N / 64 + 1], vertices that somebody was told of by this rank.
    """
    found = 0
    for k in range(count):
        i = front[k]
        u = np.int64(i) * size + rank
        for e in range(row[i], row[i + 1]):
            v = near[e]
            if (told[v >> 6] >> np.uint64(v & 63)) & _ONE == 0:
                told[v >> 6] |= _ONE << np.uint64(v & 63)
                out[found] = np.int64(v) << 32 | u
                found += 1
    return found


@exact
def route(pairs: Ints, count: int, size: int, at: Ints, out: Ints) -> None:
    """pairs[:count] by the rank of their vertex.  at: int64[size + 1], becomes where each rank's begin."""
    at[:] = 0
    for k in range(count):
        at[(pairs[k] >> 32) % size + 1] += 1
    for r in range(size):
        at[r + 1] += at[r]
    place = at.copy()
    for k in range(count):
        r = (pairs[k] >> 32) % size
        out[place[r]] = pairs[k]
        place[r] += 1


@exact
def route_with(
    pairs: Ints, values: Singles, count: int, size: int, at: Ints, out: Ints, values_out: Singles
) -> None:
    """The same with a float32 beside each pair."""
    at[:] = 0
    for k in range(count):
        at[(pairs[k] >> 32) % size + 1] += 1
    for r in range(size):
        at[r + 1] += at[r]
    place = at.copy()
    for k in range(count):
        r = (pairs[k] >> 32) % size
        out[place[r]] = pairs[k]
        values_out[place[r]] = values[k]
        place[r] += 1


@exact
def receive(pairs: Ints, size: int, row: Ints, parent: Ints, front: Indices) -> tuple[int, int]:
    """Take parents for vertices that have none; returns the new frontier's vertices (front) and edges."""
    count, edges = 0, 0
    for k in range(pairs.size):
        i = (pairs[k] >> 32) // size
        if parent[i] < 0:
            parent[i] = pairs[k] & 0xFFFFFFFF
            front[count] = i
            count += 1
            edges += row[i + 1] - row[i]
    return count, edges


@exact
def mark(front: Indices, count: int, bits: Words) -> None:
    """The frontier as a bitmap of this rank."""
    bits[:] = np.uint64(0)
    for k in range(count):
        bits[front[k] >> 6] |= _ONE << np.uint64(front[k] & 63)


@exact
def pull(row: Ints, near: Indices, bits: Array, size: int, parent: Ints, front: Indices) -> tuple[int, int]:
    """Vertices without parent look for a neighbour in the frontier of all ranks, bits: uint64[size, words]."""
    count, edges = 0, 0
    for i in range(parent.size):
        if parent[i] >= 0:
            continue
        for e in range(row[i], row[i + 1]):
            u = near[e]
            place = u // size
            if (bits[u % size, place >> 6] >> np.uint64(place & 63)) & _ONE != 0:
                parent[i] = u
                front[count] = i
                count += 1
                edges += row[i + 1] - row[i]
                break
    return count, edges


@exact
def nearest(row: Ints, far: Singles, at: Ints, distance: Singles) -> Number:
    """The smallest distance to which a row that is not yet read to its end would lead."""
    smallest = _FAR
    for i in range(distance.size):
        if distance[i] < _FAR and at[i] < row[i + 1]:
            smallest = min(smallest, distance[i] + far[at[i]])
    return smallest


@exact
def movable(row: Ints, far: Singles, at: Ints, distance: Singles, radius: Number, active: Indices) -> int:
    """The vertices whose rows lead inside the radius (active)."""
    count = 0
    for i in range(distance.size):
        if distance[i] < _FAR and at[i] < row[i + 1] and distance[i] + far[at[i]] < radius:
            active[count] = i
            count += 1
    return count


@exact
def scan(
    row: Ints,
    near: Indices,
    far: Singles,
    at: Ints,
    distance: Singles,
    radius: Number,
    active: Indices,
    count: int,
    rank: int,
    size: int,
    waits: Bytes,
    pairs: Ints,
    ways: Singles,
) -> int:
    """Read the rows of active[:count] on up to the radius; returns how many ways were found (pairs, ways)."""
    found = 0
    for k in range(count):
        i = active[k]
        waits[i] = 0
        u = np.int64(i) * size + rank
        e = at[i]
        while e < row[i + 1]:
            way = distance[i] + far[e]
            if way >= radius:
                break
            pairs[found] = np.int64(near[e]) << 32 | u
            ways[found] = way
            found += 1
            e += 1
        at[i] = e
    return found


@exact
def shorten(
    pairs: Ints,
    ways: Singles,
    size: int,
    row: Ints,
    at: Ints,
    distance: Singles,
    parent: Ints,
    waits: Bytes,
    active: Indices,
) -> int:
    """Take the ways that are shorter; returns how many vertices have to be read anew (active)."""
    count = 0
    for k in range(pairs.size):
        i = (pairs[k] >> 32) // size
        if ways[k] < distance[i]:
            distance[i] = ways[k]
            parent[i] = pairs[k] & 0xFFFFFFFF
            at[i] = row[i]
            if not waits[i]:
                waits[i] = 1
                active[count] = i
                count += 1
    return count
