"""Where repeats come from: users drawn again, blocks of weeks drawn again, or another seed of a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from timonier.compare.blocks import BlockResampler
from timonier.compare.resample import LEAST_USERS, TOLERANCE, WEEK_S, Resample, Resampler
from timonier.workload import Jobs
from timonier.workload.arrow import pc
from timonier.workload.make.workload import make_workload


@dataclass(frozen=True, slots=True)
class Repeats:
    """draw: repeat -> its workload, the same for the same repeat.  said: how they are made, one sentence."""

    draw: Callable[[int], Resample]
    said: str


@dataclass(frozen=True, slots=True)
class Model:
    """A model that makes workloads, and what is asked of it: as in `workload make`; gpus: of a GPU model's machine."""

    name: str
    jobs: int
    processors: int
    load: float | None = None
    days: float | None = None
    gpus: int = 0


def repeats_of_model(model: Model, repeats: int, seed: int) -> Repeats:
    """Every repeat is made with a seed of its own.  Raises InputError for what the model cannot make."""

    def make(repeat: int) -> Resample:
        jobs = make_workload(
            model.name,
            model.jobs,
            seed=seed_of(seed, repeat),
            processors=model.processors,
            load=model.load,
            days=model.days,
            gpus=model.gpus,
        )
        return Resample(jobs, 0)

    first = make(0)
    size = f"{model.gpus:,} GPUs" if model.gpus else f"{model.processors:,} processors"
    asked = f"{model.jobs:,} jobs for {size}"
    asked += f", offered load {model.load:g} to 1 %" if model.load is not None else ""
    asked += f", {model.days:g} days" if model.days is not None else ""
    every = "Every repeat is another workload" if repeats > 1 else "The only repeat is a workload"
    said = f"{every} of the model {model.name} ({asked}), made with a seed of its own."
    return Repeats(lambda repeat: first if repeat == 0 else make(repeat), said)


def seed_of(seed: int, repeat: int) -> int:
    """The seed of one repeat of a model: far from those of all others, 63 bits.

    Source: the hash of NumPy's SeedSequence (O'Neill 2015), which is fixed between versions.
    """
    return int(np.random.SeedSequence([seed, repeat]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def repeats_of_log(jobs: Jobs, repeats: int, seed: int) -> Repeats:
    """Repeat 0 is the log; the others are drawn from its users or, where it names too few, from its weeks.

    Raises InputError where there is nothing to draw from.
    """
    if repeats == 1:
        return Repeats(lambda _: Resample(jobs, 0), "The only repeat is the log itself.")
    close = f"its offered load is within {100 * TOLERANCE:g} % of the log's, else it is drawn again"
    users = count_users(jobs)
    sampler: Resampler | BlockResampler
    if users >= LEAST_USERS:
        sampler = Resampler(jobs)
        said = (
            f"Repeat 0 is the log; every other one draws its {users:,} users with replacement, each with all of "
            f"his jobs, moved by whole weeks; {close}."
        )
    else:
        sampler = blocks = BlockResampler(jobs)
        unit = "week" if blocks.unit_s == WEEK_S else "day"
        names = f"{users:,} users" if users else "no users"
        said = (
            f"Repeat 0 is the log; as it names {names}, every other one draws its {blocks.units:,} {unit}s with "
            f"replacement, in blocks of {blocks.mean_block:.1f} whole {unit}s in the mean; {close}."
        )

    def draw(repeat: int) -> Resample:
        return Resample(jobs, 0) if repeat == 0 else sampler.draw(seed, repeat)

    return Repeats(draw, said)


def count_users(jobs: Jobs) -> int:
    """How many users the log names; jobs of no known user count as nobody's."""
    return int(pc.count_distinct(jobs.texts("user"), mode="only_valid").as_py())
