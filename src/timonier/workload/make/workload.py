"""Make a workload: a model, a number of jobs, a machine, a seed. The same four give the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonier.kit.errors import InputError, nearest
from timonier.workload.check import checked
from timonier.workload.clean import limit_notes
from timonier.workload.jobs import Cleaning, Jobs
from timonier.workload.make.gpu import gpu_columns, gpu_work
from timonier.workload.make.lab import lab_columns, lab_cycle, lab_points
from timonier.workload.make.load import offered_load, scale_reaching
from timonier.workload.make.lublin import KINDS, lublin_streams
from timonier.workload.size import processors_per_job

_DAY_S = 86400.0
_MOST_JOBS = 100_000_000


def make_workload(  # noqa: PLR0913  one argument an option of the command
    model: str,
    jobs: int,
    *,
    seed: int,
    processors: int,
    load: float | None = None,
    days: float | None = None,
    gpus: int = 0,
    sample: Jobs | None = None,
) -> Jobs:
    """One of `models()`, rows by submission, time zero at the first midnight (lab: of a Monday).

    load: offered load on `processors` (GPU models: on `gpus`), reached to 1 % by stretching the arrivals along
    their cycle.  sample: a trace whose jobs a GPU model draws, instead of its own shapes and run times.
    days: the same for the span from first to last submission.  Neither: the model's own rate.
    """
    if model not in models():
        raise InputError(f"unknown model {model!r}", where="workload make", fix=nearest(model, models()))
    _check(jobs, processors, load, days, seed)
    _check_gpus(model, gpus, sample)
    rng = np.random.Generator(np.random.PCG64(seed))
    family, _, kinds = model.partition("-")
    work = processors_work
    if model in GPU_MODELS:
        make, work, processors = _gpu(model, jobs, sample, rng), gpu_work, gpus
    elif family == "lab":
        make = _lab(jobs, processors, rng)
    else:
        make = _lublin(jobs, processors, kinds or "batch", rng)
    table = checked(make(_stretch(make, work, processors, load, days)), model)
    cleaning = Cleaning(kept=len(table), noted=limit_notes(table))
    known = None if model in GPU_MODELS else processors
    return Jobs(table, f"{model} (seed {seed})", cleaning, processors=known)


def models() -> list[str]:
    """lublin is the batch jobs of the paper; lublin-KIND one of its other fits."""
    return ["lab", "lublin", *GPU_MODELS, *(f"lublin-{kind}" for kind in KINDS)]


Maker = Callable[[float], pa.Table]
Work = Callable[[Jobs], NDArray[np.float64]]
GPU_MODELS = ("openb-like", "philly-like")


def processors_work(jobs: Jobs) -> NDArray[np.float64]:
    """Processor-seconds of each job: float64[J]."""
    return np.asarray(processors_per_job(jobs) * jobs.numbers("runtime_s", 0)).astype(np.float64)


def _gpu(model: str, jobs: int, sample: Jobs | None, rng: np.random.Generator) -> Maker:
    points, cycle = lab_points(jobs, rng), lab_cycle()
    columns = gpu_columns(model, jobs, sample, rng)
    week = 7 * 24 / points[-1]  # without a load: everything within a week

    def make(stretch: float) -> pa.Table:
        return _table(cycle.at(points * week * stretch), columns)

    return make


def _lublin(jobs: int, processors: int, kinds: str, rng: np.random.Generator) -> Maker:
    streams = lublin_streams(jobs, processors, kinds, rng)

    def make(stretch: float) -> pa.Table:
        submit = np.concatenate([stream.cycle.at(stream.points * stretch) for stream in streams])
        rows = np.argsort(submit, kind="stable")[:jobs]
        kind = np.repeat([stream.kind for stream in streams], [len(stream.points) for stream in streams])
        columns = {
            "runtime_s": np.concatenate([stream.runtime for stream in streams])[rows],
            "tasks": np.concatenate([stream.size for stream in streams])[rows],
            "queue": kind[rows],
        }
        return _table(submit[rows], columns)

    return make


def _lab(jobs: int, processors: int, rng: np.random.Generator) -> Maker:
    points, cycle = lab_points(jobs, rng), lab_cycle()
    columns = lab_columns(jobs, processors, rng)
    four_weeks = 4 * 7 * 24 / points[-1]  # the model's own rate: everything within four weeks

    def make(stretch: float) -> pa.Table:
        return _table(cycle.at(points * four_weeks * stretch), columns)

    return make


def _table(submit: NDArray[np.float64], columns: dict[str, Any]) -> pa.Table:
    names = pa.array(np.arange(1, len(submit) + 1)).cast(pa.string())
    return pa.table({"job_id": names, "submit_s": np.floor(submit).astype(np.int64)} | columns)


def _stretch(make: Maker, work: Work, processors: int, load: float | None, days: float | None) -> float:
    """How far the arrivals are drawn apart."""
    if load is not None:

        def load_at(stretch: float) -> float | None:
            jobs = Jobs(make(stretch), "")
            return offered_load(jobs.numbers("submit_s", 0), work(jobs), processors)

        return scale_reaching(load_at, load)
    if days is not None:

        def rate_at(stretch: float) -> float | None:
            submit = make(stretch).column("submit_s").to_numpy()
            span = float(submit[-1] - submit[0])
            return days * _DAY_S / span if span > 0 else None

        return scale_reaching(rate_at, 1.0)
    return 1.0


def _check_gpus(model: str, gpus: int, sample: Jobs | None) -> None:
    if model in GPU_MODELS and gpus < 1:
        fix = "name a machine with GPUs: --machine openb, --machine school-lab or a file"
        raise InputError(f"{model} needs a machine with GPUs", where="--machine", fix=fix)
    if model not in GPU_MODELS and sample is not None:
        fix = f"leave it out, or make one of {', '.join(GPU_MODELS)}"
        raise InputError(f"{model} draws from no trace", where="--shapes", fix=fix)


def _check(jobs: int, processors: int, load: float | None, days: float | None, seed: int) -> None:
    wrong = [
        (not 1 <= jobs <= _MOST_JOBS, "--jobs", jobs, f"give 1 to {_MOST_JOBS}"),
        (processors < 1, "--machine", processors, "give at least 1 processor"),
        (load is not None and not 0 < load < 1e6, "--load", load, "give a load above 0, such as 0.9"),
        (days is not None and not 0 < days < 1e6, "--days", days, "give days above 0"),
        (seed < 0, "--seed", seed, "give 0 or more"),
        (load is not None and days is not None, "--days", days, "give --load or --days, not both"),
        ((load or days) is not None and jobs < 2, "--jobs", jobs, "a span needs at least 2 jobs"),
    ]
    for broken, where, value, fix in wrong:
        if broken:
            raise InputError(f"{where} {value} makes no workload", where=where, fix=fix)
