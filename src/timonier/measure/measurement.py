"""What was measured, how surely, and under which conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from timonier.measure.conditions import SHORT_S

STATES = ("measured", "partial", "invalid", "skipped")


@dataclass(frozen=True, slots=True)
class Sample:
    """One repeat.

    at_s: its end, seconds after the task began.  wall_s: how long it took.
    foreign_cores: processors that others kept busy meanwhile.  steal: share of our time that the host gave to others.
    Both are None where they cannot be read.
    """

    value: float
    at_s: float
    wall_s: float
    foreign_cores: float | None = None
    steal: float | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A validity check.  value is right when it is `must` limit: below, at most, equal or at least."""

    name: str
    value: float
    limit: float
    must: str
    passed: bool
    what: str = ""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A figure of one machine.

    name: metric, as in metrics.csv.  label: which variant, such as `all cores` or `reuse of partial sums`.
    value: as `statistic` says, over the samples, in `unit`; None where there is none, and `reason` says why.
    low, high: 95 % interval of that statistic (Student; order statistics for a median), None for too few samples.
    state: measured; partial (it was cut short); invalid (a check failed: value is None); skipped.
    stopped: interval (it is narrow enough), budget, planned (a fixed number), interrupted.
    peak, share: theoretical peak in `unit` and value / peak; None where unknown, and peak_reason says why.
    """

    name: str
    benchmark: str
    label: str
    unit: str
    state: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    statistic: str = "mean"
    stopped: str = ""
    reason: str = ""
    note: str = ""
    samples: tuple[Sample, ...] = ()
    checks: tuple[Check, ...] = ()
    peak: float | None = None
    share: float | None = None
    peak_reason: str = ""
    node: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def repeats(self) -> int:
        """How many samples there are."""
        return len(self.samples)

    @property
    def foreign_cores(self) -> float | None:
        """The mean over the samples, None where no sample knows."""
        return _mean([s.foreign_cores for s in self.samples])

    @property
    def steal(self) -> float | None:
        """The mean over the samples, None where no sample knows."""
        return _mean([s.steal for s in self.samples])

    @property
    def is_clean(self) -> bool | None:
        """Did nobody else use this machine?  Less than 0.1 processors and 1 % steal; None where unknown."""
        if self.foreign_cores is None:
            return None
        return self.foreign_cores < 0.1 and (self.steal or 0.0) < 0.01

    @property
    def conditions_reason(self) -> str:
        """Why it is not known what else the machine did; empty where it is."""
        if self.foreign_cores is not None:
            return ""
        if not self.samples:
            return "nothing was measured"
        if all(sample.wall_s == 0 for sample in self.samples):
            return "measured once, in passing, without looking at the others"
        if all(sample.wall_s < SHORT_S for sample in self.samples):
            return f"its repeats are shorter than the {SHORT_S:g} s that the kernel's counters can tell"
        return "/proc/stat cannot be read"


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
