"""What one schedule looks like: its distributions, the machine over time, who lost, who was worst off and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonier.compare.fullness import FULL, binned, full_times, held_between, steps
from timonier.compare.metrics import bounded_slowdown
from timonier.workload import Jobs
from timonier.workload.arrow import Values, pc, row_numbers
from timonier.workload.demand import RESOURCES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PERCENTILES = (0.0, 1.0, *(float(p) for p in range(2, 99, 2)), 99.0, 99.5, 99.9, 100.0)
_TIMES = (
    (60, "under 1 min"),
    (600, "1-10 min"),
    (3600, "10-60 min"),
    (14_400, "1-4 h"),
    (43_200, "4-12 h"),
    (86_400, "12-24 h"),
)
_USERS = 12  # the largest by work; the others together


@dataclass(frozen=True, slots=True)
class Schedule:
    """The ended jobs of a run table as arrays: int64[E], s; row: the table's rows."""

    row: Ints
    submit: Ints
    start: Ints
    end: Ints
    size: Ints

    @property
    def wait(self) -> Ints:
        """Submission to start, s."""
        return self.start - self.submit

    @property
    def run(self) -> Ints:
        """Start to end, s."""
        return self.end - self.start

    @property
    def slowdown(self) -> Floats:
        """Bounded slowdown."""
        return bounded_slowdown(self.wait, self.run)


def schedule_of(table: pa.Table) -> Schedule:
    """The ended jobs of a run table."""
    ended = pc.is_valid(table.column("end_s"))
    columns = [
        np.asarray(table.column(name).filter(ended), dtype=np.int64)
        for name in ("submit_s", "start_s", "end_s", "size")
    ]
    return Schedule(np.flatnonzero(np.asarray(ended)), *columns)


def distributions(schedule: Schedule) -> dict[str, list[float]]:
    """Quantity -> its value at each of PERCENTILES."""
    values = {"wait_s": schedule.wait, "bsld": schedule.slowdown, "tts_s": schedule.wait + schedule.run}
    return {
        name: np.percentile(value, PERCENTILES).tolist() if len(value) else []
        for name, value in values.items()
    }


def full_processors(schedule: Schedule, processors: int) -> dict[str, Any]:
    """When the processors of a counted machine were full, as in `full_times`."""
    at, used = steps(schedule.start, schedule.end, schedule.size)
    span = int(schedule.end.max() - schedule.submit.min()) if len(schedule.row) else 0
    return full_times(at, {"processors": used[:-1] >= FULL * processors} if len(at) else {}, span)


def groups(schedule: Schedule, jobs: Jobs) -> dict[str, tuple[list[str], Ints]]:
    """How jobs are grouped: name -> (labels, int64[E] label of each ended job)."""
    power = np.ceil(np.log2(np.maximum(schedule.size, 1))).astype(np.int64)
    sizes = ["1", "2"] + [f"{2 ** (k - 1) + 1}-{2**k}" for k in range(2, int(power.max(initial=0)) + 1)]
    bounds = np.array([limit for limit, _ in _TIMES])
    times = [*(label for _, label in _TIMES), "over 24 h"]
    found = {
        "size": (sizes, power),
        "run time": (times, np.searchsorted(bounds, schedule.run, side="right")),
    }
    users = jobs.texts("user")
    if users.null_count < len(users):
        found["user"] = _largest_users(schedule, users)
    return found


def _largest_users(schedule: Schedule, users: Values) -> tuple[list[str], Ints]:
    """The users with the most work by name, then all others as one."""
    texts = pc.fill_null(users.take(row_numbers(schedule.row)), "(no user)")
    texts = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    encoded = texts.dictionary_encode()
    code = np.asarray(encoded.indices, dtype=np.int64)
    work = np.bincount(code, weights=(schedule.size * schedule.run).astype(np.float64))
    largest = np.argsort(-work, kind="stable")[:_USERS]
    label = np.full(len(work), len(largest), dtype=np.int64)
    label[largest] = np.arange(len(largest))
    names = [str(encoded.dictionary[int(user)]) for user in largest]
    return [*names, "all others"], label[code]


def mean_by_group(labels: list[str], code: Ints, values: Floats) -> list[tuple[str, int, float | None]]:
    """(label, jobs, mean), a group that nobody is in left out."""
    count = np.bincount(code, minlength=len(labels))
    total = np.bincount(code, weights=values, minlength=len(labels))
    return [
        (label, int(count[k]), float(total[k] / count[k])) for k, label in enumerate(labels) if count[k] > 0
    ]


