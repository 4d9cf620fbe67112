"""The job table as ticks and counts: what each job asks for, as one profile sees it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from timonier.describe import Machine
from timonier.kit.errors import InputError, nearest
from timonier.policy import Profile
from timonier.simulate.ticks import NEVER, to_ticks
from timonier.workload import Jobs
from timonier.workload.arrow import Values, pc
from timonier.workload.size import processors_per_job

Ints = NDArray[np.int64]

MOST_JOBS = 1 << 28
MOST_PROCESSORS = 1 << 24
BEYOND = 1 << 31  # ticks: 68 years, the longest time that the clock takes


# demands that a number of processors cannot tell: above zero; not empty; other than usual
NUMBERS = ("gpus", "gpu_memory_bytes", "memory_bytes")
TEXTS = ("gpu_types", "mig", "features", "tasks_per_node", "within")
FLAGS = ("whole_nodes",)


@dataclass(slots=True)
class Columns:
    """The job table as ticks and counts, in row order; every array has length J.

    submit, run, limit, est, size: int64, ticks or processors.  killed: the run is cut at the limit.
    eligible: int64, ticks, -1: not known yet.  state: 0 pending, 1 running.  start: ticks, -1: none.
    reserved, promised: ticks, -1: none.  why: row -> why the job cannot run.  assumed: fact -> jobs.
    strange: those of the facts that look like a mistake, to be told before the run.
    """

    submit: Ints
    run: Ints
    limit: Ints
    est: Ints
    size: Ints
    killed: NDArray[np.bool_]
    running: NDArray[np.bool_]
    start: Ints
    reserved: Ints
    promised: Ints
    why: dict[int, str] = field(default_factory=dict)
    assumed: dict[str, int] = field(default_factory=dict)
    strange: dict[str, int] = field(default_factory=dict)


def read_columns(jobs: Jobs, machine: Machine, profile: Profile) -> Columns:
    """Ticks, sizes and estimates of every job, as the profile sees them.

    Raises InputError for times that the clock cannot hold, and for a job of several independent pods.
    """
    _refuse_pods(jobs)
    assumed: dict[str, int] = {}
    submit = _ticks(jobs, "submit_s", assumed)
    done = _done(jobs, assumed)
    run = _left(jobs, _ticks(jobs, "runtime_s", assumed), done)
    limit = _limits(jobs, run, profile, assumed)
    running, start = _state(jobs)
    reserved, promised = (_ticks_or_none(jobs, name) for name in ("reserved_s", "promised_s"))
    killed = (run > limit) if profile.estimate.over == "kill" else np.zeros(len(run), dtype=bool)
    occupied = np.where(killed, limit, run)
    if jobs.state is not None:  # an end that is overdue in a state comes at once
        now = int(to_ticks(np.array([jobs.state.now_s]))[0][0])
        occupied = np.where(running & (start + occupied < now), now - start, occupied)
    est = _estimates(jobs, limit, occupied, done, profile, assumed)
    size = processors_per_job(jobs)
    columns = Columns(
        submit, occupied, limit, est, size, killed, running, start, reserved, promised, {}, assumed
    )
    if machine.is_counted:
        _tell_what_needs_nodes(jobs, assumed)
        if profile.place.score:
            assumed["place.score: all nodes are alike on a counted machine"] = len(jobs)
    return columns


def _refuse_pods(jobs: Jobs) -> None:
    """Readers make a row of each independent pod; who makes tables himself has to."""
    if not jobs.has("gang"):
        return
    loose = ~np.asarray(pc.fill_null(jobs.table.column("gang"), True).to_numpy(zero_copy_only=False))
    wrong = np.flatnonzero(loose & (jobs.numbers("tasks", 1) > 1))
    if len(wrong):
        raise InputError(
            "a job of several independent pods (gang = false) in one row",
            where=f"{jobs.source}, row {int(wrong[0]) + 1}",
            fix="make a row of each with timonier.workload.as_pods, as the readers do",
        )


def _tell_what_needs_nodes(jobs: Jobs, assumed: dict[str, int]) -> None:
    """Count, demand by demand, the jobs whose request a number of processors cannot tell."""
    found: dict[str, int] = {}
    for name in jobs.table.column_names:
        column = jobs.table.column(name)
        if name in NUMBERS or name.startswith("res."):
            found[name] = int(np.count_nonzero(jobs.numbers(name, 0) > 0))
        elif name in TEXTS:
            found[name] = len(jobs) - int(column.null_count)
        elif name in FLAGS:
            found[name] = int(pc.sum(column).as_py() or 0)
    for name, count in found.items():
        if count:
            assumed[f"{name} asked for, not modelled on a counted machine"] = count


def think_ticks(jobs: Jobs, assumed: dict[str, int]) -> Ints:
    """The think times, in ticks; without a dependency they mean nothing.  Raises InputError for one too long."""
    if not jobs.has("think_s") or not jobs.has("dependency"):
        return np.zeros(len(jobs), dtype=np.int64)
    depends = np.asarray(pc.is_valid(jobs.texts("dependency")).to_numpy(zero_copy_only=False))
    return _ticks(jobs, "think_s", assumed, depends)


def _ticks(jobs: Jobs, name: str, assumed: dict[str, int], where: NDArray[np.bool_] | None = None) -> Ints:
    """A column in ticks; where: only these rows, 0 elsewhere."""
    values = jobs.numbers(name, 0)
    if where is not None:
        values = np.where(where, values, 0)
    ticks, fractions = to_ticks(values)
    if fractions:
        assumed[f"{name} rounded to whole seconds"] = fractions
    if name == "runtime_s":
        raised = (ticks == 0) & (values > 0)
        ticks = np.where(raised, 1, ticks) if raised.any() else ticks
    far = (ticks >= BEYOND) & ((ticks < NEVER) | (name != "runtime_s"))
    if far.any():
        row = int(np.flatnonzero(far)[0])
        raise InputError(
            f"{name} of job {jobs.table.column('job_id')[row].as_py()!r} is beyond 68 years",
            where=f"{jobs.source}, row {row + 1}",
            fix="give times in seconds from the workload's zero; a job that never leaves has runtime_s = inf",
        )
    return ticks


def _done(jobs: Jobs, assumed: dict[str, int]) -> Ints:
    """Work that the jobs of a state have done before, in ticks; 0 in a log."""
    if jobs.state is None or not jobs.has("done_s"):
        return np.zeros(len(jobs), dtype=np.int64)
    done, fractions = to_ticks(jobs.numbers("done_s", 0))
    if fractions:
        assumed["done_s rounded to whole seconds"] = fractions
    return done


def _left(jobs: Jobs, run: Ints, done: Ints) -> Ints:
    """Run times without what is done already.  Raises InputError where nothing is left."""
    over = np.flatnonzero((done >= run) & (done > 0))
    if len(over):
        row = int(over[0])
        raise InputError(
            f"job {jobs.table.column('job_id')[row].as_py()!r} has done_s = {done[row]} of {run[row]} s: "
            "nothing is left to do",
            where=f"{jobs.source}, row {row + 1}, done_s",
            fix="leave jobs out that have ended; done_s is work of earlier attempts, before start_s",
        )
    return np.where(run < NEVER, run - done, NEVER)


def _limits(jobs: Jobs, run: Ints, profile: Profile, assumed: dict[str, int]) -> Ints:
    """Time limits in ticks; where none is given, the profile's `estimate.missing`."""
    missing_s = profile.estimate.missing_s
    values = jobs.numbers("time_limit_s", np.nan) if jobs.has("time_limit_s") else None
    if values is None:
        absent = np.ones(len(run), dtype=bool)
        limit = run
    elif values.dtype.kind == "f":
        absent = np.isnan(values)
        limit, fractions = to_ticks(np.where(absent, 0.0, values))
        if fractions:
            assumed["time_limit_s rounded to whole seconds"] = fractions
        limit = np.maximum(limit, 1)
    else:
        absent = np.zeros(len(run), dtype=bool)
        limit = np.maximum(values, 1)
    far = int(np.count_nonzero(~absent & (limit >= BEYOND)))
    if far:
        assumed["time_limit_s beyond 68 years, taken as never"] = far
        limit = np.where(limit >= BEYOND, NEVER, limit)
    count = int(np.count_nonzero(absent))
    if count:
        how = "taken as their run time" if missing_s is None else f"taken as {missing_s} s"
        assumed[f"no time limit given, {how}"] = count
        limit = np.where(absent, run if missing_s is None else missing_s, limit)
    return limit


