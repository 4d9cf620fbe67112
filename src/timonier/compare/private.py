"""The baseline `private`: every owner alone with a slice of the machine, as before the pool."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonier.compare.metrics import after_warmup
from timonier.compare.owners import owners_of
from timonier.describe import Machine
from timonier.policy import Profile
from timonier.simulate import Run, simulate
from timonier.simulate.drive import Progress
from timonier.workload import Jobs
from timonier.workload.arrow import Values, pc, row_numbers

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PrivateRun:
    """tables: the run table of the whole workload, rows in input order, and the longest of the owners' queues."""

    table: pa.Table
    longest_queue: int


def simulate_private(
    jobs: Jobs, machine: Machine, profile: Profile, owner: str, progress: Progress | None = None
) -> PrivateRun:
    """Every owner's jobs under `profile` on the owner's slice.  Raises InputError as `owners_of` does."""
    owners = owners_of(jobs, machine, owner)
    parts, rows, longest = [], [], 0
    nothing = np.empty(0, dtype=np.int64)
    for who, own in enumerate(owners.slices):
        mine = np.flatnonzero(owners.code == who)
        if len(mine) == 0:
            continue
        if own is None:
            nothing = mine
            continue
        part = replace(jobs, table=jobs.table.take(row_numbers(mine)), processors=own.processors)
        run: Run = simulate(part, own, profile, progress=progress)
        parts.append(run.table)
        rows.append(mine)
        longest = max(longest, run.longest_queue)
    if len(nothing):
        parts.append(_without_slice(jobs, machine, profile, nothing))
        rows.append(nothing)
    place = np.argsort(np.concatenate(rows), kind="stable")
    return PrivateRun(pa.concat_tables(parts, promote_options="permissive").take(row_numbers(place)), longest)


def _without_slice(jobs: Jobs, machine: Machine, profile: Profile, rows: Ints) -> pa.Table:
    """The run table of jobs whose owner has nothing: each is unrunnable, and says why."""
    part = replace(jobs, table=jobs.table.take(row_numbers(rows)))
    table = simulate(part, machine, profile, until_s=-1).table
    count = len(rows)
    blank = {
        "state": pa.array(["unrunnable"] * count).dictionary_encode(),
        "note": pa.array(["nobody's slice: its account owns nothing, and nothing is left unowned"] * count),
    }
    for name, values in blank.items():
        table = table.set_column(table.schema.get_field_index(name), name, values)
    return table


def pool_gain(pool: pa.Table, private: pa.Table, warmup: float = 0.0) -> dict[str, float | None]:
    """Who finishes sooner in the pool, of the jobs that both of them finish; and who only can in the pool.

    warmup: the share of the first jobs that is left out, as in `score`.
    """
    kept = after_warmup(pool, warmup)
    if kept is not None:
        pool, private = pool.filter(pa.array(kept)), private.filter(pa.array(kept))
    both = pc.and_(pc.is_valid(pool.column("end_s")), pc.is_valid(private.column("end_s")))
    only = pc.and_(pc.is_valid(pool.column("end_s")), pc.equal(_state(private), "unrunnable"))
    here = _ints(pool, "end_s", both)
    sooner = here < _ints(private, "end_s", both)
    work = _ints(pool, "size", both) * _ints(pool, "run_s", both)
    return {
        "pool_gain_share": float(sooner.mean()) if len(here) else None,
        "pool_gain_work_share": float(work[sooner].sum() / work.sum()) if work.sum() else None,
        "pool_only_jobs": float(pc.sum(only).as_py() or 0),
    }


def _state(table: pa.Table) -> Values:
    return table.column("state").cast(pa.string())


def _ints(table: pa.Table, name: str, rows: Values) -> Ints:
    return np.asarray(table.column(name).filter(rows), dtype=np.int64)
