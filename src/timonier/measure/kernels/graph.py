"""From edge tuples to rows of neighbours: labels by descending degree, so that the busiest vertices lie together."""

from __future__ import annotations

import numpy as np

from timonier.measure.kernels.arrays import Indices, Ints, Singles
from timonier.measure.kernels.jit import exact


@exact
def largest(starts: Ints, ends: Ints) -> int:
    """The largest label."""
    top = 0
    for k in range(starts.size):
        top = max(top, starts[k], ends[k])
    return top


@exact
def degrees(starts: Ints, ends: Ints, degree: Ints) -> None:
    """Count the ends at each vertex; a loop from a vertex to itself is dropped."""
    for k in range(starts.size):
        u, v = starts[k], ends[k]
        if u != v:
            degree[u] += 1
            degree[v] += 1


@exact
def by_degree(degree: Ints, label: Indices, vertex: Indices) -> int:
    """New labels by descending degree, ties by old label; returns how many vertices have a neighbour.

    label: int32[N], old -> new.  vertex: int32[N], new -> old.
    """
    top = 0
    for v in range(degree.size):
        top = max(top, degree[v])
    place = np.zeros(top + 2, np.int64)
    for v in range(degree.size):
        place[top - degree[v] + 1] += 1
    for k in range(1, top + 2):
        place[k] += place[k - 1]
    for v in range(degree.size):
        at = place[top - degree[v]]
        place[top - degree[v]] += 1
        label[v] = at
        vertex[at] = v
    return place[top - 1] if top > 0 else 0


@exact
def row_starts(degree: Ints, vertex: Indices, row: Ints) -> None:
    """row: int64[N + 1], where the neighbours of each new label begin."""
    row[0] = 0
    for new in range(vertex.size):
        row[new + 1] = row[new] + degree[vertex[new]]


@exact
def place_ends(starts: Ints, ends: Ints, label: Indices, at: Ints, near: Indices) -> None:
    """Both ends of each tuple into their rows, in the order of the tuples.  at: int64[N], moves."""
    for k in range(starts.size):
        u, v = label[starts[k]], label[ends[k]]
        if u != v:
            near[at[u]] = v
            at[u] += 1
            near[at[v]] = u
            at[v] += 1


@exact
def transpose(row: Ints, near: Indices, at: Ints, ordered: Indices) -> None:
    """Rows with ascending neighbours, each once: going through the vertices upwards fills every row upwards.

    at: int64[N], first the starts of the rows, then where each ends.
    """
    for u in range(row.size - 1):
        for k in range(row[u], row[u + 1]):
            v = near[k]
            end = at[v]
            if end == row[v] or ordered[end - 1] != u:
                ordered[end] = u
                at[v] = end + 1


@exact
def close_gaps(row: Ints, end: Ints, near: Indices) -> None:
    """Push the rows together where neighbours named twice left gaps; row becomes the new starts."""
    place = 0
    for v in range(end.size):
        begin = row[v]
        row[v] = place
        for k in range(begin, end[v]):
            near[place] = near[k]
            place += 1
    row[end.size] = place


@exact
def digit_counts(weights: Singles, shift: int, count: Ints) -> None:
    """How many weights have each 12-bit digit, as starts: int64[4097]."""
    for k in range(weights.size):
        count[(np.int64(weights[k] * np.float32(16777216.0)) >> shift & 4095) + 1] += 1
    for k in range(1, count.size):
        count[k] += count[k - 1]


@exact
def first_digit(weights: Singles, count: Ints, order: Indices) -> None:
    """The numbers of the tuples by the lower 12 bits of their weights."""
    for k in range(weights.size):
        digit = np.int64(weights[k] * np.float32(16777216.0)) & 4095
        order[count[digit]] = k
        count[digit] += 1


@exact
def second_digit(weights: Singles, count: Ints, before: Indices, order: Indices) -> None:
    """And by the upper 12 bits."""
    for i in range(before.size):
        k = before[i]
        digit = np.int64(weights[k] * np.float32(16777216.0)) >> 12
        order[count[digit]] = k
        count[digit] += 1


@exact
def place_weighted(
    starts: Ints,
    ends: Ints,
    weights: Singles,
    order: Indices,
    label: Indices,
    at: Ints,
    near: Indices,
    far: Singles,
) -> None:
    """Both ends of each tuple into their rows, lightest first, with their weights."""
    for i in range(order.size):
        k = order[i]
        u, v, w = label[starts[k]], label[ends[k]], weights[k]
        if u != v:
            near[at[u]] = v
            far[at[u]] = w
            at[u] += 1
            near[at[v]] = u
            far[at[v]] = w
            at[v] += 1
