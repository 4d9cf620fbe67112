"""The offered load, and arrivals scaled until it is what was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonier.kit.errors import InputError


def offered_load(submit_s: NDArray[Any], work_s: NDArray[Any], processors: float) -> float | None:
    """Work over capacity: sum(size x run time) / (processors x (last submit - first submit)).

    submit_s: [J], s.  work_s: [J], processor-seconds.  None where the span is 0 or the work unknown.
    """
    span = float(submit_s.max() - submit_s.min()) if len(submit_s) else 0.0
    work = float(work_s.sum(dtype=np.float64))
    return work / (processors * span) if span > 0 and np.isfinite(work) else None


def scale_reaching(load_at: Callable[[float], float | None], target: float, within: float = 0.01) -> float:
    """The stretch of the arrivals at which the offered load is `target`, to `within` (relative).

    load_at(stretch) falls as the stretch grows; arrivals keep their daily cycle, so it is no straight line.
    """
    low, high = 1e-9, 1e9
    for _ in range(200):
        middle = float(np.sqrt(low * high))
        load = load_at(middle)
        if load is not None and abs(load - target) <= within * target / 10:
            return middle
        if load is None or load > target:
            low = middle
        else:
            high = middle
    last = load_at(high)
    if last is not None and abs(last - target) <= within * target:
        return high
    raise InputError(
        f"no arrival rate gives an offered load of {target:g}",
        where="--load",
        fix="make more jobs, or name another machine size",
    )
