"""The reference page of metrics, made from `metrics.csv`."""

from __future__ import annotations

import math

from timonier.compare.metrics import Metric, known_metrics

_TITLE = """# Metrics

<!-- made by `python -m timonier.compare.document`; do not edit, a test compares it -->

Metrics are over the started jobs after the warm-up; what needs an end is over the jobs that ended.
The counts (`jobs_completed` and the like) are over the whole workload.
`--warmup 0.01` leaves out the first 1 % of the jobs, by submission.
Percentiles are by linear interpolation.
What is not known is empty (`null` in JSON), never 0 and never -1.
`compare` gives 95 % intervals of the means over its repeats: Student's t of 5 to 9 repeats, bootstrap-t of more; of fewer, the lowest and the highest.
They end where the possible values end.

| metric | unit | better | possible | meaning | empty where | source |
|---|---|---|---|---|---|---|
"""


def render_page() -> str:
    """The page as Markdown."""
    rows = [
        f"| `{m.name}` | {m.unit} | {m.better} | {_possible(m)} | {m.meaning} | {m.unknown} | {m.source} |\n"
        for m in known_metrics().values()
    ]
    return _TITLE + "".join(rows)


def _possible(metric: Metric) -> str:
    """What a metric can be."""
    return f"{metric.least:g} to {metric.most:g}" if math.isfinite(metric.most) else f"from {metric.least:g}"


if __name__ == "__main__":
    print(render_page(), end="")  # noqa: T201 - this is the program's output
