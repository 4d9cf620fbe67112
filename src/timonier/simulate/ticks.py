"""Seconds to clock ticks of one second and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

NEVER = 1 << 60  # the tick of what does not happen
FAR = 1 << 59  # beyond every instant that the clock can hold


def to_ticks(seconds: NDArray[Any]) -> tuple[NDArray[np.int64], int]:
    """Whole ticks, fractions rounded half up, inf as NEVER; and how many had a fraction.

    seconds: int64[J] or float64[J], s, no nan.  Returns int64[J].
    """
    if seconds.dtype.kind in "iu":
        return seconds.astype(np.int64, copy=False), 0
    finite = np.isfinite(seconds)
    whole = np.floor(np.where(finite, seconds, 0.0) + 0.5)
    fractions = int(np.count_nonzero(finite & (whole != seconds)))
    ticks = np.clip(whole, -FAR, FAR).astype(np.int64)
    ticks[~finite] = NEVER
    return ticks, fractions
