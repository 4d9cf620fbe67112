"""Where repeats come from: users drawn again, blocks of weeks drawn again, or another seed of a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from timonier.compare.blocks import BlockResampler
from timonier.compare.resample import LEAST_USERS, TOLERANCE, WEEK_S, Resample, Resampler
from timonier.workload import Jobs
from timonier.workload.arrow import pc


@dataclass(frozen=True, slots=True)
class Repeats:
    """draw: repeat -> its workload, the same for the same repeat.  said: how they are made, one sentence."""

    draw: Callable[[int], Resample]
    said: str


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
