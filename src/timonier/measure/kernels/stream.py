"""STREAM's four loops, for one thread and for all threads of this process.

Arrays are float64[n].  Each is touched first by the threads that use it, so that it lies in their memory.
Source: McCalpin 1995, "Memory bandwidth and machine balance in current high performance computers".
"""

from __future__ import annotations

from numba import prange

from timonier.measure.kernels.arrays import Floats
from timonier.measure.kernels.jit import exact_threads, fast, threads


def _fill(a: Floats, b: Floats, c: Floats) -> None:
    for i in prange(a.size):
        a[i] = 1.0
        b[i] = 2.0
        c[i] = 0.0


def _copy(a: Floats, c: Floats) -> None:
    for i in prange(a.size):
        c[i] = a[i]


def _copy_by_all(a: Floats, c: Floats) -> None:
    # + 0.0: else LLVM calls memcpy, which on two cores of a Zen 4 moves 52 instead of 60 GB/s
    for i in prange(a.size):
        c[i] = a[i] + 0.0


def _scale(b: Floats, c: Floats, q: float) -> None:
    for i in prange(b.size):
        b[i] = q * c[i]


def _add(a: Floats, b: Floats, c: Floats) -> None:
    for i in prange(a.size):
        c[i] = a[i] + b[i]


def _triad(a: Floats, b: Floats, c: Floats, q: float) -> None:
    for i in prange(a.size):
        a[i] = b[i] + q * c[i]


# the same bodies, compiled twice; only the copy differs
fill_1, copy_1, scale_1, add_1, triad_1 = fast(_fill), fast(_copy), fast(_scale), fast(_add), fast(_triad)
fill_n, copy_n, scale_n, add_n, triad_n = (
    threads(_fill),
    exact_threads(_copy_by_all),
    threads(_scale),
    threads(_add),
    threads(_triad),
)
