"""The table of metrics: every figure that a benchmark may give, with its unit and meaning."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Metric:
    """A row of metrics.csv.

    better: higher or lower.  statistic: mean, median or harmonic mean of the samples.
    roof: memory or compute where it is a roof of the roofline, else empty.
    """

    name: str
    benchmark: str
    unit: str
    better: str
    statistic: str
    roof: str
    title: str
    meaning: str
    source: str


@cache
def known_metrics() -> dict[str, Metric]:
    """Name -> metric, in the order of the table."""
    text = (files("timonier.measure") / "metrics.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {row["name"]: Metric(**row) for row in rows}
