"""Arrivals that follow a day or a week: a steady stream of points, stretched by the hour's weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cycle:
    """A repeating profile of arrival weights.

    weights: float64[K], mean 1, one for each bucket of `bucket_s` seconds.
    """

    weights: Floats
    bucket_s: float

    def at(self, points: Floats) -> Floats:
        """When so many points have been used up: float64[J], s.

        One point is one bucket of average weight; a busy bucket uses points faster, so more jobs fall in it.
        """
        period = len(self.weights)
        spent = np.concatenate([[0.0], np.cumsum(self.weights)])
        whole, rest = np.divmod(points * period / spent[-1], period)
        inside = np.interp(rest * spent[-1] / period, spent, np.arange(period + 1))
        return np.asarray((whole * period + inside) * self.bucket_s)


def cycle_of(weights: Floats, bucket_s: float) -> Cycle:
    """A cycle with its weights brought to mean 1."""
    return Cycle(weights / weights.mean(), bucket_s)
