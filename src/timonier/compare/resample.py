"""Other weeks that this log could have been: resampling by users.

Users are drawn with replacement; each brings all of his jobs, moved by whole weeks, so that sessions, days
of the week, hours and think times stay his own.  Weeks that run over the end come in at the beginning.
Source: Zakay and Feitelson 2014, doi:10.1002/cpe.3240 (here without their split into passing and lasting users).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonier.kit.errors import InputError
from timonier.workload import Jobs
from timonier.workload.arrow import Values, pc, row_numbers
from timonier.workload.size import processors_per_job

WEEK_S = 7 * 86_400
TOLERANCE = 0.03
LEAST_USERS = 8
MOST_DRAWS = 20_000

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Resample:
    """jobs: the workload.  rejected: draws thrown away because their offered load was too far off."""

    jobs: Jobs
    rejected: int


class Resampler:
    """Draws resamples of one log.

    jobs: the log.  Raises InputError where it has fewer than LEAST_USERS users: nothing to draw from.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        users = jobs.texts("user")
        if isinstance(users, pa.ChunkedArray):
            users = users.combine_chunks()
        users = pc.fill_null(users, "")
        encoded = users.dictionary_encode()
        self._names: list[str] = encoded.dictionary.to_pylist()
        if len(self._names) < LEAST_USERS:
            raise InputError(
                f"the log names {len(self._names)} users; repeats are drawn from at least {LEAST_USERS}",
                where=jobs.source,
                fix="add --repeats 1, or make a workload with users: timonier workload make lab",
            )
        code = np.asarray(encoded.indices, dtype=np.int64)
        order = np.argsort(code, kind="stable")
        self._rows = np.split(order, np.cumsum(np.bincount(code))[:-1])
        self._submit = np.floor(jobs.numbers("submit_s", 0)).astype(np.float64)
        runtime = jobs.numbers("runtime_s", 0).astype(np.float64)
        work = np.where(np.isfinite(runtime), runtime, 0.0) * processors_per_job(jobs)
        self._work = np.bincount(code, weights=work, minlength=len(self._names))
        self._first_week = np.floor(self._submit.min() / WEEK_S) if len(jobs) else 0.0
        self._weeks = int(np.floor(self._submit.max() / WEEK_S) - self._first_week) + 1
        self._load = self._work.sum() / max(float(np.ptp(self._submit)), 1.0)

    def draw(self, seed: int, repeat: int) -> Resample:
        """Resample number `repeat`: the same two numbers give the same jobs.

        Its offered load is within 3 % of the log's; draws farther off are thrown away and counted.
        Raises InputError where none of MOST_DRAWS comes close: then one user is nearly all the load.
        """
        rng = np.random.Generator(np.random.PCG64([seed, repeat]))
        count = len(self._names)
        total = self._work.sum()
        for rejected in range(MOST_DRAWS):
            drawn = rng.integers(0, count, size=count)
            shift = rng.integers(0, self._weeks, size=count)
            if abs(self._work[drawn].sum() / total - 1.0) > 3 * TOLERANCE:
                continue
            submit = [self._moved(user, weeks) for user, weeks in zip(drawn, shift, strict=True)]
            every = np.concatenate(submit)
            load = self._work[drawn].sum() / max(float(np.ptp(every)), 1.0)
            if abs(load / self._load - 1.0) <= TOLERANCE:
                return Resample(self._table(drawn, every), rejected)
        raise InputError(
            f"none of {MOST_DRAWS:,} resamples has an offered load within {TOLERANCE:.0%} of the log's",
            where=self._jobs.source,
            fix="one user is most of the load: add --repeats 1",
        )

    def _moved(self, user: int, weeks: int) -> NDArray[np.float64]:
        """Submissions of a user's jobs, moved by whole weeks, round the end."""
        submit = self._submit[self._rows[user]]
        week = np.floor(submit / WEEK_S) - self._first_week
        moved: NDArray[np.float64] = submit + WEEK_S * ((week + weeks) % self._weeks - week)
        return moved

    def _table(self, drawn: Ints, submit: NDArray[np.float64]) -> Jobs:
        """The drawn users' jobs, rows by (submission, draw, row); the second time a user is somebody else."""
        rows = np.concatenate([self._rows[user] for user in drawn])
        sizes = [len(self._rows[user]) for user in drawn]
        copy = np.repeat(_times_before(drawn), sizes)
        order = np.lexsort((np.arange(len(rows)), submit))
        rows, submit, copy = rows[order], submit[order], copy[order]
        table = self._jobs.table.take(row_numbers(rows))
        whole = pa.types.is_integer(table.column("submit_s").type)
        table = _with(table, "submit_s", pa.array(submit.astype(np.int64) if whole else submit))
        for name in ("job_id", "user"):
            if name in table.column_names:
                table = _with(table, name, _marked(table.column(name), copy))
        if "dependency" in table.column_names:
            table = _with(table, "dependency", _own_dependencies(table, copy))
        return replace(self._jobs, table=table)


def _times_before(drawn: Ints) -> Ints:
    """How often each user was drawn before: 0 for the first time."""
    seen: dict[int, int] = {}
    times = np.empty(len(drawn), dtype=np.int64)
    for place, user in enumerate(drawn.tolist()):
        times[place] = seen.get(user, 0)
        seen[user] = times[place] + 1
    return times


def _marked(texts: Values, copy: Ints) -> Values:
    """A text with ~2 behind it for a user's second copy, ~3 for the third."""
    mark = pa.array([f"~{k + 1}" if k else "" for k in range(int(copy.max(initial=0)) + 1)])
    marked: Values = pc.binary_join_element_wise(
        texts.combine_chunks(), mark.take(row_numbers(copy)), "", null_handling="emit_null"
    )
    return marked


def _own_dependencies(table: pa.Table, copy: Ints) -> Values:
    """Dependencies inside a copy point to the copy; those on jobs that come later or not at all are left out."""
    place = {name: row for row, name in enumerate(table.column("job_id").to_pylist())}
    texts = table.column("dependency").to_pylist()
    for row, text in enumerate(texts):
        if text is None:
            continue
        mark = f"~{copy[row] + 1}" if copy[row] else ""
        clauses = []
        for clause in text.split(","):
            kind, *names = [word.strip() for word in clause.split(":")]
            kept = [f"{name}{mark}" for name in names if place.get(f"{name}{mark}", row) < row]
            if kept:
                clauses.append(":".join([kind, *kept]))
        texts[row] = ",".join(clauses) or None
    return pa.array(texts, pa.string())


def _with(table: pa.Table, name: str, values: Values) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def original_id(job_id: str) -> str:
    """The job_id in the log of a job of a resample.

    >>> original_id("17~2")
    '17'
    """
    return re.sub(r"~\d+$", "", job_id)
