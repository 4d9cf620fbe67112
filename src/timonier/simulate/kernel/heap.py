"""A binary heap of int64 keys in an array, smallest first."""

from __future__ import annotations

from timonier.simulate.kernel.jit import inline
from timonier.simulate.kernel.state import Array


@inline
def push(heap: Array, count: int, key: int) -> None:
    """Put `key` into heap[:count]."""
    child = count
    while child > 0:
        parent = (child - 1) >> 1
        above = heap[parent]
        if above <= key:
            break
        heap[child] = above
        child = parent
    heap[child] = key


@inline
def pop(heap: Array, count: int) -> None:
    """Take the smallest key, heap[0], out of heap[:count].

    The hole sinks to the bottom along the smaller children, then the last key rises into it: fewer
    comparisons than the textbook way, because the last key nearly always belongs near the bottom.
    """
    last = count - 1
    key = heap[last]
    hole = 0
    child = 1
    while child + 1 < last:
        child += heap[child + 1] < heap[child]
        heap[hole] = heap[child]
        hole = child
        child = 2 * hole + 1
    if child < last:
        heap[hole] = heap[child]
        hole = child
    while hole > 0:
        parent = (hole - 1) >> 1
        if heap[parent] <= key:
            break
        heap[hole] = heap[parent]
        hole = parent
    heap[hole] = key
