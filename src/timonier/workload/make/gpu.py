"""Workloads of GPU clusters: like Alibaba's openb (shared GPUs, single tasks), and like Microsoft's Philly (gangs).

The shapes and run times of the shipped tables are rounded by us to look like the published clusters; they are
not rows of their traces.  With a trace at hand (`--shapes FILE`) they are drawn from its rows instead.
Sources: Weng et al., USENIX ATC 2023 (openb); Jeon et al., USENIX ATC 2019 (Philly).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonier.kit.errors import InputError
from timonier.workload.jobs import Jobs
from timonier.workload.make.lab import limits_of, users_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_GIB = 2**30
_LONGEST_S = {"openb-like": 14_400, "philly-like": 259_200}  # longer ones are services, not jobs
_RUNS = {"cpu": (500.0, 1.7), "share": (540.0, 2.0), "one": (760.0, 1.8), "many": (1400.0, 2.7)}
_PHILLY_CORES, _PHILLY_GIB = 4, 24  # for each GPU: a server's cores and memory by its GPUs


@dataclass(frozen=True, slots=True)
class Size:
    """Jobs of so many GPUs: their share of all jobs, and log-normal run times."""

    gpus: int
    share: float
    median_s: float
    spread: float


PHILLY = (
    Size(1, 0.932, 830, 2.0),
    Size(2, 0.022, 90, 3.3),
    Size(4, 0.0227, 9000, 2.8),
    Size(8, 0.02, 15_500, 2.8),
    Size(16, 0.0024, 10_600, 3.3),
    Size(32, 0.0009, 6800, 2.5),
)


@cache
def openb_shapes() -> dict[str, NDArray[Any]]:
    """The shipped shapes by column: kind, cores, memory_gib, gpus, weight; one row a shape."""
    rows = list(csv.DictReader(Path(__file__).with_name("openb.csv").read_text("utf-8").splitlines()))
    shapes: dict[str, NDArray[Any]] = {"kind": np.array([row["kind"] for row in rows])}
    for name in ("cores", "memory_gib", "gpus", "weight"):
        shapes[name] = np.array([float(row[name]) for row in rows])
    return shapes


def gpu_columns(model: str, jobs: int, sample: Jobs | None, rng: np.random.Generator) -> dict[str, Any]:
    """Every column but job_id and submit_s: name -> array[J].  sample: the trace to draw from.

    Raises InputError where the sample has nothing to draw from.
    """
    known = None if sample is None else _drawable(model, sample)
    if model == "openb-like":
        columns = _openb(jobs, rng) if known is None else _openb_of(known, jobs, rng)
    else:
        columns = _philly(jobs, rng) if known is None else _philly_of(known, jobs, rng)
    user = users_of(jobs, rng)
    runtime = columns["runtime_s"]
    return columns | {
        "time_limit_s": limits_of(runtime, rng),
        "user": np.char.add("user", user.astype(str)),
        "account": np.char.add("group", (user % 11).astype(str)),
    }


def gpu_work(jobs: Jobs) -> Floats:
    """GPU-seconds of each job: tasks x GPUs x run time, float64[J]."""
    work: Floats = jobs.numbers("tasks", 1) * jobs.numbers("gpus", 0.0) * jobs.numbers("runtime_s", 0)
    return work


def longest_s(model: str) -> int:
    """Run times beyond this are cut off from a model, and left out of a sample."""
    return _LONGEST_S[model]


def _drawable(model: str, sample: Jobs) -> Jobs:
    runtime = sample.numbers("runtime_s", 0).astype(np.float64)
    kept = runtime <= _LONGEST_S[model]
    if not (kept & (sample.numbers("gpus", 0.0) > 0)).any():
        raise InputError(
            "there is no job with GPUs to draw from",
            where=sample.source,
            fix="name an openb pod list with times for openb-like, Philly's trace for philly-like",
        )
    return Jobs(sample.table.filter(kept), sample.source)


def _openb(jobs: int, rng: np.random.Generator) -> dict[str, Any]:
    shapes = openb_shapes()
    which = rng.choice(len(shapes["kind"]), size=jobs, p=shapes["weight"] / shapes["weight"].sum())
    kind = shapes["kind"][which]
    median, spread = (np.array([_RUNS[one][k] for one in kind.tolist()]) for k in (0, 1))
    return {
        "runtime_s": _log_normal(median, spread, _LONGEST_S["openb-like"], rng),
        "cores": shapes["cores"][which],
        "memory_bytes": (shapes["memory_gib"][which] * _GIB).astype(np.int64),
        "gpus": shapes["gpus"][which],
        "job_class": kind,
    }


def _openb_of(sample: Jobs, jobs: int, rng: np.random.Generator) -> dict[str, Any]:
    """Shapes of drawn pods; run times of other pods of the same kind."""
    gpus = sample.numbers("gpus", 0.0)
    code = np.select([gpus == 0, gpus < 1, gpus == 1], [0, 1, 2], 3)
    which = rng.integers(0, len(gpus), size=jobs)
    runtime = np.zeros(jobs, dtype=np.int64)
    of_sample = np.maximum(sample.numbers("runtime_s", 0), 1)
    for kind in np.unique(code):
        mine = np.flatnonzero(code[which] == kind)
        runtime[mine] = rng.choice(of_sample[code == kind], size=len(mine))
    columns = {
        "runtime_s": runtime,
        "cores": sample.numbers("cores", 1.0)[which],
        "memory_bytes": sample.numbers("memory_bytes", 0)[which],
        "gpus": gpus[which],
        "job_class": np.array(list(_RUNS))[code[which]],
    }
    types = sample.texts("gpu_types")
    return columns | ({"gpu_types": types.take(which)} if types.null_count < len(types) else {})


def _philly(jobs: int, rng: np.random.Generator) -> dict[str, Any]:
    share = np.array([size.share for size in PHILLY])
    which = rng.choice(len(PHILLY), size=jobs, p=share / share.sum())
    median = np.array([size.median_s for size in PHILLY])[which]
    spread = np.array([size.spread for size in PHILLY])[which]
    runtime = _log_normal(median, spread, _LONGEST_S["philly-like"], rng)
    return _gangs(runtime, np.array([size.gpus for size in PHILLY])[which])


def _philly_of(sample: Jobs, jobs: int, rng: np.random.Generator) -> dict[str, Any]:
    which = rng.integers(0, len(sample), size=jobs)
    runtime = np.maximum(sample.numbers("runtime_s", 0), 1).astype(np.int64)
    return _gangs(runtime[which], sample.numbers("tasks", 1)[which])


def _gangs(runtime: Ints, gpus: Ints) -> dict[str, Any]:
    """A job of N GPUs is N tasks of one GPU, all at once."""
    count = len(runtime)
    return {
        "runtime_s": runtime,
        "tasks": gpus,
        "cores": np.full(count, _PHILLY_CORES, dtype=np.float64),
        "memory_bytes": np.full(count, _PHILLY_GIB * _GIB, dtype=np.int64),
        "gpus": np.ones(count),
    }


def _log_normal(median: Floats, spread: Floats, longest: int, rng: np.random.Generator) -> Ints:
    """Drawn again until they are at most `longest`: int64[J], s, at least 1."""
    seconds = median * np.exp(spread * rng.standard_normal(len(median)))
    while len(again := np.flatnonzero(seconds > longest)):
        seconds[again] = median[again] * np.exp(spread[again] * rng.standard_normal(len(again)))
    return np.maximum(seconds, 1).astype(np.int64)