def worst_off(
    schedule: Schedule,
    table: pa.Table,
    jobs: Jobs,
    processors: int,
    held: Mapping[str, Sequence[float]] | None = None,
) -> dict[str, Any] | None:
    """The job that waited longest, and what happened meanwhile; None where nobody ended.

    held: of a machine with nodes, what was in use, as `fullness` says; empty where that is not known.
    """
    if len(schedule.row) == 0:
        return None
    w = int(np.argmax(schedule.wait))
    row = int(schedule.row[w])
    return {
        "job_id": str(table.column("job_id")[row].as_py()),
        "user": jobs.texts("user")[row].as_py(),
        "size": int(schedule.size[w]),
        "submit_s": float(schedule.submit[w]),
        "wait_s": float(schedule.wait[w]),
        "run_s": float(schedule.run[w]),
        "bsld": float(schedule.slowdown[w]),
        "why": _why(schedule, w, processors, jobs, held),
    }


def _why(
    schedule: Schedule, w: int, processors: int, jobs: Jobs, held: Mapping[str, Sequence[float]] | None
) -> str:
    """What stood before a job, who went past it, and how full the machine was while it waited."""
    submit, start = schedule.submit[w], schedule.start[w]
    if start == submit:
        return "nobody waited"
    others = np.arange(len(schedule.row)) != w
    ahead = others & (schedule.submit <= submit) & (schedule.start > submit)
    passed = others & (schedule.submit > submit) & (schedule.start < start)
    hours = schedule.size * schedule.run / 3600.0
    edges = np.array([submit, start], dtype=np.float64)
    if held is None:
        asked, unit = f"{schedule.size[w]:,} of {processors:,} processors", "processor-hours"
        at, used = steps(schedule.start, schedule.end, schedule.size)
        busy = f"{float(binned(at, used, edges)[0]) / processors:.0%} of the machine was"
    else:
        asked, unit = say_demand(jobs, int(schedule.row[w])), "core-hours"
        shares = {name: float(mean[0]) for name, mean in held_between(held, edges).items()}
        listed = [f"{share:.0%} of the {RESOURCES[name]}" for name, share in shares.items()]
        busy = f"{', '.join(listed[:-1])}{' and ' if listed[1:] else ''}{listed[-1]} were" if listed else ""
    return (
        f"It asked for {asked}. When it came, {_jobs(ahead)} with {hours[ahead].sum():,.0f} {unit} waited already. "
        f"While it waited, {_jobs(passed)} that came later started before it "
        f"({hours[passed].sum():,.0f} {unit}){f', and {busy} in use' if busy else ''}."
    )


def _jobs(which: NDArray[np.bool_]) -> str:
    count = int(np.count_nonzero(which))
    return f"{count:,} job{'s' if count != 1 else ''}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def say_demand(jobs: Jobs, row: int) -> str:
    """What a job asks of the nodes, as people say it: `2 tasks, each with 8 cores, 64 GiB and 1 GPU (a100-40gb)`."""
    said = {name: jobs.table.column(name)[row].as_py() for name in jobs.table.column_names}
    said = {name: value for name, value in said.items() if value is not None}
    tasks, cores, gpus = said.get("tasks", 1), said.get("cores", 1), said.get("gpus", 0)
    parts = [f"{cores:g} core{'s' if cores != 1 else ''}"]
    if said.get("memory_bytes"):
        parts.append(f"{_short(said['memory_bytes'] / 2**30)} GiB")
    if said.get("mig"):
        parts.append(f"{max(gpus, 1):g} slice{'s' if gpus > 1 else ''} {said['mig']}")
    elif gpus:
        parts.append(f"{gpus:g} GPU{'s' if gpus > 1 else ''}")
    text = f"{', '.join(parts[:-1])} and {parts[-1]}" if parts[1:] else parts[0]
    text += f" ({said['gpu_types']})" if gpus and said.get("gpu_types") else ""
    whole = ", its nodes alone" if said.get("whole_nodes") else ""
    within = f", all inside one {said['within']}" if said.get("within") else ""
    return f"{f'{tasks:,} tasks, each with ' if tasks != 1 else ''}{text}{whole}{within}"
