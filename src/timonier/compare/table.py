"""The results of a comparison as tables: scores, fronts, paired differences (CONTRACT 5).

Numbers are written with repr, the shortest text that reads back as the same number; unknown is empty.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from timonier.compare.experiment import Cell
from timonier.compare.metrics import known_metrics
from timonier.compare.pareto import front_probability, hypervolume_shares, non_dominated
from timonier.compare.statistics import (
    bootstrap_draws,
    drawn_means,
    drop_rounding,
    mean_interval,
    median_interval,
)
from timonier.kit.errors import InputError

Floats = NDArray[np.float64]

# of these every pair makes a front of its own, so that a page can show any two
HEADLINE = (
    "wait_mean_s",
    "bsld_mean",
    "tts_mean_s",
    "wait_work_weighted_s",
    "wait_p95_s",
    "makespan_s",
    "utilisation",
    "jobs_per_hour",
    "jain_bsld_user",
    "bsld_worst_user",
    "pool_gain_share",
    "utilisation_gpus",  # from here on known of machines with nodes only
    "gpu_fragmentation",
    "stranded_gpus",
    "energy_kwh",
)


@dataclass(frozen=True, slots=True)
class Front:
    """The front over some objectives: who is on it, how surely, and what each one adds to its hypervolume."""

    objectives: tuple[str, ...]
    on_front: tuple[bool, ...]
    probability: tuple[float, ...]
    hypervolume_share: tuple[float, ...]


class Results:
    """Scores as an array, and the statistics over its repeats.

    profiles: names, in the order of the command.  values: float64[P, O, R], nan where unknown.
    units: objective -> its unit; of cost the currency of the machine.
    """

    def __init__(self, profiles: Sequence[str], cells: dict[tuple[str, int], Cell], seed: int) -> None:
        self.profiles = tuple(profiles)
        self.objectives = tuple(known_metrics())
        self.repeats = 1 + max(repeat for _, repeat in cells)
        self.values: Floats = np.full((len(self.profiles), len(self.objectives), self.repeats), np.nan)
        for p, profile in enumerate(self.profiles):
            for repeat in range(self.repeats):
                scores = cells[profile, repeat].scores
                for o, objective in enumerate(self.objectives):
                    value = scores.get(objective)
                    if value is not None:
                        self.values[p, o, repeat] = value
        self._draws = bootstrap_draws(self.repeats, seed)
        self.units = {name: metric.unit for name, metric in known_metrics().items()} | _money(cells)
        self.unranked = self._unranked()

    def _unranked(self) -> dict[str, str]:
        """Profile -> why it is not ranked: who leaves jobs out that others run is measured over easier jobs."""
        unrunnable = self.values[:, self.objectives.index("jobs_unrunnable")]
        more = (unrunnable - unrunnable.min(axis=0)).mean(axis=1)
        return {
            name: f"it cannot run {_count(more[p])} of the jobs that others run (mean of the repeats)"
            for p, name in enumerate(self.profiles)
            if more[p] > 0
        }

    @property
    def ranked(self) -> list[str]:
        """The profiles that run the same jobs, in the order of the command."""
        return [name for name in self.profiles if name not in self.unranked]

    def of(self, profile: str, objective: str) -> Floats:
        """float64[R]: one objective of one profile, a value a repeat."""
        values: Floats = self.values[self.profiles.index(profile), self.objectives.index(objective)]
        return values

    def interval(self, profile: str, objective: str) -> tuple[float, float, float]:
        """Mean, low, high; nan where unknown.  An interval ends where what is possible ends."""
        metric = known_metrics()[objective]
        mean, low, high = mean_interval(self.of(profile, objective), self._draws)
        low, high = np.clip([low, high], min(metric.least, mean), max(metric.most, mean)).tolist()
        return mean, low, high

    def pairs(self) -> Iterable[tuple[str, str, str, float, float, float]]:
        """Profile a, profile b, objective, and median, low, high of a - b over the repeats; ranked profiles only."""
        for a, b in combinations([self.profiles.index(name) for name in self.ranked], 2):
            for o, objective in enumerate(self.objectives):
                difference = self.values[a, o] - self.values[b, o]
                if np.isfinite(difference).all():
                    found = median_interval(difference, self._draws)
                    yield (self.profiles[a], self.profiles[b], objective, *found)

    def front(self, objectives: Sequence[str]) -> Front:
        """The front over these objectives, by means over the repeats and over every bootstrap draw.

        Who is not ranked is on no front and dominates nobody; its probability is nan, and so is everybody's
        where one repeat is all there is.
        """
        metrics = known_metrics()
        rows = [self.objectives.index(objective) for objective in objectives]
        sign = np.array([-1.0 if metrics[objective].better == "high" else 1.0 for objective in objectives])
        costs = self.values[:, rows] * sign[:, None]
        out = np.array([name in self.unranked for name in self.profiles])
        costs[out] = np.nan
        means = drop_rounding(costs.mean(axis=2))
        drawn = drop_rounding(drawn_means(costs, self._draws)).transpose(2, 0, 1)
        return Front(
            tuple(objectives),
            tuple(non_dominated(means).tolist()),
            tuple(np.where(out | (self.repeats == 1), np.nan, front_probability(drawn)).tolist()),
            tuple(hypervolume_shares(means).tolist()),
        )

    def fronts(self, chosen: Sequence[str]) -> list[Front]:
        """The front that was asked for, then one for every pair of its and the headline objectives that are known.

        Raises InputError for an objective that nobody knows the value of.
        """
        rows = [self.profiles.index(name) for name in self.ranked]
        wanted = dict.fromkeys((*chosen, *HEADLINE))
        known = [o for o in wanted if np.isfinite(self.values[rows, self.objectives.index(o)]).all()]
        for objective in chosen:
            if objective not in known:
                why = known_metrics()[objective].unknown or "some run has no value of it"
                raise InputError(f"{objective} is not known: {why}", where="--objectives", fix="name another")
        pairs = [pair for pair in combinations(known, 2) if set(pair) != set(chosen)]
        return [self.front(objectives) for objectives in [tuple(chosen), *pairs]]


def _money(cells: Mapping[tuple[str, int], Cell]) -> dict[str, str]:
    """The unit of cost, as the first run that says it does; nothing where the machine has no prices."""
    bills = (cell.nodes["bill"] for _, cell in sorted(cells.items()) if cell.nodes is not None)
    return next(({"cost": bill["currency"]} for bill in bills if bill["currency"]), {})


def _count(jobs: float) -> str:
    """A mean number of jobs, never rounded to none.

    >>> _count(1234.4), _count(0.05)
    ('1,234', '0.05')
    """
    return f"{jobs:,.0f}" if jobs >= 10 else f"{jobs:.2g}"


def scores_csv(results: Results) -> str:
    """profile, repeat, objective, value, unit: a row for every score, empty where unknown."""
    rows = [
        (profile, repeat, objective, _text(results.values[p, o, repeat]), results.units[objective])
        for p, profile in enumerate(results.profiles)
        for repeat in range(results.repeats)
        for o, objective in enumerate(results.objectives)
    ]
    return _csv(("profile", "repeat", "objective", "value", "unit"), rows)


def summary_csv(results: Results) -> str:
    """profile, objective, mean, low, high: over the repeats, with the bootstrap interval."""
    rows = [
        (profile, objective, *map(_text, results.interval(profile, objective)))
        for profile in results.profiles
        for objective in results.objectives
    ]
    return _csv(("profile", "objective", "mean", "low", "high"), rows)


def front_csv(results: Results, fronts: Iterable[Front]) -> str:
    """profile, objectives, on_front, probability, hypervolume_share."""
    rows = [
        (
            profile,
            "+".join(front.objectives),
            str(front.on_front[p]).lower(),
            _text(front.probability[p]),
            _text(front.hypervolume_share[p]),
        )
        for front in fronts
        for p, profile in enumerate(results.profiles)
    ]
    return _csv(("profile", "objectives", "on_front", "probability", "hypervolume_share"), rows)


def paired_csv(results: Results) -> str:
    """profile_a, profile_b, objective, median, low, high, n of the differences a - b."""
    rows = [(a, b, o, *map(_text, found), results.repeats) for a, b, o, *found in results.pairs()]
    return _csv(("profile_a", "profile_b", "objective", "median", "low", "high", "n"), rows)


def _text(value: float) -> str:
    if not math.isfinite(value):
        return ""
    value = float(value)
    return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return lines.getvalue()
