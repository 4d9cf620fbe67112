"""The terminal page of a summary: text and bars, readable in the plainest terminal."""

from __future__ import annotations

from typing import Any

from timonier.workload.demand import RESOURCES
from timonier.workload.summary import Summary

_WIDTH = 78


def render_page(summary: Summary) -> str:
    """The whole page as plain text."""
    parts = [_facts(summary), _spreads(summary)]
    total = max(1, summary.kept)
    charts = [
        ("jobs by processors (%)", summary.size_histogram),
        ("jobs by run time (%)", summary.runtime_histogram),
        (f"arrivals by hour of the day, from {summary.cycle_zero} (%)", summary.arrivals_by_hour),
        (f"arrivals by day, from {summary.cycle_zero} (%)", summary.arrivals_by_day),
        ("run time / limit (% of the jobs with a limit)", summary.estimate_accuracy),
    ]
    for title, counts in charts:
        if any(counts.values()):
            whole = sum(counts.values()) if counts is summary.estimate_accuracy else total
            parts.append(_bars(title, counts, whole))
    if summary.users:
        parts.append(_users(summary))
    return "\n\n".join(parts)


def human_seconds(seconds: float) -> str:
    """
    >>> human_seconds(59), human_seconds(5400), human_seconds(200000)
    ('59 s', '1.5 h', '2.3 d')
    """
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


def _facts(summary: Summary) -> str:
    lines = [("workload", summary.source), ("jobs kept", f"{summary.kept:,}")]
    lines += [("dropped", f"{rows:,} {reason}") for reason, rows in summary.dropped.items()]
    lines += [("noted", f"{rows:,} {fact}") for fact, rows in summary.noted.items()]
    lines.append(("span", f"{human_seconds(summary.span_s)} from first to last submission"))
    if summary.epoch:
        lines.append(("time zero", summary.epoch))
    lines.append(("machine", _machine(summary)))
    if summary.processor_hours is not None:
        lines.append(("work", f"{summary.processor_hours:,.0f} processor-hours"))
    if summary.loads:
        told = ", ".join(f"{load:.4f} of the {RESOURCES[name]}" for name, load in summary.loads.items())
        lines.append(("offered load", f"{told} over the span"))
    elif summary.offered_load is not None:
        lines.append(("offered load", f"{summary.offered_load:.4f} of the machine over the span"))
    if summary.limit_over_runtime_median is not None:
        times = f"{summary.limit_over_runtime_median:.1f}"
        lines.append(("estimates", f"the median limit is {times} x the run time"))
    return "\n".join(f"{name:<13} {text}" for name, text in lines)


def _machine(summary: Summary) -> str:
    if summary.processors is None:
        return "not said by the log; give --machine N for the offered load"
    text = f"{summary.processors:,} {'cores' if summary.loads else 'processors'}"
    text += f", {summary.gpus:,} GPUs" if summary.gpus else ""
    if summary.larger_than_machine:
        text += f"; {summary.larger_than_machine:,} jobs are larger"
    return text


def _spreads(summary: Summary) -> str:
    names = ("mean", "p05", "p25", "p50", "p75", "p95", "p99", "max")
    lines = [" " * 13 + "".join(f"{name:>9}" for name in names)]
    rows: list[tuple[str, dict[str, float], Any]] = [
        ("processors", summary.size, lambda value: f"{value:,.4g}"),
        ("run time", summary.runtime_s, human_seconds),
    ]
    for title, spread, shown in rows:
        if spread:
            lines.append(f"{title:<13}" + "".join(f"{shown(spread[name]):>9}" for name in names))
    return "\n".join(lines)


def _bars(title: str, counts: dict[str, int], whole: int) -> str:
    """One bar a label, its height in per cent."""
    import plotext

    figure = plotext.figure
    figure.clear()
    figure.plot_size(_WIDTH, 9)
    figure.theme("colorless")
    figure.title(title)
    labels = _thinned(list(counts))
    heights = [100 * count / whole for count in counts.values()]
    figure.draw(figure.bar(list(range(1, len(heights) + 1)), heights))
    figure.ruler("x").ticks(list(range(1, len(labels) + 1)), labels)
    text = plotext.uncolorize(str(figure.build()))
    return "\n".join(line.rstrip() for line in text.splitlines())


def _thinned(labels: list[str]) -> list[str]:
    """Labels that do not run into each other: the upper end of a range is enough when it is tight."""
    if sum(len(label) + 1 for label in labels) > _WIDTH - 8:
        labels = [label.split("-")[-1] for label in labels]
    return labels


def _users(summary: Summary) -> str:
    lines = [f"{summary.user_count:,} users; the largest by processor-hours"]
    for row in summary.users:
        used = f"{row['processor_hours']:>14,.0f} h {row['share']:>7.1%}"
        lines.append(f"  {row['user']:<20.20} {row['jobs']:>9,} jobs {used}")
    return "\n".join(lines)
