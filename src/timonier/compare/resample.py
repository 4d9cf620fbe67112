"""Other weeks that this log could have been: resampling by users.

Users are drawn with replacement; each brings all of his jobs, moved by whole weeks, so that sessions, days
of the week, hours and think times stay his own.  Weeks that run over the end come in at the beginning, and
nothing lies outside the span of the log.
Source: Zakay and Feitelson 2014, doi:10.1002/cpe.3240 (here without their split into passing and lasting users).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonier.compare.copies import copied, finite_work, times_before
from timonier.kit.errors import InputError
from timonier.workload import Jobs
from timonier.workload.arrow import pc

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
        users = users.combine_chunks() if isinstance(users, pa.ChunkedArray) else users
        encoded = pc.fill_null(users, "").dictionary_encode()
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
        self._work = np.bincount(code, weights=finite_work(jobs), minlength=len(self._names))
        self._first = float(self._submit.min())
        since = self._submit - self._first
        self._week = np.floor(since / WEEK_S)
        self._weeks = _places(code, self._week.astype(np.int64), since)
        self._load = self._work.sum() / max(float(np.ptp(self._submit)), 1.0)

    def draw(self, seed: int, repeat: int) -> Resample:
        """Resample number `repeat`: the same two numbers give the same jobs.

        Its offered load is within 3 % of the log's; draws farther off are thrown away and counted.
        Raises InputError where none of MOST_DRAWS comes close.
        """
        rng = np.random.Generator(np.random.PCG64([seed, repeat]))
        count = len(self._names)
        total = self._work.sum()
        for rejected in range(MOST_DRAWS):
            drawn = rng.integers(0, count, size=count)
            shift = rng.integers(0, int(self._weeks.max()), size=count)
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
            fix=f"its largest user is {self._work.max() / total:.0%} of the load; add --repeats 1",
        )

    def _moved(self, user: int, weeks: int) -> NDArray[np.float64]:
        """Submissions of a user's jobs, moved by whole weeks, round the end."""
        rows = self._rows[user]
        week = self._week[rows]
        moved: NDArray[np.float64] = self._submit[rows] + WEEK_S * ((week + weeks) % self._weeks[rows] - week)
        return moved

    def _table(self, drawn: Ints, submit: NDArray[np.float64]) -> Jobs:
        """The drawn users' jobs; the second time a user is somebody else."""
        rows = np.concatenate([self._rows[user] for user in drawn])
        sizes = [len(self._rows[user]) for user in drawn]
        return copied(self._jobs, rows, submit, np.repeat(times_before(drawn), sizes), ("job_id", "user"))


def _places(user: Ints, week: Ints, since: NDArray[np.float64]) -> NDArray[np.float64]:
    """In how many weeks of the log each job may stand: float64[J], the same for all jobs of a user's week.

    since: float64[J], s since the first submission.  The last week may be short: there a week fits only if its
    last job still lies within the log.
    """
    _, whole = np.unique(user * (int(week.max()) + 1) + week, return_inverse=True)
    last = np.zeros(int(whole.max()) + 1)
    np.maximum.at(last, whole, since - week * WEEK_S)
    places: NDArray[np.float64] = np.floor((since.max() - last) / WEEK_S)[whole] + 1
    return places
