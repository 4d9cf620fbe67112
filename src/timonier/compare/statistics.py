"""How sure are we? Bootstrap over repeats: intervals, paired differences, the chance to be on the front.

One matrix of draws serves everything, so that whatever is compared is compared on the same repeats.
Unknown values are nan; what is computed from one is nan too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DRAWS = 2000
LEVEL = 0.95
LEAST_REPEATS = 5  # of fewer the range is all that is known, and of one nothing
# 97.5 % points of Student's t for 5 to 9 repeats; of so few, a draw may have next to no spread, and bootstrap-t
# divides by it: one interval in 20 gets more than three times as wide at 5 as it should be, at 10 a fifth wider
STUDENT = {5: 2.776445, 6: 2.570582, 7: 2.446912, 8: 2.364624, 9: 2.306004}


def bootstrap_draws(repeats: int, seed: int, draws: int = DRAWS) -> Ints:
    """Which repeats each draw takes, with replacement: int64[draws, repeats].

    Source: Efron 1979, doi:10.1214/aos/1176344552.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    return rng.integers(0, repeats, size=(draws, repeats))


def mean_interval(values: Floats, draws: Ints) -> tuple[float, float, float]:
    """Mean and interval of float64[R]: bootstrap-t from 10 repeats on, Student's t below.

    The percentile interval of a mean covers too rarely when repeats are few (86 to 92 % at 20); this one divides
    each draw's distance from the mean by the draw's own standard error.
    Of fewer than LEAST_REPEATS the range; nan, nan where one repeat is all there is.
    Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, section 12.5; Student 1908, doi:10.2307/2331554.
    """
    mean = float(np.mean(values))
    if len(values) < LEAST_REPEATS:
        return mean, *_range(values)
    error = float(np.std(values))  # the same divisor in each draw cancels out
    if not error > 1e-12 * abs(mean):  # nan, or rounding alone
        return (mean, mean, mean) if np.isfinite(mean) else (mean, np.nan, np.nan)
    if len(values) in STUDENT:
        half = STUDENT[len(values)] * error / (len(values) - 1) ** 0.5
        return mean, mean - half, mean + half
    drawn = values[draws]
    errors = drawn.std(axis=1)
    usual = errors > 1e-9 * error  # a draw of one value over and over has no spread to divide by
    low, high = _percentiles((drawn.mean(axis=1)[usual] - mean) / errors[usual])
    return mean, mean - high * error, mean - low * error


def median_interval(values: Floats, draws: Ints) -> tuple[float, float, float]:
    """Median and percentile bootstrap interval of float64[R], for paired differences; few repeats as above.

    The median, as one repeat in which a scheduler falls over would carry a mean away.
    """
    median = float(np.median(values))
    if len(values) < LEAST_REPEATS:
        return median, *_range(values)
    low, high = _percentiles(np.median(values[draws], axis=1))
    return median, low, high


def _range(values: Floats) -> tuple[float, float]:
    return (np.nan, np.nan) if len(values) < 2 else (float(values.min()), float(values.max()))


def _percentiles(values: Floats) -> tuple[float, float]:
    tail = 50.0 * (1.0 - LEVEL)
    low, high = np.percentile(values, [tail, 100.0 - tail])
    return float(low), float(high)


def drawn_means(values: Floats, draws: Ints) -> Floats:
    """Mean over every draw: float64[..., R] to float64[..., draws]."""
    taken = np.zeros(draws.shape)
    np.add.at(taken, (np.arange(len(draws))[:, None], draws), 1.0)
    means: Floats = values @ taken.T / draws.shape[1]
    return means


def drop_rounding(values: Floats) -> Floats:
    """Twelve significant digits: sums in another order must not decide who dominates whom."""
    usual = np.isfinite(values) & (values != 0.0)
    digits = np.power(10.0, 11.0 - np.floor(np.log10(np.abs(np.where(usual, values, 1.0)))))
    kept: Floats = np.where(usual, np.rint(values * digits) / digits, values)
    return kept
