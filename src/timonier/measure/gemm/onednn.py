"""int8 x int8 -> int32 by oneDNN's plain C function, found in the package `onednn` or in the system's library."""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

INSTALL = "apt-get install libdnnl2, or pip install onednn"
_NAMES = ("libdnnl.so.3", "libdnnl.so.2", "libdnnl.so")
_NEEDS = (
    "libtbb.so.12",
    "libimf.so",
    "libsvml.so",
    "libintlc.so.5",
    "libsycl.so.9",
)  # what the package lies beside


class Library:
    """oneDNN, and which version of it."""

    def __init__(self, handle: ctypes.CDLL) -> None:
        word, size, pointer, real = ctypes.c_char, ctypes.c_int64, ctypes.c_void_p, ctypes.c_float
        self._gemm = handle.dnnl_gemm_s8s8s32
        self._gemm.restype = ctypes.c_int
        self._gemm.argtypes = [
            word, word, word, size, size, size, real, pointer, size, ctypes.c_int8, pointer, size, ctypes.c_int8,
            real, pointer, size, pointer,
        ]  # fmt: skip
        handle.dnnl_version.restype = ctypes.POINTER(ctypes.c_int * 3)
        self.version = ".".join(str(part) for part in handle.dnnl_version().contents)

    def multiply(self, a: NDArray[np.int8], b: NDArray[np.int8], c: NDArray[np.int32]) -> None:
        """c = a b; a [m, k], b [k, n], c [m, n], row by row.  Sums beyond k = 131,072 would not fit int32."""
        m, k = a.shape
        n = b.shape[1]
        zero = np.zeros(1, np.int32)
        code = self._gemm(
            b"N", b"N", b"F", m, n, k, 1.0, a.ctypes.data, k, 0, b.ctypes.data, n, 0, 0.0, c.ctypes.data, n,
            zero.ctypes.data,
        )  # fmt: skip
        if code:
            raise RuntimeError(f"dnnl_gemm_s8s8s32 returned {code}")


@cache
def load() -> Library | None:
    """oneDNN, or None where it is not installed."""
    for handle in _found():
        if hasattr(handle, "dnnl_gemm_s8s8s32"):
            return Library(handle)
    return None


def _found() -> list[Any]:
    folder = Path(sys.prefix) / "lib"
    for name in _NEEDS:
        if (folder / name).exists():
            _open(str(folder / name))
    system = ctypes.util.find_library("dnnl")
    places = [str(folder / name) for name in _NAMES if (folder / name).exists()]
    handles = (_open(place) for place in [*places, *_NAMES, *([system] if system else [])])
    return [handle for handle in handles if handle is not None]


def _open(place: str) -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(place, mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return None
