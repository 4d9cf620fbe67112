"""A tiny SWF reader of its own, so that the reference shares nothing with the workload room."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

from tests.reference.jobs import Job


@dataclass
class Row:
    """One job as logged: its number, its wait in the log, and the job itself."""

    number: int
    wait: int
    job: Job


def read_rows(path: Path) -> list[Row]:
    """The jobs of an SWF file (also .gz) by (submit, number); without those of no size or no run time."""
    opener = gzip.open if path.suffix == ".gz" else open
    rows = []
    with opener(path, "rt", errors="replace") as lines:
        for line in lines:
            if not line.strip() or line.startswith(";"):
                continue
            f = [float(word) for word in line.split()]
            size = int(f[7]) if f[7] > 0 else int(f[4])
            run = int(f[3] + 0.5)
            if size <= 0 or f[3] <= 0:
                continue
            limit = int(f[8] + 0.5) if f[8] > 0 else None
            job = Job(str(int(f[0])), int(f[1] + 0.5), max(run, 1), limit, size=size, user=str(int(f[11])))
            rows.append(Row(int(f[0]), int(f[2]), job))
    return sorted(rows, key=lambda row: (row.job.submit, row.number))


def read_jobs(path: Path) -> list[Job]:
    return [row.job for row in read_rows(path)]
