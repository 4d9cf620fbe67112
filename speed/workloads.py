"""The workloads of the speed tables: daily-cycle Poisson arrivals, log-normal run times, limits above them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from timonier.workload import Jobs


def make(count: int, processors: int, load: float, seed: int) -> Jobs:
    """`count` jobs whose offered load on `processors` is `load`.

    Run times log-normal, median 15 min, sigma 1.8, at most 5 days; limits 1 to 10 times the run time
    (15 % exact); sizes 1 to 256: 25 % serial, 55 % powers of two, else uniform. Arrivals: Poisson, with a
    rate that swings by 0.8 around its mean over the day. numpy PCG64.
    """
    rng = np.random.default_rng(seed)
    run = np.clip(rng.lognormal(np.log(900.0), 1.8, count), 1, 5 * 86400).astype(np.int64)
    factor = np.where(rng.random(count) < 0.15, 1.0, rng.uniform(1.0, 10.0, count))
    limit = np.maximum(run, (run * factor).astype(np.int64))
    kind = rng.random(count)
    powers = 2 ** rng.integers(1, 9, count)
    size = np.where(kind < 0.25, 1, np.where(kind < 0.80, powers, rng.integers(2, 257, count)))
    size = np.minimum(size, processors)
    span = float((run * size).sum()) / (processors * load)
    # arrivals with rate 1 + 0.8 sin(2 pi t / day), by inverting its integral on a grid
    grid = np.linspace(0.0, span, max(1000, int(span / 600)))
    day = 2 * np.pi / 86400
    integral = grid + 0.8 / day * (1 - np.cos(day * grid))
    submit = np.sort(np.interp(rng.uniform(0, integral[-1], count), integral, grid)).astype(np.int64)
    table = pa.table(
        {
            "job_id": pa.array(np.arange(count)).cast(pa.string()),
            "submit_s": submit,
            "runtime_s": run,
            "time_limit_s": limit,
            "tasks": size.astype(np.int64),
        }
    )
    return Jobs(table, f"speed workload, {count} jobs, P={processors}, load {load}, seed {seed}")
