"""The promises of a run about its other files: segments, placements, notes, counts and metrics."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from timonier.simulate.check_rules import FOREVER, STATES, UNKNOWN, Evidence, Ints, told

pc: Any = pyarrow.compute

CLOSE = 1e-9
NEEDS_NOTE = ("unrunnable", "cancelled")
# metrics that are unknown where they cannot be: of two runs, of jobs that ended, of machines with nodes
OVER_RUNS = ("pool_gain_share", "pool_gain_work_share", "pool_only_jobs")
OF_ENDED = (
    *("wait_work_weighted_s", "wait_below_run_share", "wait_below_run_work_share", "makespan_s"),
    *("jain_bsld_user", "bsld_worst_user", "utilisation", "processor_hours_per_hour", "jobs_per_hour"),
)
RESOURCES = ("cores", "memory", "gpus")
ON_NODES = (
    *("energy_kwh", "cost", "idle_energy_kwh", "gpu_fragmentation", "gpu_fragmentation_of_idle"),
    *(f"utilisation_{name}" for name in RESOURCES),
    *(f"allocated_over_asked_{name}" for name in RESOURCES),
    *(f"stranded_{name}" for name in RESOURCES),
    *(f"short_first_{name}" for name in RESOURCES),
)


def notes_and_attempts_fit(e: Evidence) -> list[str]:
    """Who never ran for good is told why; each job that started had one attempt."""
    noted = np.asarray(pc.greater(pc.utf8_length(pc.fill_null(e.note, "")), 0))
    return [
        *told(e, e.is_in(*NEEDS_NOTE) & ~noted, "can never run, but its note does not say why"),
        *told(e, ~e.is_in(*NEEDS_NOTE) & noted, "has a note, but nothing keeps it from running"),
        *told(e, e.attempts != e.started, "has other attempts than starts"),
    ]


def placements_say_the_same(e: Evidence) -> list[str]:
    """On a counted machine each job that started has one row: its processors, from its start to its end."""
    if not e.counted:
        return []
    data = e.placements.data
    missing = {"job_id", "cores", "start_s", "end_s"} - set(e.placements.names)
    if missing:
        return [f"placements.parquet has no column {', '.join(sorted(missing))}"]
    found = pc.index_in(data.column("job_id").cast(pa.string()), e.ids.combine_chunks())
    if found.null_count:
        return ["placements.parquet has a job that is not in jobs.parquet"]
    row = np.asarray(found).astype(np.int64)
    rows = np.bincount(row, minlength=e.count)
    start = np.asarray(pc.fill_null(data.column("start_s").cast(pa.int64()), UNKNOWN))
    end = np.asarray(pc.fill_null(data.column("end_s").cast(pa.int64()), UNKNOWN))
    cores = np.asarray(pc.fill_null(data.column("cores").cast(pa.float64()), 0.0))
    other = np.zeros(e.count, dtype=bool)
    other[row[(start != e.said["start_s"][row]) | (end != e.said["end_s"][row])]] = True
    wrong = np.zeros(e.count, dtype=bool)
    wrong[row[cores != e.said["size"][row]]] = True
    return [
        *told(e, rows != e.started, "has not one placement for each start"),
        *told(e, other, "is placed at other times than it runs"),
        *told(e, wrong, "is placed on another number of processors than its size"),
    ]


def segments_say_the_same(e: Evidence) -> list[str]:
    """Each started job has segments from its start to its end, one after the other; others have none."""
    data = e.segments.data
    missing = {"job_id", "start_s", "end_s"} - set(e.segments.names)
    if missing:
        return [f"segments.parquet has no column {', '.join(sorted(missing))}"]
    found = pc.index_in(data.column("job_id").cast(pa.string()), e.ids.combine_chunks())
    if found.null_count:
        return ["segments.parquet has a job that is not in jobs.parquet"]
    row = np.asarray(found).astype(np.int64)
    start = np.asarray(pc.fill_null(data.column("start_s").cast(pa.int64()), UNKNOWN))
    end = np.asarray(pc.fill_null(data.column("end_s").cast(pa.int64()), FOREVER))
    order = np.lexsort((start, row))
    row, start, end = row[order], start[order], end[order]
    first, last = np.full(e.count, UNKNOWN), np.full(e.count, UNKNOWN)
    last[row] = end
    first[row[::-1]] = start[::-1]
    overlap = np.zeros(e.count, dtype=bool)
    overlap[row[1:][(row[1:] == row[:-1]) & (start[1:] < end[:-1])]] = True
    should_end = np.where(e.started, np.where(e.ended, e.said["end_s"], FOREVER), UNKNOWN)
    wrong = (first != e.said["start_s"]) | (last != should_end) | overlap
    return told(e, wrong, "has segments that are not its start_s to end_s")


def counts_are_right(e: Evidence) -> list[str]:
    """summary.json counts the jobs as the run table does."""
    said = e.summary.get("jobs", {})
    if not isinstance(said, dict):
        return ["summary.json: 'jobs' is not a table of counts"]
    counts = {state: int(np.count_nonzero(e.is_in(state))) for state in STATES} | {"in all": e.count}
    return [
        f"summary.json counts {said.get(name, 0)} jobs {name}; the run table has {count}"
        for name, count in counts.items()
        if said.get(name, 0) != count
    ]


def metrics_are_right(e: Evidence) -> list[str]:
    """summary.json's metrics, all of them, computed again by formulas of their own.

    What only machines with nodes have is taken from there.
    """
    said = e.summary.get("metrics", {})
    warmup = e.summary.get("warmup", 0.0)
    if not isinstance(said, dict) or not isinstance(warmup, int | float):
        return ["summary.json: 'metrics' is not a table of numbers"]
    found = _metrics(e, float(warmup))
    broken = [f"summary.json has no metric {name}" for name in (*found, *ON_NODES) if name not in said]
    if e.counted:
        found |= dict.fromkeys(ON_NODES)
    for name, value in said.items():
        if name not in found and name not in ON_NODES:
            broken.append(f"summary.json has a metric that is not known: {name}")
        if name in found and not _close(value, found[name]):
            broken.append(f"summary.json says {name} = {value}; the run table gives {found[name]}")
    return broken


def _close(said: Any, found: float | None) -> bool:
    if said is None or found is None:
        return said is None and found is None
    return isinstance(said, int | float) and math.isclose(said, found, rel_tol=CLOSE, abs_tol=1e-12)


def _metrics(e: Evidence, warmup: float) -> dict[str, float | None]:
    """CONTRACT 6.9, plainly: one formula a line."""
    late = np.ones(e.count, dtype=bool)
    late[np.argsort(e.said["submit_s"], kind="stable")[: int(warmup * e.count)]] = False
    started, ended = late & e.started, late & e.started & e.ended
    wait = e.said["wait_s"][started].astype(float)
    # None where it is not known: one run alone knows nothing of a baseline
    found: dict[str, float | None] = {**dict.fromkeys(OVER_RUNS + OF_ENDED), "jobs_scored": float(len(wait))}
    found |= {f"jobs_{state}": float(np.count_nonzero(e.is_in(state))) for state in STATES}
    found |= _points("wait", wait, "_s") | {"wait_max_s": float(np.max(wait)) if len(wait) else None}
    lost = np.maximum(e.lost, 0).astype(float)
    found["lost_work_s"] = float(np.sum((lost * e.said["size"])[started])) if len(wait) else None
    wait, run = e.said["wait_s"][ended].astype(float), e.said["run_s"][ended].astype(float)
    found |= _points("tts", wait + run, "_s")
    slowdown = np.maximum(1.0, (wait + run) / np.maximum(run, 10.0))
    found |= _points("bsld", slowdown)
    if not len(wait):
        return found
    work = e.said["size"][ended] * run
    makespan = float(e.said["end_s"][ended].max() - e.said["submit_s"][started].min())
    found["makespan_s"] = makespan
    found["wait_work_weighted_s"] = float(np.sum(wait * work) / np.sum(work))
    found["wait_below_run_share"] = float(np.mean(wait < run))
    found["wait_below_run_work_share"] = float(np.sum(work[wait < run]) / np.sum(work))
    means = _means_by_user(e.users[ended], slowdown)
    found["jain_bsld_user"] = (
        float(np.sum(means) ** 2 / (len(means) * np.sum(means**2))) if len(means) else None
    )
    found["bsld_worst_user"] = float(np.max(means)) if len(means) else None
    if makespan > 0:
        found["utilisation"] = float(np.sum(work)) / (e.processors * makespan)
        found["processor_hours_per_hour"] = float(np.sum(work)) / makespan
        found["jobs_per_hour"] = len(wait) / (makespan / 3600.0)
    return found


def _means_by_user(users: Ints, slowdown: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean slowdown of every user that is known."""
    ordered = np.argsort(users, kind="stable")
    ordered = ordered[users[ordered] != UNKNOWN]
    if not len(ordered):
        return np.zeros(0)
    begin = np.flatnonzero(np.diff(users[ordered], prepend=UNKNOWN))
    means: NDArray[np.float64] = np.add.reduceat(slowdown[ordered], begin) / np.diff(
        begin, append=len(ordered)
    )
    return means


def _points(name: str, values: NDArray[np.float64], unit: str = "") -> dict[str, float | None]:
    names = [f"{name}_{point}{unit}" for point in ("mean", "median", "p95", "p99")]
    if not len(values):
        return dict.fromkeys(names)
    ordered = np.sort(values)
    found = [float(np.mean(values))]
    for share in (0.50, 0.95, 0.99):
        place = share * (len(ordered) - 1)
        low, high = math.floor(place), math.ceil(place)
        found.append(float(ordered[low] + (place - low) * (ordered[high] - ordered[low])))
    return dict(zip(names, found, strict=True))


FILE_RULES: tuple[Callable[[Evidence], list[str]], ...] = (
    segments_say_the_same,
    notes_and_attempts_fit,
    placements_say_the_same,
    counts_are_right,
    metrics_are_right,
)
