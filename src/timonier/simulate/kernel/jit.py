"""How kernel functions are compiled: only the loops themselves are called from Python."""

from __future__ import annotations

from numba import njit

# Called from kernel code only: no wrapper that would take a State apart for Python (most of the compile time).
helper = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)

# The same, and always inlined: what is called for every event.
inline = njit(forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)

# What Python calls: one build of the event loop; threads run side by side.
loop = njit(cache=True, nogil=True, _nrt=False)
