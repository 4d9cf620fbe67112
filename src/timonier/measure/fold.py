"""From the events of a task to Measurements: pure, so that what a crash left behind is read the same way."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from timonier.measure.interval import interval, interval_of_median
from timonier.measure.measurement import Check, Measurement, Sample
from timonier.measure.metrics import Metric, known_metrics
from timonier.measure.peaks import peak_of

Event = Mapping[str, Any]
_UNKNOWN = {"name": "", "cores": 0, "sockets": 1}


def fold(events: Iterable[Event], *, was_cut: str = "") -> list[Measurement]:
    """The figures of one task, in the order in which they came.

    was_cut: why the task did not come to its end (empty: it did); its figures are then partial.
    """
    said = list(events)
    begin = next((e for e in said if e["event"] == "begin"), None)
    if begin is None:
        return []
    samples: dict[str, list[Sample]] = {}
    for event in said:
        if event["event"] == "sample":
            for name, value in event["values"].items():
                samples.setdefault(name, []).append(_sample(float(value), event))
        elif event["event"] == "single":
            samples.setdefault(event["metric"], []).append(_sample(float(event["value"]), event))
    checks = tuple(
        Check(e["name"], float(e["value"]), float(e["limit"]), e["must"], e["passed"], e["what"])
        for e in said
        if e["event"] == "check"
    )
    singles = {e["metric"] for e in said if e["event"] == "single"}
    stopped = next((e["why"] for e in reversed(said) if e["event"] == "stop"), "")
    frame = _Frame(begin, checks, was_cut, stopped, said)
    found = [frame.figure(name, of, name in singles) for name, of in samples.items()]
    found += [frame.blank(e["metric"], e["text"]) for e in said if e["event"] == "skip"]
    return found


class _Frame:
    """What all figures of a task share."""

    def __init__(
        self, begin: Event, checks: tuple[Check, ...], was_cut: str, stopped: str, said: list[Event]
    ) -> None:
        self._gpu = next((e["name"] for e in said if e["event"] == "device"), None)
        self._begin, self._checks, self._was_cut, self._stopped, self._said = (
            begin,
            checks,
            was_cut,
            stopped,
            said,
        )

    def figure(self, name: str, samples: list[Sample], is_single: bool) -> Measurement:
        metric = known_metrics()[name]
        peak, peak_reason = peak_of(name, self._begin.get("processor", _UNKNOWN), self._gpu)
        values = [sample.value for sample in samples]
        ends = _ends(values, metric)
        failed = [one for one in self._checks if not one.passed]
        reason = "; ".join(
            f"check failed: {one.name} is {one.value:.6g}, must be {one.must} {one.limit:.6g}"
            for one in failed
        )
        state = "invalid" if failed else "partial" if self._was_cut else "measured"
        value = None if failed else _middle(values, metric)
        return Measurement(
            **self._shared(name, metric),
            state=state,
            value=value,
            low=ends[0] if ends and not failed else None,
            high=ends[1] if ends and not failed else None,
            statistic=metric.statistic,
            stopped="planned" if is_single else "interrupted" if self._was_cut else self._stopped,
            reason=reason or self._was_cut,
            note=self._notes(name),
            samples=tuple(samples),
            checks=self._checks,
            peak=peak,
            share=value / peak if value is not None and peak else None,
            peak_reason=peak_reason,
        )

    def blank(self, name: str, why: str) -> Measurement:
        shared = self._shared(name, known_metrics()[name])
        return Measurement(**shared, state="skipped", reason=why, peak_reason="not measured")

    def _shared(self, name: str, metric: Metric) -> dict[str, Any]:
        begin = self._begin
        return {
            "name": name,
            "benchmark": begin["benchmark"],
            "label": begin["label"],
            "unit": metric.unit,
            "node": begin["node"],
            "settings": begin["settings"],
            "versions": begin["versions"],
        }

    def _notes(self, name: str) -> str:
        return "; ".join(
            e["text"] for e in self._said if e["event"] == "note" and name.startswith(e["metric"])
        )


def _sample(value: float, event: Event) -> Sample:
    return Sample(
        value,
        event["at_s"],
        event.get("wall_s", 0.0),
        event.get("foreign_cores"),
        event.get("steal"),
    )


def _ends(values: list[float], metric: Metric) -> tuple[float, float] | None:
    """The 95 % interval; that of a harmonic mean is the one of the mean inverse, where that excludes 0."""
    if metric.statistic == "median":
        return interval_of_median(values)
    if metric.statistic != "harmonic mean":
        ends = interval(values)
        return (max(0.0, ends[0]), ends[1]) if ends else None  # no rate and no time is below 0
    ends = interval([1 / value for value in values])
    return (1 / ends[1], 1 / ends[0]) if ends and ends[0] > 0 else None


def _middle(values: list[float], metric: Metric) -> float:
    """The figure that stands for the samples."""
    if metric.statistic == "median":
        ordered = sorted(values)
        half = len(ordered) // 2
        return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
    if metric.statistic == "harmonic mean":
        return len(values) / math.fsum(1 / value for value in values)
    return math.fsum(values) / len(values)
