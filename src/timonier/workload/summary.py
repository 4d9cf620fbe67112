"""What there is to know of a workload before simulating it, in numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonier.describe import Machine
from timonier.workload.arrow import pc
from timonier.workload.demand import loads_on
from timonier.workload.epoch import unix_seconds
from timonier.workload.jobs import Jobs
from timonier.workload.make.load import offered_load
from timonier.workload.size import processors_per_job

_PERCENTILES = (5, 25, 50, 75, 95, 99)
_RUN_EDGES_S = (0, 10, 60, 600, 3600, 4 * 3600, 12 * 3600, 86400, 3 * 86400, 7 * 86400, float("inf"))
_RUN_LABELS = ("<10s", "<1m", "<10m", "<1h", "<4h", "<12h", "<1d", "<3d", "<7d", "more")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_TOP_USERS = 5


@dataclass(frozen=True, slots=True)
class Summary:
    """The page of `workload show`. Histograms are label -> jobs; times are seconds.

    offered_load: sum(size x run time) / (processors x span), None without processors or span.
    loads: of a machine with nodes, the offered load of its cores, memory and GPUs, those that jobs ask for.
    gpus: of the machine.
    estimate_accuracy: jobs by run time / limit.  users: the largest, by processor-hours.
    """

    source: str
    kept: int
    dropped: dict[str, int]
    noted: dict[str, int]
    epoch: str | None
    processors: int | None
    first_submit_s: float | None
    last_submit_s: float | None
    span_s: float
    processor_hours: float | None
    offered_load: float | None
    larger_than_machine: int
    size: dict[str, float]
    size_histogram: dict[str, int]
    runtime_s: dict[str, float]
    runtime_histogram: dict[str, int]
    arrivals_by_hour: dict[str, int]
    arrivals_by_day: dict[str, int]
    cycle_zero: str
    user_count: int
    users: list[dict[str, Any]]
    estimate_accuracy: dict[str, int]
    limit_over_runtime_median: float | None
    gpus: int = 0
    loads: dict[str, float] = field(default_factory=dict)


def summarise(jobs: Jobs, processors: int | None = None, machine: Machine | None = None) -> Summary:
    """Everything the page shows. processors: the machine's; otherwise what the log says of its own.

    machine: one with nodes, whose cores are then the processors.
    """
    processors = machine.total_cores if machine is not None else processors or jobs.processors
    submit, runtime = jobs.numbers("submit_s", 0), jobs.numbers("runtime_s", 0)
    size = processors_per_job(jobs)
    work = size.astype(np.float64) * runtime
    total = float(work.sum())
    hours, days, zero = _cycle(submit, jobs.epoch)
    limit = jobs.numbers("time_limit_s", float("nan")).astype(np.float64)
    user_count, users = _users(jobs, work)
    return Summary(
        source=jobs.source,
        kept=len(jobs),
        dropped={reason: rows for reason, rows in jobs.cleaning.dropped.items() if rows},
        noted={fact: rows for fact, rows in jobs.cleaning.noted.items() if rows},
        epoch=jobs.epoch,
        processors=processors,
        first_submit_s=submit.min().item() if len(jobs) else None,
        last_submit_s=submit.max().item() if len(jobs) else None,
        span_s=(submit.max() - submit.min()).item() if len(jobs) else 0,
        processor_hours=total / 3600 if np.isfinite(total) else None,
        offered_load=offered_load(submit, work, processors) if processors else None,
        larger_than_machine=int((size > processors).sum()) if processors else 0,
        size=_spread(size),
        size_histogram=_size_histogram(size),
        runtime_s=_spread(runtime[np.isfinite(runtime)]),
        runtime_histogram=_histogram(runtime, _RUN_EDGES_S, _RUN_LABELS),
        arrivals_by_hour=hours,
        arrivals_by_day=days,
        cycle_zero=zero,
        user_count=user_count,
        users=users,
        estimate_accuracy=_accuracy(runtime, limit),
        limit_over_runtime_median=_median(limit / runtime),
        gpus=machine.total_gpus if machine is not None else 0,
        loads=loads_on(jobs, machine) if machine is not None else {},
    )


def _spread(values: NDArray[Any]) -> dict[str, float]:
    """Mean, largest and percentiles by linear interpolation; empty without values."""
    if not len(values):
        return {}
    points = np.percentile(values, _PERCENTILES)
    named = {f"p{p:02d}": float(value) for p, value in zip(_PERCENTILES, points, strict=True)}
    return {"mean": float(values.mean()), **named, "max": float(values.max())}


def _size_histogram(size: NDArray[np.int64]) -> dict[str, int]:
    """Jobs of 1, 2, 3-4, 5-8, ... processors."""
    if not len(size):
        return {}
    bins = np.ceil(np.log2(np.maximum(size, 1))).astype(np.int64)
    counts = np.bincount(bins)
    labels = ["1", "2"] + [f"{2 ** (k - 1) + 1}-{2**k}" for k in range(2, len(counts))]
    return dict(zip(labels, counts.tolist(), strict=False))


def _histogram(values: NDArray[Any], edges: tuple[float, ...], labels: tuple[str, ...]) -> dict[str, int]:
    """Jobs in [edge k, edge k+1), the last one closed."""
    bins = np.minimum(np.searchsorted(edges, values, side="right") - 1, len(labels) - 1)
    counts = np.bincount(bins[values >= edges[0]], minlength=len(labels))
    return dict(zip(labels, counts.tolist(), strict=True))


def _cycle(submit: NDArray[Any], epoch: str | None) -> tuple[dict[str, int], dict[str, int], str]:
    """Arrivals by hour and by day of the week; in UTC if the epoch is known, else from time zero."""
    offset = unix_seconds(epoch) + 3 * 86400 if epoch else 0.0  # 1970 began on a Thursday
    second = submit.astype(np.float64) + offset
    hour = np.bincount((second // 3600 % 24).astype(np.int64), minlength=24)
    day = np.bincount((second // 86400 % 7).astype(np.int64), minlength=7)
    names = _DAYS if epoch else tuple(f"day {k}" for k in range(1, 8))
    hours = {f"{k:02d}": count for k, count in enumerate(hour.tolist())}
    return hours, dict(zip(names, day.tolist(), strict=True)), "UTC" if epoch else "the workload's zero"


def _users(jobs: Jobs, work: NDArray[np.float64]) -> tuple[int, list[dict[str, Any]]]:
    """How many users there are, and the largest by processor-hours."""
    names = jobs.texts("user")
    if not len(jobs) or names.null_count == len(names):
        return 0, []
    known = pc.unique(names.drop_null())
    index = np.asarray(pc.fill_null(pc.index_in(names, known), len(known)).to_numpy())
    finite = np.where(np.isfinite(work), work, 0.0)
    used = np.bincount(index, weights=finite, minlength=len(known) + 1)[: len(known)]
    count = np.bincount(index, minlength=len(known) + 1)
    whole = finite.sum() or 1.0
    rows = []
    for k in np.argsort(-used, kind="stable")[:_TOP_USERS].tolist():
        hours, share = float(used[k] / 3600), float(used[k] / whole)
        rows.append(
            {"user": known[k].as_py(), "jobs": int(count[k]), "processor_hours": hours, "share": share}
        )
    return len(known), rows


def _accuracy(runtime: NDArray[Any], limit: NDArray[np.float64]) -> dict[str, int]:
    """Jobs by run time / limit, in tenths, and those over the limit; empty when no job has one."""
    known = np.isfinite(limit)
    if not known.any():
        return {}
    ratio = runtime[known] / limit[known]
    bins = np.where(ratio > 1, 10, np.minimum(np.floor(ratio * 10), 9)).astype(np.int64)
    labels = [f"{k / 10:.1f}" for k in range(10)] + ["over"]
    return dict(zip(labels, np.bincount(bins, minlength=11).tolist(), strict=True))


def _median(values: NDArray[np.float64]) -> float | None:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else None
