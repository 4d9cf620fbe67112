"""Metrics of one run, from its run table; `metrics.csv` names them all.

They are over the started jobs after the warm-up; what needs an end is over the jobs that ended.
Memory stays at a few arrays of the table's length, so that ten million jobs are no trouble.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from timonier.kit.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Scores = dict[str, float | None]
Column = Any  # pa.ChunkedArray or pa.Array; the stubs of pyarrow refuse calls that the library takes

pc: Any = pyarrow.compute

STATES = ("completed", "timeout", "running", "pending", "cancelled", "unrunnable", "dropped")
_PERCENTILES = {"median": 50.0, "p95": 95.0, "p99": 99.0}


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of metrics.csv.  better: "low", "high", or "" where neither is.  unknown: why it may be.

    least, most: what it can be; most is infinite where there is no bound.
    """

    name: str
    unit: str
    better: str
    least: float
    most: float
    meaning: str
    unknown: str
    source: str


@cache
def known_metrics() -> dict[str, Metric]:
    """Every metric by name, in the order of the table."""
    with Path(__file__).with_name("metrics.csv").open(encoding="utf-8", newline="") as lines:
        return {row["name"]: _metric(row) for row in csv.DictReader(lines)}


def _metric(row: dict[str, str]) -> Metric:
    texts = {name: row[name] for name in ("name", "unit", "better", "meaning", "unknown", "source")}
    return Metric(**texts, least=float(row["least"]), most=float(row["most"] or "inf"))


def score(table: pa.Table, processors: int, warmup: float = 0.0, users: Column | None = None) -> Scores:
    """Every metric of a run table; None where it is not known.

    processors: of the machine.  warmup: share of the first jobs, by submit and row, that is left out.
    users: one text a row, for the fairness between users.
    """
    if not 0.0 <= warmup < 1.0:
        raise InputError(f"the warm-up is {warmup:g}", fix="give a share of the jobs: 0 <= warm-up < 1")
    scores: Scores = dict.fromkeys(known_metrics())
    counts = pc.value_counts(table.column("state").cast(pa.string())).to_pylist()
    by_state = {count["values"]: count["counts"] for count in counts}
    scores |= {f"jobs_{state}": by_state.get(state, 0) for state in STATES}
    kept = after_warmup(table, warmup)
    started = pc.is_valid(table.column("start_s"))
    if kept is not None:
        started = pc.and_(started, pa.array(kept))
    submit = _ints(table, "submit_s", started)
    wait = _ints(table, "start_s", started) - submit
    scores["jobs_scored"] = len(wait)
    if len(wait) == 0:
        return scores
    scores |= _summary("wait", wait, "_s")
    scores["wait_max_s"] = float(wait.max())
    scores["lost_work_s"] = _lost_work(table, started)
    ended = pc.is_valid(table.column("end_s").filter(started))
    if pc.all(ended).as_py() is False:
        wait = wait[np.asarray(ended)]
        started = pc.and_(started, pc.is_valid(table.column("end_s")))
    if len(wait):
        scores |= _of_ended(table, started, wait, int(submit.min()), processors, users)
    return scores


def _of_ended(
    table: pa.Table,
    ended: Column,
    wait: Ints,
    first_submit: int,
    processors: int,
    users: Column | None,
) -> Scores:
    """The metrics that need run times; wait: int64[E] of the ended jobs."""
    end = _ints(table, "end_s", ended)
    makespan = int(end.max()) - first_submit
    run = end - _ints(table, "start_s", ended)
    work = _ints(table, "size", ended).astype(np.float64)
    work *= run
    total = float(work.sum())
    below = wait < run
    scores: Scores = {
        "makespan_s": float(makespan),
        "wait_below_run_share": float(np.count_nonzero(below)) / len(wait),
    }
    if total > 0:
        scores["wait_work_weighted_s"] = float(np.dot(wait.astype(np.float64), work)) / total
        scores["wait_below_run_work_share"] = float(work[below].sum()) / total
    if makespan > 0:
        scores["jobs_per_hour"] = len(wait) * 3600.0 / makespan
        if processors > 0:
            scores["processor_hours_per_hour"] = total / makespan
            scores["utilisation"] = total / (processors * float(makespan))
    del end, work, below
    scores |= _summary("tts", wait + run, "_s")
    slowdown = bounded_slowdown(wait, run)
    scores |= _summary("bsld", slowdown)
    if users is not None:
        means = _mean_by_user(slowdown, users.filter(ended))
        scores["jain_bsld_user"] = jain_index(means)
        scores["bsld_worst_user"] = float(means.max()) if len(means) else None
    return scores


def bounded_slowdown(wait_s: Ints | Floats, run_s: Ints | Floats, floor_s: float = 10.0) -> Floats:
    """How many times longer each job took than it had to, never below 1.

    wait_s, run_s: [J], s.  Returns float64[J].  Jobs shorter than floor_s count as floor_s long.
    Source: Feitelson, Rudolph, Schwiegelshohn, Sevcik, Wong 1997, doi:10.1007/3-540-63574-2_14.
    """
    slowdown: Floats = (wait_s + run_s).astype(np.float64)
    slowdown /= np.maximum(run_s, floor_s)
    return np.maximum(slowdown, 1.0, out=slowdown)


def jain_index(values: Floats) -> float | None:
    """1 where all values are alike, 1/n where one has everything; None without values.

    Source: Jain, Chiu, Hawe 1984, DEC-TR-301: (sum x)^2 / (n sum x^2).
    """
    squares = float(np.dot(values, values))
    return float(values.sum()) ** 2 / (len(values) * squares) if squares > 0 else None


def _mean_by_user(slowdown: Floats, users: Column) -> Floats:
    """Each user's mean bounded slowdown; jobs of no known user are left out."""
    if isinstance(users, pa.ChunkedArray):
        users = users.combine_chunks()
    codes = users.dictionary_encode().indices
    known = np.asarray(pc.is_valid(codes))
    code = np.asarray(pc.fill_null(codes, 0))[known]
    jobs = np.bincount(code)
    sums = np.bincount(code, weights=slowdown[known])
    means: Floats = sums[jobs > 0] / jobs[jobs > 0]
    return means


def _summary(name: str, values: Ints | Floats, unit: str = "") -> Scores:
    """Mean and percentiles (linear interpolation) of one quantity."""
    mean = float(values.mean(dtype=np.float64))
    found = np.percentile(values, list(_PERCENTILES.values()))
    points = {f"{name}_{point}{unit}": float(value) for point, value in zip(_PERCENTILES, found, strict=True)}
    return {f"{name}_mean{unit}": mean, **points}


def after_warmup(table: pa.Table, warmup: float) -> NDArray[np.bool_] | None:
    """Rows that count; None for all.  The first floor(share x J) jobs by (submit, row) do not."""
    left_out = int(warmup * table.num_rows)
    if left_out == 0:
        return None
    submit = np.asarray(table.column("submit_s"))
    kept = np.ones(len(submit), dtype=bool)
    kept[np.argsort(submit, kind="stable")[:left_out]] = False
    return kept


def _lost_work(table: pa.Table, started: Column) -> float:
    lost = pc.fill_null(table.column("lost_s").filter(started), 0)
    return float(np.dot(np.asarray(lost, dtype=np.float64), _ints(table, "size", started).astype(np.float64)))


def _ints(table: pa.Table, name: str, rows: Column) -> Ints:
    """One whole-number column, int64, of the rows wanted."""
    return np.asarray(table.column(name).filter(rows), dtype=np.int64)
