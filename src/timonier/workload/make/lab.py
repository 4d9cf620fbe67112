"""A research lab's week: training, inference, solvers, analytics and interactive sessions.

The shapes are chosen to look like published GPU and HPC clusters, not fitted to one:
log-normal run times and few users with most of the work (Hu et al., SC 2021, "Characterization and
Prediction of Deep Learning Workloads in Large-Scale GPU Datacenters"; Jeon et al., ATC 2019), working
hours and week-ends, and limits that are round and mostly far too long (Tsafrir, Etsion, Feitelson,
"Modeling User Runtime Estimates", JSSPP 2005).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonier.workload.make.cycle import Cycle, cycle_of

_GIB = 2**30
_HOUR = 3600
_ROUND_LIMITS_S = np.array([900, 1800, 3600, 7200, 14400, 28800, 43200, 86400, 172800, 259200, 604800])
_OVER_LIMIT = 0.08  # jobs that the limit would kill: CTC-SP2 has 9 %, SDSC-BLUE 10 %


@dataclass(frozen=True, slots=True)
class JobClass:
    """One kind of work.

    share: of the jobs.  median_s, spread: log-normal run time.  cores: choices per task.
    tasks, gpus: choices with equal chance.  memory_gib: per core.  checkpoint_s: 0 for none.
    """

    name: str
    share: float
    median_s: float
    spread: float
    cores: tuple[float, ...]
    tasks: tuple[int, ...]
    gpus: tuple[float, ...]
    memory_gib: float
    queue: str
    checkpoint_s: int = 0


CLASSES = (
    JobClass("training", 0.25, 2.0 * _HOUR, 1.6, (8, 8, 16), (1, 1, 1, 1, 2, 4), (1, 2, 4), 8, "gpu", 1800),
    JobClass("inference", 0.15, 1.0 * _HOUR, 1.2, (2, 4), (1, 1, 1, 2), (0.25, 0.5, 1), 4, "gpu"),
    JobClass("solver", 0.20, 1.5 * _HOUR, 1.5, (1,), (1, 4, 8, 16, 16, 32, 64), (0,), 2, "cpu"),
    JobClass("analytics", 0.25, 600.0, 1.3, (1, 2, 4, 8, 16), (1,), (0,), 6, "cpu"),
    JobClass("interactive", 0.15, 2400.0, 1.0, (1, 2, 4), (1,), (0, 0, 0.25, 1), 4, "interactive"),
)


def lab_cycle() -> Cycle:
    """Arrivals by hour from Monday, 00:00: busy from 9 to 18, quiet at night, a third at week-ends."""
    hour = np.arange(24)
    day = 0.25 + np.exp(-(((hour - 11) / 2.5) ** 2)) + 0.9 * np.exp(-(((hour - 15.5) / 2.5) ** 2))
    week = np.concatenate([day * factor for factor in (1.0, 1.1, 1.1, 1.05, 0.9, 0.35, 0.3)])
    return cycle_of(week, float(_HOUR))


def lab_points(jobs: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Arrivals on the steady clock, ascending, mean gap 1; people submit in bursts."""
    burst = rng.random(jobs) < 0.35
    gaps = np.where(burst, 0.02, 1.53) * rng.exponential(size=jobs)
    return np.asarray(np.cumsum(gaps))


def lab_columns(jobs: int, processors: int, rng: np.random.Generator) -> dict[str, Any]:
    """Every column but job_id and submit_s: name -> array[J]."""
    kind = _classes_of_users(jobs, rng)
    user, which = kind
    pick = {name: _choices(which, name, rng) for name in ("cores", "tasks", "gpus")}
    tasks = _fitting(pick["tasks"].astype(np.int64), pick["cores"], processors)
    cores = np.minimum(pick["cores"], processors)
    runtime = _run_times(which, rng)
    memory = np.array([one.memory_gib for one in CLASSES])[which] * cores * _GIB
    names = np.array([one.name for one in CLASSES])
    checkpoint = np.array([one.checkpoint_s for one in CLASSES])[which]
    return {
        "runtime_s": runtime,
        "time_limit_s": limits_of(runtime, rng),
        "tasks": tasks,
        "cores": cores,
        "memory_bytes": memory.astype(np.int64),
        "gpus": pick["gpus"],
        "user": np.char.add("user", user.astype(str)),
        "account": np.char.add("group", (user % 7).astype(str)),
        "queue": np.array([one.queue for one in CLASSES])[which],
        "job_class": names[which],
        "preemptible": checkpoint > 0,
        "checkpoint_s": np.ma.masked_equal(checkpoint, 0),
    }


def _classes_of_users(jobs: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Who submits what: few users submit most jobs, and each has a favourite class in half of them."""
    user = users_of(jobs, rng)
    users = _count_users(jobs)
    share = np.array([one.share for one in CLASSES])
    favourite = rng.choice(len(CLASSES), size=users, p=share)
    free = rng.choice(len(CLASSES), size=jobs, p=share)
    which = np.where(rng.random(jobs) < 0.5, favourite[user], free)
    return user + 1, which


def users_of(jobs: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Who submits: int64[J], from 0; few users submit most jobs."""
    users = _count_users(jobs)
    weight = 1.0 / np.arange(1, users + 1) ** 0.9
    return np.asarray(rng.choice(users, size=jobs, p=weight / weight.sum()))


def _count_users(jobs: int) -> int:
    return int(min(400, max(5, 4 * jobs**0.35)))


def _choices(which: NDArray[np.int64], field: str, rng: np.random.Generator) -> NDArray[np.float64]:
    drawn = rng.random(len(which))
    result = np.zeros(len(which))
    for k, one in enumerate(CLASSES):
        choices = np.array(getattr(one, field), dtype=np.float64)
        mine = which == k
        result[mine] = choices[(drawn[mine] * len(choices)).astype(np.int64)]
    return result


def _fitting(tasks: NDArray[np.int64], cores: NDArray[np.float64], processors: int) -> NDArray[np.int64]:
    """No more tasks than the machine has room for."""
    most = np.maximum(1, np.floor(processors / cores)).astype(np.int64)
    return np.asarray(np.minimum(tasks, most))


def _run_times(which: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    median = np.array([one.median_s for one in CLASSES])[which]
    spread = np.array([one.spread for one in CLASSES])[which]
    seconds = median * np.exp(spread * rng.standard_normal(len(which)))
    return np.asarray(np.clip(seconds, 1, 14 * 24 * _HOUR).astype(np.int64))


def limits_of(runtime: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Round limits, mostly 1 to 20 times the run time; a few below it."""
    over = np.exp(rng.exponential(1.1, size=len(runtime)))
    over = np.where(rng.random(len(runtime)) < _OVER_LIMIT, 0.3 + 0.6 * rng.random(len(runtime)), over)
    wanted = runtime * over
    up = np.minimum(np.searchsorted(_ROUND_LIMITS_S, wanted), len(_ROUND_LIMITS_S) - 1)
    down = np.maximum(np.searchsorted(_ROUND_LIMITS_S, wanted, side="right") - 1, 0)
    return np.asarray(np.where(over < 1, _ROUND_LIMITS_S[down], _ROUND_LIMITS_S[up]))
