"""How many processors of a counted machine a job takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from timonier.workload.jobs import Jobs


def processors_per_job(jobs: Jobs) -> NDArray[np.int64]:
    """ceil(tasks x cores), counted in exact thousandths of a core: int64[J]."""
    milli = np.rint(jobs.numbers("cores", 1) * 1000).astype(np.int64)
    return np.asarray(-(-(jobs.numbers("tasks", 1) * milli) // 1000))
