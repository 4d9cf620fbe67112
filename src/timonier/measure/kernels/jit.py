"""How the loops of the benchmarks are compiled, and where the compiled code is kept.

The cache folder is keyed by a hash of this folder's sources, because a cached kernel does not notice edits in the
files of its callees.  Numba's setting is process-wide, so it is put back after each decoration.
Parallel builds have a folder of their own: Numba names a cached function by its source alone, and would give out the
build for one thread where the same body is asked for on all threads.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])


@cache
def cache_folder() -> Path:
    """Where this version's compiled kernels lie: under XDG_CACHE_HOME, else ~/.cache."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "timonier" / f"measure-{digest.hexdigest()[:16]}"


def _compiled(**options: Any) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        before = numba.config.CACHE_DIR  # type: ignore[attr-defined]
        folder = Path(os.environ.get("NUMBA_CACHE_DIR") or cache_folder())
        if options.get("parallel"):
            folder /= "parallel"
        numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
        try:
            made: F = numba.njit(cache=True, nogil=True, error_model="numpy", **options)(function)
        finally:
            numba.config.CACHE_DIR = before  # type: ignore[attr-defined]
        return made

    return decorate


# one thread, exact order of operations
exact = _compiled()
# one thread, sums may be reordered: bandwidth-bound loops want vector instructions
fast = _compiled(fastmath=True)
# all threads that numba.set_num_threads allows
threads = _compiled(parallel=True, fastmath=True)
# the same, each operation as it is written
exact_threads = _compiled(parallel=True)
# called by other kernels only, and always inlined
inline = _compiled(forceinline=True)
