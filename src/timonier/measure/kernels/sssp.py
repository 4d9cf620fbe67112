"""Single-source shortest paths: push with a growing radius, then pull, then push what is left.

Rows are sorted by weight, so that a scan stops early and goes on later where it stopped.  Distances are float32.
The push is that of Meyer and Sanders 2003, "Delta-stepping: a parallelizable shortest path algorithm"; the change to
pulling is that of Chakaravarthy and others 2017, "Scalable single source shortest path algorithms for massively
parallel systems".
"""

from __future__ import annotations

import numpy as np

from timonier.measure.kernels.arrays import Bytes, Indices, Ints, Singles
from timonier.measure.kernels.jit import exact, inline

DELTA = np.float32(0.02)  # by how much the radius grows
SETTLED = 0.7  # share of the edge ends that settled vertices own when pulling begins
CHANGED = 0.02  # share of the vertices that change in a pull when pushing takes over
FAR = np.float32(np.inf)


@exact
def search(
    row: Ints,
    near: Indices,
    far: Singles,
    used: int,
    root: int,
    distance: Singles,
    parent: Indices,
    at: Ints,
    queue: Indices,
    known: Indices,
    waits: Bytes,
) -> None:
    """Distances and parents in new labels; inf and -1 where unreached.

    row: int64[N + 1], near: int32, far: float32, ascending in each row.  used: vertices that have a neighbour.
    at: int64[N], queue: int32[N + 1], known: int32[N], waits: uint8[N], scratch.
    """
    for v in range(distance.size):
        distance[v] = FAR
        parent[v] = -1
        at[v] = row[v]
        waits[v] = 0
    distance[root] = np.float32(0.0)
    parent[root] = root
    if grow(row, near, far, used, root, distance, parent, at, queue, known, waits):
        return
    size = 0
    for v in range(used):
        if distance[v] == FAR:
            known[size] = v
            size += 1
    changed = pull(row, near, far, distance, parent, known, size, queue)
    while changed > CHANGED * used:
        changed = pull(row, near, far, distance, parent, known, size, queue)
    for k in range(changed):
        waits[queue[k]] = 1
    push(row, near, far, distance, parent, queue, changed, waits)


@inline
def grow(
    row: Ints,
    near: Indices,
    far: Singles,
    used: int,
    root: int,
    distance: Singles,
    parent: Indices,
    at: Ints,
    queue: Indices,
    known: Indices,
    waits: Bytes,
) -> bool:
    """Settle what is nearer than a growing radius; True when nothing is left to read, so that all is settled.

    at[u] is where the scan of u's row stopped; a vertex that comes nearer begins anew.
    """
    known[0] = root
    count = 1
    ring = queue.size
    while True:
        smallest, owned = FAR, 0
        for k in range(count):
            u = known[k]
            owned += row[u + 1] - row[u]
            if at[u] < row[u + 1]:
                smallest = min(smallest, distance[u] + far[at[u]])
        if smallest == FAR:
            return True
        if owned > SETTLED * row[used]:
            return False
        radius = smallest + DELTA
        first, last = 0, 0
        for k in range(count):
            u = known[k]
            if at[u] < row[u + 1] and distance[u] + far[at[u]] < radius:
                queue[last] = u
                waits[u] = 1
                last += 1
        while first != last:
            u = queue[first]
            first = first + 1 if first + 1 < ring else 0
            waits[u] = 0
            here = distance[u]
            e, end = at[u], row[u + 1]
            while e < end:
                there = here + far[e]
                if there >= radius:
                    break
                v = near[e]
                e += 1
                if there < distance[v]:
                    if distance[v] == FAR:
                        known[count] = v
                        count += 1
                    distance[v] = there
                    parent[v] = u
                    at[v] = row[v]
                    if not waits[v]:
                        waits[v] = 1
                        queue[last] = v
                        last = last + 1 if last + 1 < ring else 0
            at[u] = e


@inline
def pull(
    row: Ints,
    near: Indices,
    far: Singles,
    distance: Singles,
    parent: Indices,
    rest: Indices,
    size: int,
    out: Indices,
) -> int:
    """Each of rest[:size] looks for a shorter way, lightest edge first; returns how many found one (out)."""
    changed = 0
    for k in range(size):
        v = rest[k]
        best = distance[v]
        before = best
        by = -1
        for e in range(row[v], row[v + 1]):
            weight = far[e]
            if weight >= best:
                break
            way = distance[near[e]] + weight
            if way < best:
                best = way
                by = near[e]
        if best < before:
            distance[v] = best
            parent[v] = by
            out[changed] = v
            changed += 1
    return changed


@inline
def push(
    row: Ints,
    near: Indices,
    far: Singles,
    distance: Singles,
    parent: Indices,
    queue: Indices,
    last: int,
    waits: Bytes,
) -> None:
    """Tell the neighbours of queue[:last], and theirs, until nobody comes nearer."""
    ring = queue.size
    first = 0
    while first != last:
        u = queue[first]
        first = first + 1 if first + 1 < ring else 0
        waits[u] = 0
        here = distance[u]
        for e in range(row[u], row[u + 1]):
            v = near[e]
            there = here + far[e]
            if there < distance[v]:
                distance[v] = there
                parent[v] = u
                if not waits[v]:
                    waits[v] = 1
                    queue[last] = v
                    last = last + 1 if last + 1 < ring else 0


@exact
def to_original(
    parent: Indices, distance: Singles, label: Indices, vertex: Indices, parents: Ints, distances: Singles
) -> None:
    """Parents int64[N] and distances float32[N] in the labels of the tuples."""
    for v in range(parents.size):
        new = label[v]
        p = parent[new]
        parents[v] = vertex[p] if p >= 0 else -1
        distances[v] = distance[new]
