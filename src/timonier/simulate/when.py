"""When will my job start? The engine, run on from a state with every job lasting as long as expected."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonier.describe import Machine
from timonier.kit.errors import InputError
from timonier.policy import Profile
from timonier.simulate.columns import BEYOND, Columns, read_columns
from timonier.simulate.dependencies import depended_on
from timonier.simulate.drive import Tell
from timonier.simulate.run import simulate
from timonier.simulate.ticks import to_ticks
from timonier.workload import Jobs
from timonier.workload.arrow import pc


def forecast(jobs: Jobs, machine: Machine, profile: Profile, *, tell: Tell | None = None) -> pa.Table:
    """The start of every pending job under current limits: job_id, start_s (null: never, as things are).

    Nobody else comes, and every job runs as long as the profile's estimate says (its limit, as a rule); one that
    has run that long already ends one tick from now.  What is expected beyond the clock never ends.
    Jobs that are submitted later than now are left out: nobody knows of them yet; who depends on one of them
    has no start that could be told.
    Raises InputError when the workload is not a state.
    """
    if jobs.state is None:
        raise InputError(
            "this is a workload, not a state: it does not say what runs and waits now",
            where=jobs.source,
            fix="take a state with `timonier simulate LOG --until T --save-state STATE.parquet`, "
            "or give a CSV of running and pending jobs with --now T",
        )
    known = jobs.numbers("submit_s", 0) <= jobs.state.now_s
    foreseen = known & ~_waits_for_unknown(jobs, known)
    table = jobs.table.filter(pa.array(foreseen))
    here = replace(jobs, table=table)
    lasting = pa.array(_lasting(read_columns(here, machine, profile), profile, jobs.state.now_s))
    table = table.set_column(table.column_names.index("runtime_s"), "runtime_s", lasting)
    if here.has("done_s"):  # it is taken off already
        table = table.drop_columns(["done_s"])
    run = simulate(replace(here, table=table), machine, profile, tell=tell)
    running = np.asarray(pc.fill_null(pc.equal(jobs.texts("state"), "running"), False))
    start = pc.replace_with_mask(
        pa.nulls(len(jobs), pa.int64()), pa.array(foreseen), run.table.column("start_s").combine_chunks()
    )
    told = pa.table({"job_id": jobs.table.column("job_id"), "start_s": start})
    return told.filter(pa.array(known & ~running))


def _lasting(columns: Columns, profile: Profile, now_s: float) -> NDArray[np.float64]:
    """How long each job will have run, s: its estimate; who runs beyond it (and is not killed now), until now + 1."""
    now = int(to_ticks(np.array([now_s]))[0][0])
    lasting = columns.est.astype(np.float64)
    lasting[columns.est >= BEYOND] = np.inf
    ran = now - columns.start
    is_late = columns.running & (columns.est <= ran)
    if profile.estimate.over == "kill":
        is_late &= columns.limit > ran
    return np.where(is_late, ran + 1, lasting)


def _waits_for_unknown(jobs: Jobs, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """bool[J]: does the job depend, by however many steps, on one that is not known yet?"""
    names = jobs.table.column("job_id")
    unknown = set(names.filter(pa.array(~known)).to_pylist())
    parents = depended_on(jobs) if unknown else {}
    waits = np.zeros(len(jobs), dtype=bool)
    found = True
    while found:
        found = False
        for row, wanted in parents.items():
            if not waits[row] and not unknown.isdisjoint(wanted):
                waits[row] = found = True
                unknown.add(names[row].as_py())
    return waits
