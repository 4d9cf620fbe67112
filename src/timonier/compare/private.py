"""The baseline `private`: every owner alone with a slice of the machine, as before the pool."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonier.describe import Machine
from timonier.kit.errors import InputError
from timonier.policy import Profile
from timonier.simulate import Run, simulate
from timonier.simulate.drive import Progress
from timonier.workload import Jobs
from timonier.workload.arrow import Values, pc, row_numbers
from timonier.workload.size import processors_per_job

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NO_OWNER = ""


@dataclass(frozen=True, slots=True)
class PrivateRun:
    """tables: the run table of the whole workload, rows in input order, and the longest of the owners' queues."""

    table: pa.Table
    longest_queue: int


def slices(work: Floats, processors: int) -> Ints:
    """Whole processors for each owner, in proportion to work, at least 1, summing to the machine.

    work: float64[O].  Returns int64[O].  Largest remainder (Hamilton) over what is left after one each;
    ties go to the first owner.  Raises InputError where there are more owners than processors.
    """
    owners = len(work)
    if owners > processors:
        raise InputError(
            f"{owners:,} owners cannot share {processors:,} processors: each needs one",
            where="profile private",
            fix="take another --owner (user or account), or leave `private` out",
        )
    total = float(work.sum())
    share = work / total if total > 0 else np.full(owners, 1.0 / owners)
    exact = share * (processors - owners)
    whole = np.floor(exact).astype(np.int64)
    left = processors - owners - int(whole.sum())
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[:left]] += 1
    return whole + 1


@dataclass(frozen=True, slots=True)
class Owners:
    """Who owns what.  names: text[O].  code: int64[J], each job's owner.  processors: int64[O], the slices."""

    names: list[str]
    code: Ints
    processors: Ints


def owners_of(jobs: Jobs, machine: Machine, owner: str) -> Owners:
    """The owners of a workload and their slices.

    owner: the column that names owners, user or account.  Jobs without one share a slice.
    Raises InputError where the log has no owners or too many.
    """
    if machine.processors is None:
        fix = "leave `private` out, or compare on a count: --machine N"
        raise InputError("`private` cuts a count of processors into slices", where=machine.name, fix=fix)
    if jobs.texts(owner).null_count == len(jobs):
        raise InputError(
            f"no job has a value of {owner!r}: who owns what is not known",
            where=jobs.source,
            fix="take another --owner (user or account), or leave `private` out",
        )
    names = pc.fill_null(jobs.texts(owner), NO_OWNER)
    names = names.combine_chunks() if isinstance(names, pa.ChunkedArray) else names
    encoded = names.dictionary_encode()
    code = np.asarray(encoded.indices, dtype=np.int64)
    runtime = jobs.numbers("runtime_s", 0).astype(np.float64)
    work = np.where(np.isfinite(runtime), runtime, 0.0) * processors_per_job(jobs)
    given = slices(np.bincount(code, weights=work).astype(np.float64), machine.processors)
    return Owners([str(name) for name in encoded.dictionary.to_pylist()], code, given)


def simulate_private(
    jobs: Jobs, machine: Machine, profile: Profile, owner: str, progress: Progress | None = None
) -> PrivateRun:
    """Every owner's jobs under `profile` on the owner's slice.  Raises InputError as `owners_of` does."""
    owners = owners_of(jobs, machine, owner)
    parts, rows, longest = [], [], 0
    for who, processors in enumerate(owners.processors.tolist()):
        mine = np.flatnonzero(owners.code == who)
        part = replace(jobs, table=jobs.table.take(row_numbers(mine)), processors=processors)
        slice_of = replace(machine, name=f"{machine.name}/{owners.names[who]}", processors=processors)
        run: Run = simulate(part, slice_of, profile, progress=progress)
        parts.append(run.table)
        rows.append(mine)
        longest = max(longest, run.longest_queue)
    place = np.argsort(np.concatenate(rows), kind="stable")
    return PrivateRun(pa.concat_tables(parts, promote_options="permissive").take(row_numbers(place)), longest)


def pool_gain(pool: pa.Table, private: pa.Table) -> dict[str, float | None]:
    """Who finishes sooner in the pool, of the jobs that both of them finish; and who only can in the pool."""
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
