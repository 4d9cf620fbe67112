"""The workload model of Lublin and Feitelson: batch and interactive rigid jobs with a daily cycle.

Source: U. Lublin, D. G. Feitelson, "The workload on parallel supercomputers: modeling the
characteristics of rigid jobs", J. Parallel Distrib. Comput. 63(11), 2003, sections 4 to 6; the
parameters are those of the authors' program m_lublin99.c (Parallel Workloads Archive, models).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from timonier.workload.make.cycle import Cycle, Floats, cycle_of

_BUCKETS = 48  # half hours of a day
_BUCKET_S = 1800.0
_DAY_STARTS = 11  # the daily gamma begins in the eleventh half hour, as in the authors' program
_LONGEST_LOG_RUN = 12.0
_LONGEST_LOG_GAP = 13.0
_PUBLISHED_LOG2 = 7.0  # the published sizes are for 128 processors


@dataclass(frozen=True, slots=True)
class Kind:
    """The published parameters of one kind of job.

    serial, pow2: shares of jobs with one processor and with a power of two.
    low, middle, high, lower: two-stage uniform of log2(size); `lower` is the share of the first stage.
    a1, b1, a2, b2: the two gammas of log(run time); the first one with probability pa x size + pb.
    gap_a, gap_b: gamma of log(inter-arrival time) at rush hours; gap_all: ratio to all hours.
    day_a, day_b: gamma of the half hour of arrival.
    """

    serial: float
    pow2: float
    low: float
    middle: float
    high: float
    lower: float
    a1: float
    b1: float
    a2: float
    b2: float
    pa: float
    pb: float
    gap_a: float
    gap_b: float
    gap_all: float
    day_a: float
    day_b: float


BATCH = Kind(
    serial=0.2927, pow2=0.6686, low=1.2, middle=5.0, high=7.0, lower=0.875,
    a1=6.57, b1=0.823, a2=639.1, b2=0.0156, pa=-0.003, pb=0.6986,
    gap_a=6.0415, gap_b=0.8531, gap_all=1.0519, day_a=6.1271, day_b=5.2740,
)  # fmt: skip
INTERACTIVE = Kind(
    serial=0.1541, pow2=0.625, low=1.0, middle=3.0, high=5.5, lower=0.705,
    a1=3.8351, b1=0.6605, a2=7.073, b2=0.6856, pa=-0.0118, pb=0.9156,
    gap_a=6.5510, gap_b=0.6621, gap_all=0.9797, day_a=8.9186, day_b=3.6680,
)  # fmt: skip
# The authors' fit to all jobs alike.
WHOLE = Kind(
    serial=0.244, pow2=0.576, low=0.8, middle=4.5, high=7.0, lower=0.86,
    a1=4.2, b1=0.94, a2=312.0, b2=0.03, pa=-0.0054, pb=0.78,
    gap_a=10.2303, gap_b=0.4871, gap_all=1.0225, day_a=8.1737, day_b=3.9631,
)  # fmt: skip
KINDS = {
    "batch": {"batch": BATCH},
    "interactive": {"interactive": INTERACTIVE},
    "both": {"batch": BATCH, "interactive": INTERACTIVE},
    "whole": {"": WHOLE},
}


@dataclass(frozen=True, slots=True)
class Stream:
    """Jobs of one kind before their arrivals are laid on the clock.

    points: float64[J], ascending, in average half hours.  size: int64[J].  runtime: int64[J], s.
    """

    kind: str
    cycle: Cycle
    points: Floats
    size: NDArray[np.int64]
    runtime: NDArray[np.int64]


def lublin_streams(jobs: int, processors: int, kinds: str, rng: np.random.Generator) -> list[Stream]:
    """As many jobs of each kind as could be needed for the first `jobs` of all merged.

    kinds: batch, interactive, both (the two beside each other) or whole (one fit to all jobs).
    """
    return [_stream(name, kind, jobs, processors, rng) for name, kind in KINDS[kinds].items()]


def sizes(kind: Kind, jobs: int, processors: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Processors of each job: one, a power of two, or anything. int64[J], at most `processors`.

    For another machine than 128 processors the middle and the top move with log2(processors).
    """
    shift = math.log2(processors) - _PUBLISHED_LOG2
    low = min(kind.low, max(0.0, kind.high + shift))
    middle, high = max(low, kind.middle + shift), max(low, kind.high + shift)
    drawn = rng.random((3, jobs))
    first = drawn[1] <= kind.lower
    log2 = np.where(first, low + drawn[2] * (middle - low), middle + drawn[2] * (high - middle))
    log2 = np.where(drawn[0] <= kind.serial + kind.pow2, np.floor(log2 + 0.5), log2)
    size = np.where(drawn[0] <= kind.serial, 1.0, np.floor(2.0**log2 + 0.5))
    return np.clip(size, 1, processors).astype(np.int64)


def run_times(kind: Kind, size: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Seconds, at least 1, at most e^12: int64[J]. Larger jobs run longer."""
    first = rng.random(len(size)) <= np.clip(kind.pa * size + kind.pb, 0.0, 1.0)
    shape, scale = np.where(first, kind.a1, kind.a2), np.where(first, kind.b1, kind.b2)
    log = _gamma_below(shape, scale, _LONGEST_LOG_RUN, rng)
    return np.maximum(1, np.exp(log)).astype(np.int64)


def daily_cycle(kind: Kind) -> Cycle:
    """How arrivals spread over the 48 half hours from midnight."""
    slots = np.arange(_DAY_STARTS, _DAY_STARTS + _BUCKETS, dtype=np.int64)
    weights = np.zeros(_BUCKETS)
    weights[(slots - 1) % _BUCKETS] = _gamma_mass(slots.astype(np.float64), kind.day_a, kind.day_b)
    return cycle_of(weights, _BUCKET_S)


def _stream(name: str, kind: Kind, jobs: int, processors: int, rng: np.random.Generator) -> Stream:
    shape = np.full(jobs, kind.gap_a * kind.gap_all)
    gaps = np.exp(_gamma_below(shape, np.full(jobs, kind.gap_b), _LONGEST_LOG_GAP, rng))
    size = sizes(kind, jobs, processors, rng)
    return Stream(name, daily_cycle(kind), np.cumsum(gaps) / _BUCKET_S, size, run_times(kind, size, rng))


def _gamma_below(shape: Floats, scale: Floats, most: float, rng: np.random.Generator) -> Floats:
    """Gamma variates, drawn again until they are at most `most`."""
    drawn = rng.gamma(shape, scale)
    while len(again := np.flatnonzero(drawn > most)):
        drawn[again] = rng.gamma(shape[again], scale[again])
    return drawn


def _gamma_mass(middle: Floats, shape: float, scale: float) -> Floats:
    """Probability of a gamma variate within 0.5 of each middle, by Gauss-Legendre quadrature."""
    nodes, weights = np.polynomial.legendre.leggauss(12)
    x = middle[:, None] + nodes / 2.0
    log_density = (shape - 1) * np.log(x) - x / scale - math.lgamma(shape) - shape * math.log(scale)
    return np.asarray((np.exp(log_density) * weights).sum(axis=1) / 2.0)
