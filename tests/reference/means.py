"""Mean wait and mean bounded slowdown, summed the plain way."""

from __future__ import annotations

from math import fsum

from tests.reference.engine import Outcome
from tests.reference.jobs import Job


def means(jobs: list[Job], outcomes: list[Outcome], warmup: float = 0.0) -> tuple[float, float]:
    """(mean wait s, mean bsld(10 s)) of the started jobs after the first share `warmup` of all."""
    waits, slowdowns = [], []
    for job, out in list(zip(jobs, outcomes, strict=True))[int(len(jobs) * warmup) :]:
        if out.start is not None and out.end is not None:
            wait, run = out.start - job.submit, out.end - out.start
            waits.append(wait)
            slowdowns.append(max(1.0, (wait + run) / max(run, 10)))
    return fsum(waits) / len(waits), fsum(slowdowns) / len(slowdowns)
