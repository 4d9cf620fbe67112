"""MPI's functions called from compiled loops: what a Python call would cost is left out of small messages.

The functions are those of the MPI library that is loaded already; such code cannot be kept in the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def build(send: Any, receive: Any, reduce_all: Any) -> tuple[Callable[..., None], Callable[..., None]]:
    """(pingpong, sums) for ctypes functions with argtypes.

    pingpong(buffer, size, times, is_first, other, comm, byte): half of `times` round trips are ours.
    sums(out, into, times, comm, real, plus): `times` sums of one float64 over all ranks.
    """

    @njit(nogil=True)
    def pingpong(buffer, size, times, is_first, other, comm, byte):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
        for _ in range(times):
            if is_first:
                send(buffer, size, byte, other, 1, comm)
                receive(buffer, size, byte, other, 1, comm, 0)
            else:
                receive(buffer, size, byte, other, 1, comm, 0)
                send(buffer, size, byte, other, 1, comm)

    @njit(nogil=True)
    def sums(out, into, times, comm, real, plus):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
        for _ in range(times):
            reduce_all(out, into, 1, real, plus, comm)

    return pingpong, sums
