"""How kernel functions are compiled: only the loops themselves are called from Python."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numba import njit
from numba.core import types as untyped_types
from numba.core.codegen import CPUCodeLibrary

types: Any = untyped_types  # numba's own types do not know their arguments
library: Any = CPUCodeLibrary

# Called from kernel code only: no wrapper that would take a State apart for Python (most of the compile time).
helper = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)

# The same, and always inlined: what is called for every event.
inline = njit(forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)

# What Python calls: one build of the event loop; threads run side by side.
loop = njit(cache=True, nogil=True, _nrt=False)


def _widened(kind: Any) -> Any:
    kind = types.unliteral(kind)
    if isinstance(kind, types.Integer):
        return types.int64
    if isinstance(kind, types.BaseTuple) and not isinstance(kind, types.BaseNamedTuple):
        return types.Tuple([_widened(part) for part in kind])
    return kind


@contextmanager
def _as_written() -> Iterator[None]:
    """What is compiled meanwhile is not optimised: it is linked into a loop, which is optimised as a whole.

    Numba optimises every function together with all that it calls, over and over, up to the loop.
    """
    optimise = library._optimize_final_module  # noqa: SLF001 - Numba has no switch for it
    library._optimize_final_module = lambda _: None  # noqa: SLF001
    try:
        yield
    finally:
        library._optimize_final_module = optimise  # noqa: SLF001


def _once(function: Any) -> Any:
    """The same function, built once for all integers: Numba builds it anew for each width and each constant."""
    plain = getattr(function, "get_call_template", None)
    if plain is not None:  # there is none without the JIT

        def widened(args: Any, kws: Any) -> Any:
            with _as_written():
                return plain(tuple(map(_widened, args)), {name: _widened(kind) for name, kind in kws.items()})

        function.get_call_template = widened
    return function


def helper_once(function: Any) -> Any:
    """`helper`, built once for all integers."""
    return _once(helper(function))


def inline_once(function: Any) -> Any:
    """`inline`, built once for all integers."""
    return _once(inline(function))
