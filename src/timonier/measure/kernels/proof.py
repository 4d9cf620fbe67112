"""Graph500's validation: does a tree of parents follow from the tuples?  Nothing of the search is trusted.

Source: Graph500 specification 2.0, section 7, "Output validation".
"""

from __future__ import annotations

import numpy as np

from timonier.measure.kernels.arrays import Bytes, Indices, Ints, Singles
from timonier.measure.kernels.jit import exact


@exact
def levels(parent: Ints, root: int, level: Indices, path: Indices) -> int:
    """Levels from parents, -1 where unreached; returns how many vertices do not lead to the root.

    level: int32[N].  path: int32[N], scratch.
    """
    level[:] = -1
    if parent[root] != root:
        return 1
    level[root] = 0
    wrong = 0
    for start in range(parent.size):
        v = start
        size = 0
        # -2 marks the vertices of this climb: meeting one is a cycle, meeting -3 leads to one
        while level[v] == -1 and 0 <= parent[v] < parent.size:
            level[v] = -2
            path[size] = v
            size += 1
            v = parent[v]
        above = level[v]
        for k in range(size - 1, -1, -1):
            if above < 0:
                level[path[k]] = -3
                wrong += 1
            else:
                above += 1
                level[path[k]] = above
    return wrong


@exact
def tuples_bfs(starts: Ints, ends: Ints, parent: Ints, level: Indices, seen: Bytes) -> tuple[int, int, int]:
    """(tuples with one end reached, tuples whose levels differ by more than 1, tuples inside the tree's component).

    seen: uint8[N], set where a vertex and its parent are a tuple one level apart.
    """
    torn, far, inside = 0, 0, 0
    for k in range(starts.size):
        u, v = starts[k], ends[k]
        if u == v:
            continue
        a, b = level[u], level[v]
        if a < 0 or b < 0:
            torn += (a < 0) != (b < 0)
            continue
        inside += 1
        far += abs(a - b) > 1
        if parent[v] == u and b == a + 1:
            seen[v] = 1
        if parent[u] == v and a == b + 1:
            seen[u] = 1
    return torn, far, inside


@exact
def tuples_sssp(
    starts: Ints, ends: Ints, weights: Singles, parent: Ints, distance: Singles, seen: Bytes
) -> tuple[int, int, int]:
    """(tuples with one end reached, tuples that offer a shorter way, tuples inside).

    seen: uint8[N], set where a vertex, its parent and the difference of their distances are a tuple.
    """
    torn, far, inside = 0, 0, 0
    for k in range(starts.size):
        u, v = starts[k], ends[k]
        if u == v:
            continue
        a, b, w = distance[u], distance[v], weights[k]
        if a == np.inf or b == np.inf:
            torn += (a == np.inf) != (b == np.inf)
            continue
        inside += 1
        far += b > a + w or a > b + w
        if parent[v] == u and b == a + w:
            seen[v] = 1
        if parent[u] == v and a == b + w:
            seen[u] = 1
    return torn, far, inside


@exact
def unseen(parent: Ints, root: int, seen: Bytes) -> int:
    """Vertices whose parent is not justified by any tuple."""
    count = 0
    for v in range(parent.size):
        count += parent[v] >= 0 and v != root and not seen[v]
    return count
