"""A run: one workload on one machine under one profile, every job's start and end."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from timonier.describe import Machine
from timonier.policy import Profile
from timonier.simulate.drive import Progress, Tell, drive
from timonier.simulate.kernel import state as k
from timonier.simulate.pack import Packed, pack
from timonier.simulate.ticks import to_ticks
from timonier.simulate.unpack import run_table
from timonier.workload import Jobs

MOST_REASONS = 5  # told before a run


@dataclass(frozen=True, slots=True)
class Run:
    """What came out.

    table: the run table, rows in input order.
    longest_queue: most jobs waiting at the end of an instant.  assumed: fact -> jobs.  packed: the state, to go on from.
    until_s: the last instant that was run, None: to the end.
    """

    jobs: Jobs
    machine: Machine
    profile: Profile
    table: pa.Table
    longest_queue: int
    packed: Packed
    until_s: float | None = None
    assumed: dict[str, int] = field(default_factory=dict)

    @property
    def last_s(self) -> int:
        """The instant of the last event, s."""
        return int(self.packed.state.scalars[k.NOW])


def simulate(  # noqa: PLR0913 - all but three are options that few give
    jobs: Jobs,
    machine: Machine,
    profile: Profile,
    *,
    seed: int = 0,
    until_s: float | None = None,
    progress: Progress | None = None,
    tell: Tell | None = None,
) -> Run:
    """Run a workload, or go on from a state, until all has ended or `until_s` (that instant included).

    seed: of everything random.
    Raises InputError where the jobs, the machine or the profile cannot be simulated.
    """
    packed = pack(jobs, machine, profile, seed)
    if tell is not None:
        for sentence in (*refusals(packed, jobs), *doubts(packed, jobs)):
            tell(sentence)
    until = k.NEVER - 1 if until_s is None else int(to_ticks(np.array([until_s]))[0][0])
    drive(packed, until, progress, tell)
    return Run(
        jobs=jobs,
        machine=machine,
        profile=profile,
        table=run_table(jobs, packed),
        longest_queue=int(packed.state.scalars[k.LONGEST_QUEUE]),
        packed=packed,
        until_s=until_s,
        assumed=packed.columns.assumed,
    )


def refusals(packed: Packed, jobs: Jobs) -> list[str]:
    """Why jobs can never run, the most frequent reasons first, each with one of its jobs; [] where all can."""
    able = packed.columns.running
    first: dict[str, int] = {}
    counts: dict[str, int] = {}
    for row, why in packed.columns.why.items():
        if not able[row]:
            first.setdefault(why, row)
            counts[why] = counts.get(why, 0) + 1
    told = []
    for why in sorted(counts, key=lambda why: (-counts[why], first[why]))[:MOST_REASONS]:
        name = jobs.table.column("job_id")[first[why]].as_py()
        others = f" and {counts[why] - 1:,} more" if counts[why] > 1 else ""
        told.append(f"can never run: job {name}{others}: {why}")
    left = sum(counts.values()) - sum(sorted(counts.values(), reverse=True)[:MOST_REASONS])
    if left:
        told.append(f"can never run: {left:,} more, for other reasons; the run table notes each")
    return told


def doubts(packed: Packed, jobs: Jobs) -> list[str]:
    """What looks like a mistake though it can be run, the most frequent first; [] where nothing does."""
    if not len(jobs):
        return [f"perhaps a mistake: {jobs.source} has no job to run"]
    counts = packed.columns.strange
    facts = sorted(counts, key=lambda fact: -counts[fact])
    told = [f"perhaps a mistake: {fact} ({_jobs(counts[fact])})" for fact in facts[:MOST_REASONS]]
    if len(facts) > MOST_REASONS:
        told.append(
            f"perhaps a mistake: {len(facts) - MOST_REASONS:,} more; the summary lists them under assumed"
        )
    return told


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count:,} jobs"
