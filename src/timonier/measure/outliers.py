"""Nodes that differ from the others, by the median and the spread about it: pure."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

LEAST_NODES = 3
_FAR = 3.5  # robust standard deviations
_NOTABLE = 0.05  # and a share of the median: on a quiet cluster the spread is tiny


@dataclass(frozen=True, slots=True)
class Outlier:
    """A node whose figure is far from the others'.  ratio: value / median; deviations: robust standard deviations."""

    node: str
    value: float
    median: float
    ratio: float
    deviations: float


def outliers(values: Mapping[str, float]) -> list[Outlier]:
    """Node -> figure; those far from the median, the farthest first.  Fewer than three nodes have none.

    Source: Iglewicz and Hoaglin 1993, "How to detect and handle outliers": modified z-score above 3.5.

    >>> found = outliers({"a": 100.0, "b": 101.0, "c": 99.0, "d": 60.0})
    >>> [(one.node, round(one.ratio, 3)) for one in found]
    [('d', 0.603)]
    """
    if len(values) < LEAST_NODES:
        return []
    median = statistics.median(values.values())
    spread = statistics.median(abs(value - median) for value in values.values()) / 0.6745
    found = []
    for node, value in values.items():
        distance = abs(value - median)
        if distance > _NOTABLE * abs(median) and distance > _FAR * spread:
            deviations = distance / spread if spread else float("inf")
            found.append(Outlier(node, value, median, value / median if median else float("inf"), deviations))
    return sorted(found, key=lambda one: -abs(one.value - one.median))