def _estimates(
    jobs: Jobs, limit: Ints, occupied: Ints, done: Ints, profile: Profile, assumed: dict[str, int]
) -> Ints:
    """What the scheduler expects of each job, in ticks."""
    if profile.estimate.use == "exact":
        return occupied
    if profile.estimate.use == "limit":
        return limit
    predicted = jobs.numbers("predicted_s", np.nan).astype(np.float64)
    absent = np.isnan(predicted)
    if absent.any():
        assumed["no prediction given, taken as their time limit"] = int(np.count_nonzero(absent))
    ticks, fractions = to_ticks(np.where(absent, 0.0, predicted))
    if fractions:
        assumed["predicted_s rounded to whole seconds"] = fractions
    ticks = np.where(ticks >= BEYOND, NEVER, np.maximum(ticks - done, 1))
    ticks = np.where(absent, limit, ticks)
    return np.minimum(ticks, limit) if profile.estimate.over == "kill" else ticks


def _ticks_or_none(jobs: Jobs, name: str) -> Ints:
    """Ticks of a column that only states have, -1 where the cell is empty."""
    if jobs.state is None or not jobs.has(name):
        return np.full(len(jobs), -1, dtype=np.int64)
    values = jobs.numbers(name, np.nan).astype(np.float64)
    return to_ticks(np.where(np.isnan(values), -1.0, values))[0]


