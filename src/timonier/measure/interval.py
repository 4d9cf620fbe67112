"""Means with their 95 % intervals, and when there are repeats enough."""

from __future__ import annotations

import math
from collections.abc import Sequence

LEAST = 3  # repeats before an interval is believed
NARROW = 0.02  # half-width as a share of the mean


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """95 % interval of the mean of independent values, None for fewer than two of them.

    Source: Student 1908, "The probable error of a mean".

    >>> [round(end, 4) for end in interval([9.0, 10.0, 11.0])]
    [7.5159, 12.4841]
    """
    if len(values) < 2:
        return None
    mean = math.fsum(values) / len(values)
    spread = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))
    half = student(len(values) - 1) * spread / math.sqrt(len(values))
    return mean - half, mean + half


def interval_of_median(values: Sequence[float]) -> tuple[float, float] | None:
    """Order statistics that hold the median with at least 95 %, None for fewer than six values.

    Source: David and Nagaraja 2003, "Order statistics", section 7.1.

    >>> interval_of_median([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), interval_of_median([1.0, 2.0])
    ((1.0, 6.0), None)
    """
    ordered, n = sorted(values), len(values)
    below, outside = 0, 0.5**n  # chance that the median lies below the smallest
    if n < 6 or outside > 0.025:
        return None
    while True:
        more = outside + math.comb(n, below + 1) * 0.5**n
        if more > 0.025:
            return ordered[below], ordered[n - 1 - below]
        below, outside = below + 1, more


def is_narrow(values: Sequence[float], share: float = NARROW) -> bool:
    """Are there enough values, and is the half-width at most `share` of the mean?"""
    ends = interval(values)
    if ends is None or len(values) < LEAST:
        return False
    return ends[1] - ends[0] <= 2 * share * abs(math.fsum(values)) / len(values)


def student(freedom: int) -> float:
    """The 97.5 % point of Student's t with `freedom` degrees of freedom, to 1e-9.

    Newton's method on the distribution function, which is a finite sum for whole degrees of freedom.
    Source: Abramowitz and Stegun 1964, 26.7.3 and 26.7.4.

    >>> [round(student(k), 4) for k in (1, 2, 3, 10, 100)]
    [12.7062, 4.3027, 3.1824, 2.2281, 1.984]
    """
    t = 1.96 if freedom > 3 else (12.7, 4.3, 3.2)[freedom - 1]
    log_density = (
        math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - 0.5 * math.log(freedom * math.pi)
    )
    for _ in range(50):
        density = math.exp(log_density - (freedom + 1) / 2 * math.log1p(t * t / freedom))
        step = (_within(t, freedom) - 0.95) / (2 * density)
        t -= step
        if abs(step) < 1e-10:
            break
    return t


def _within(t: float, freedom: int) -> float:
    """Probability that |T| is at most t."""
    angle = math.atan(t / math.sqrt(freedom))
    cosine, sine = math.cos(angle), math.sin(angle)
    if freedom % 2 == 0:
        term, total = 1.0, 1.0
        for k in range(2, freedom, 2):
            term *= cosine * cosine * (k - 1) / k
            total += term
        return sine * total
    if freedom == 1:
        return 2 * angle / math.pi
    term, total = cosine, cosine
    for k in range(3, freedom, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    return 2 / math.pi * (angle + sine * total)
