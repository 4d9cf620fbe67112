"""The counting engine's kernel: arrays and numbers in, arrays out; the only place that knows Numba.

Compiled code is cached in a folder keyed by a hash of this folder's sources, because a cached kernel
does not notice edits in the files of its callees.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numba


def cache_folder() -> Path:
    """Where this version's compiled kernels lie: under XDG_CACHE_HOME, else ~/.cache."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "timonier" / digest.hexdigest()[:16]


if "NUMBA_CACHE_DIR" not in os.environ:
    numba.config.CACHE_DIR = str(cache_folder())  # type: ignore[attr-defined]
