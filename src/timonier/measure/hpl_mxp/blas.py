"""The three BLAS functions of scipy's own BLAS that a factorisation in place needs, on parts of one flat matrix.

They are called at the addresses that scipy offers to Cython, because scipy.linalg.blas would copy every part.
"""

from __future__ import annotations

import ctypes
from typing import Any

from timonier.measure.kernels.arrays import Singles


class Blas:
    """Works on `a`, float32, n x n, column by column; a place is the number of an element in it."""

    def __init__(self, a: Singles, n: int) -> None:
        self._a = a  # or its memory would be given away
        self._base, self._lead = a.ctypes.data, ctypes.c_int(n)
        self._one, self._minus = ctypes.c_float(1.0), ctypes.c_float(-1.0)
        self._gemm, self._trsm, self._trsv = (_function(name) for name in ("sgemm", "strsm", "strsv"))

    def matrix(self) -> Singles:
        """The whole matrix, float32[n, n]: after a factorisation L below the diagonal, U on and above it."""
        n = self._lead.value
        return self._a.reshape(n, n).T

    def subtract(self, m: int, n: int, k: int, places: tuple[int, int, int]) -> None:
        """C -= A B with A m x k, B k x n; places: where A, B and C begin."""
        a, b, c = (self._at(place) for place in places)
        lead, no = self._lead, b"N"
        self._gemm(
            no, no, _int(m), _int(n), _int(k), _ref(self._minus), a, _ref(lead), b, _ref(lead),
            _ref(self._one), c, _ref(lead),
        )  # fmt: skip

    def divide(self, words: bytes, m: int, n: int, triangle: int, part: int) -> None:
        """The part (m x n) by a triangle: words are side, which half, transposed, unit diagonal, as in strsm."""
        side, half, transposed, unit = (words[k : k + 1] for k in range(4))
        self._trsm(
            side, half, transposed, unit, _int(m), _int(n), _ref(self._one), self._at(triangle),
            _ref(self._lead), self._at(part), _ref(self._lead),
        )  # fmt: skip

    def solve(self, x: Singles) -> None:
        """x = U^-1 L^-1 x with the factors in the whole matrix."""
        for half, unit in ((b"L", b"U"), (b"U", b"N")):
            self._trsv(
                half, b"N", unit, _int(x.size), self._at(0), _ref(self._lead),
                ctypes.c_void_p(x.ctypes.data), _int(1),
            )  # fmt: skip

    def _at(self, place: int) -> ctypes.c_void_p:
        return ctypes.c_void_p(self._base + 4 * place)


def _int(value: int) -> Any:
    return ctypes.byref(ctypes.c_int(value))


def _ref(value: Any) -> Any:
    return ctypes.byref(value)


def _function(name: str) -> Any:
    """A BLAS function at the address that scipy tells."""
    from scipy.linalg import cython_blas

    capsule = cython_blas.__pyx_capi__[name]
    tell = ctypes.pythonapi.PyCapsule_GetName
    tell.restype, tell.argtypes = ctypes.c_char_p, [ctypes.py_object]
    point = ctypes.pythonapi.PyCapsule_GetPointer
    point.restype, point.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return ctypes.CFUNCTYPE(None)(point(capsule, tell(capsule)))