def _state(jobs: Jobs) -> tuple[NDArray[np.bool_], Ints]:
    """Which jobs run already, and since when."""
    count = len(jobs)
    none = np.full(count, -1, dtype=np.int64)
    if jobs.state is None:
        return np.zeros(count, dtype=bool), none
    running = rows_with(jobs.texts("state"), "running")
    starts = jobs.numbers("start_s", np.nan).astype(np.float64)
    wrong = running & ~(starts <= jobs.state.now_s)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"job {jobs.table.column('job_id')[row].as_py()!r} is running but its start_s "
            f"({starts[row]:g}) is not at or before now ({jobs.state.now_s:g})",
            where=f"{jobs.source}, row {row + 1}",
            fix="give start_s <= now_s to every running job, or state = pending",
        )
    start = np.where(running, to_ticks(np.where(running, starts, 0.0))[0], -1)
    return running, start


def refuse_what_cannot_run(jobs: Jobs, columns: Columns, machine: Machine, profile: Profile) -> None:
    """Fill columns.why: row -> why this job can never run, with the nearest request that can.

    Raises InputError where the running jobs of a state hold more of a partition than it has.
    """
    processors = _processors(machine)
    _note(columns, columns.size > processors, f"asks for {{size}} processors; the machine has {processors}")
    if machine.partitions:
        caps = {p.name: p.processors if p.processors is not None else processors for p in machine.partitions}
        default = next((p.name for p in machine.partitions if p.default), None)
        names = jobs.texts("partition")
        if default is not None:
            names = pc.fill_null(names, default)
        for name in pc.unique(names.drop_null()).to_pylist():
            here = rows_with(names, name)
            held = here & columns.running
            refuse_what_holds_too_much(
                jobs, int(columns.size[held].sum()), f"partition {name!r}", caps.get(name, 0)
            )
            if name not in caps:
                _note(columns, here, f"no partition {name!r} on this machine: {nearest(name, caps)}")
            else:
                _note(
                    columns,
                    here & (columns.size > caps[name]),
                    f"asks for {{size}} processors; partition {name!r} has {caps[name]}",
                )
    refuse_by_queues(jobs, columns, profile)


def refuse_what_holds_too_much(jobs: Jobs, held: int, where: str, most: int) -> None:
    """Raise InputError where the running jobs of a state hold more processors than there are."""
    if held > most:
        raise InputError(
            f"the running jobs hold {held} processors; {where} has {most}",
            where=jobs.source,
            fix="give the machine on which this state was taken",
        )


def refuse_by_queues(jobs: Jobs, columns: Columns, profile: Profile) -> None:
    """Note in columns.why what no queue rule ever allows."""
    for queue in profile.queues:
        here = rows_with(jobs.texts("queue"), queue.name)
        limits = queue.limits
        for most in (limits.job_processors, limits.processors, limits.user_processors):
            if most is not None:
                _note(
                    columns,
                    here & (columns.size > most),
                    f"asks for {{size}} processors; queue {queue.name!r} allows {most}",
                )
        if limits.job_time_s is not None:
            _note(
                columns,
                here & (columns.limit > limits.job_time_s),
                f"its time limit is above the {limits.job_time_s} s of queue {queue.name!r}",
            )


def _note(columns: Columns, where: NDArray[np.bool_], text: str) -> None:
    """Say why these jobs cannot run; of one that runs already there is no question."""
    for row in np.flatnonzero(where & ~columns.running).tolist():
        columns.why.setdefault(row, text.format(size=int(columns.size[row])))


def rows_with(names: Values, name: str) -> NDArray[np.bool_]:
    """Where a text column says `name`: bool[J]."""
    return np.asarray(pc.fill_null(pc.equal(names, name), False).to_numpy(zero_copy_only=False))


def _processors(machine: Machine) -> int:
    """Processors of a counted machine.  Raises InputError for one that is too large."""
    if machine.processors is None:
        raise InputError(f"machine {machine.name!r} has nodes, not a number of processors")
    if machine.processors >= MOST_PROCESSORS:
        raise InputError(f"a counted machine has fewer than {MOST_PROCESSORS} processors")
    return machine.processors
