"""Other weeks that a log without users could have been: resampling by blocks of whole weeks.

Stretches of consecutive weeks are drawn with replacement and laid end to end until the log is full again;
after the last week comes the first.
A stretch goes on to its next week with probability 1 - 1/L, so it is L = W^(1/3) weeks long in the mean.
Jobs move by whole weeks, so that days of the week, hours and what hangs together within days stay.
Logs of less than three weeks are drawn by whole days: then hours stay, and days of the week do not.
Sources: blocks, Künsch 1989, doi:10.1214/aos/1176347265; blocks of random length, the stationary bootstrap,
Politis and Romano 1994, doi:10.1080/01621459.1994.10476870, where n^(1/3) is the order of the best length.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from timonier.compare.copies import copied, finite_work, times_before
from timonier.compare.resample import MOST_DRAWS, TOLERANCE, WEEK_S, Resample
from timonier.kit.errors import InputError
from timonier.workload import Jobs

DAY_S = 86_400
LEAST_BLOCKS = 3  # whole weeks or, where the log is shorter, whole days

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class BlockResampler:
    """Draws resamples of one log, week by week from its first submission on.

    jobs: the log.  Raises InputError where it spans less than three days: nothing to draw from.
    unit_s: a week or a day.  units: so many of them, the last one as long as the log's own last one.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        submit = np.floor(jobs.numbers("submit_s", 0)).astype(np.float64)
        self._first, span = float(submit.min()), float(np.ptp(submit))
        self.unit_s = WEEK_S if span >= LEAST_BLOCKS * WEEK_S else DAY_S
        self._full = int(span // self.unit_s)
        if self._full < LEAST_BLOCKS:
            raise InputError(
                f"the log names too few users to draw repeats from, and its {span / DAY_S:.1f} days "
                f"are too short to draw days from (at least {LEAST_BLOCKS})",
                where=jobs.source,
                fix="add --repeats 1",
            )
        self.units = self._full + 1
        self._rest = span - self._full * self.unit_s
        self.mean_block = max(1.0, self.units ** (1 / 3))
        self._unit = ((submit - self._first) // self.unit_s).astype(np.int64)
        self._offset = submit - self._first - self._unit * self.unit_s
        work = finite_work(jobs)
        self._load = work.sum() / max(span, 1.0)
        order = np.argsort(self._unit, kind="stable")
        self._rows = np.split(order, np.cumsum(np.bincount(self._unit))[:-1])
        self._whole = _Units.of(self._rows, self._offset, work)
        self._last_rows = [rows[self._offset[rows] <= self._rest] for rows in self._rows]
        self._last = _Units.of(self._last_rows, self._offset, work)

    def draw(self, seed: int, repeat: int) -> Resample:
        """Resample number `repeat`: the same two numbers give the same jobs.

        Its offered load is within 3 % of the log's; draws farther off are thrown away and counted.
        Raises InputError where none of MOST_DRAWS comes close.
        """
        rng = np.random.Generator(np.random.PCG64([seed, repeat]))
        for rejected in range(MOST_DRAWS):
            source = self._draw(rng)
            if abs(self._load_of(source) / self._load - 1.0) <= TOLERANCE:
                return Resample(self._laid(source), rejected)
        raise InputError(
            f"none of {MOST_DRAWS:,} resamples has an offered load within {TOLERANCE:.0%} of the log's",
            where=self._jobs.source,
            fix="one week is most of the load: add --repeats 1",
        )

    def _draw(self, rng: np.random.Generator) -> Ints:
        """Which unit of the log stands in each place.

        After the last whole unit comes the first, so that all are as likely; the short rest of the log
        fits into the last place only.
        """
        begins = rng.random(self.units) < 1.0 / self.mean_block
        source = rng.integers(0, self._full, size=self.units)
        source[-1] = rng.integers(0, self.units)
        for place in range(1, self.units):
            if not begins[place]:
                choices = self.units if place == self.units - 1 else self._full
                source[place] = (source[place - 1] + 1) % choices
        return source

    def _load_of(self, source: Ints) -> float:
        at = np.arange(self.units) * float(self.unit_s)
        end = source[-1]
        first = min((at[:-1] + self._whole.first[source[:-1]]).min(), at[-1] + self._last.first[end])
        last = max((at[:-1] + self._whole.last[source[:-1]]).max(), at[-1] + self._last.last[end])
        work = self._whole.work[source[:-1]].sum() + self._last.work[end]
        return float(work / max(last - first, 1.0))

    def _laid(self, source: Ints) -> Jobs:
        parts = [self._rows[unit] for unit in source[:-1]] + [self._last_rows[source[-1]]]
        sizes = [len(part) for part in parts]
        rows = np.concatenate(parts)
        place = np.repeat(np.arange(self.units), sizes)
        submit = self._first + place * float(self.unit_s) + self._offset[rows]
        return copied(self._jobs, rows, submit, np.repeat(times_before(source), sizes), ("job_id",))


class _Units:
    """Work and first and last submission of every unit; float64[W], s from the unit's begin."""

    def __init__(self, work: Floats, first: Floats, last: Floats) -> None:
        self.work, self.first, self.last = work, first, last

    @classmethod
    def of(cls, rows: list[Ints], offset: Floats, work: Floats) -> _Units:
        """An empty unit begins never and ends before everything."""
        return cls(
            np.array([work[mine].sum() for mine in rows]),
            np.array([offset[mine].min(initial=np.inf) for mine in rows]),
            np.array([offset[mine].max(initial=-np.inf) for mine in rows]),
        )
