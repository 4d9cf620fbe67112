"""What one schedule looks like: its distributions, the machine over time, who lost, who was worst off and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonier.compare.metrics import bounded_slowdown
from timonier.workload import Jobs
from timonier.workload.arrow import Values, pc, row_numbers

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PERCENTILES = (0.0, 1.0, *(float(p) for p in range(2, 99, 2)), 99.0, 99.5, 99.9, 100.0)
BINS = 400  # instants of the timeline
FULL = 0.99  # share of the processors in use at which a machine is full
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


def steps(begin: Ints, end: Ints, weight: Ints) -> tuple[Ints, Ints]:
    """A step function: at[k] and the sum of the weights from at[k] to at[k + 1]."""
    at, place = np.unique(np.concatenate([begin, end]), return_inverse=True)
    change = np.zeros(len(at), dtype=np.int64)
    np.add.at(change, place, np.concatenate([weight, -weight]))
    return at, np.cumsum(change)


def binned(at: Ints, level: Ints, edges: Floats) -> Floats:
    """The mean level between every two edges."""
    if len(at) == 0:
        return np.zeros(len(edges) - 1)
    area = np.concatenate([[0.0], np.cumsum(level[:-1] * np.diff(at).astype(np.float64))])
    means: Floats = np.diff(np.interp(edges, at, area)) / np.diff(edges)
    return means


def full_times(schedule: Schedule, processors: int) -> dict[str, float | None]:
    """Share of the makespan at which the machine was full, and its longest such stretch, s."""
    at, used = steps(schedule.start, schedule.end, schedule.size)
    if len(at) < 2:
        return {"share": 0.0, "longest_from_s": None, "longest_to_s": None}
    full = used[:-1] >= FULL * processors
    length = np.diff(at)
    span = int(schedule.end.max() - schedule.submit.min())
    edges = np.flatnonzero(np.diff(np.concatenate([[0], full.astype(np.int8), [0]])))
    begins, ends = at[edges[::2]], at[edges[1::2]]
    if len(begins) == 0:
        return {"share": 0.0, "longest_from_s": None, "longest_to_s": None}
    longest = int(np.argmax(ends - begins))
    return {
        "share": float(length[full].sum()) / max(span, 1),
        "longest_from_s": float(begins[longest]),
        "longest_to_s": float(ends[longest]),
    }


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


def worst_off(schedule: Schedule, table: pa.Table, jobs: Jobs, processors: int) -> dict[str, Any] | None:
    """The job that waited longest, and what happened meanwhile; None where nobody ended."""
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
        "why": _why(schedule, w, processors),
    }


def _why(schedule: Schedule, w: int, processors: int) -> str:
    """What stood before a job, who went past it, and how full the machine was while it waited."""
    submit, start = schedule.submit[w], schedule.start[w]
    if start == submit:
        return "nobody waited"
    others = np.arange(len(schedule.row)) != w
    ahead = others & (schedule.submit <= submit) & (schedule.start > submit)
    passed = others & (schedule.submit > submit) & (schedule.start < start)
    hours = schedule.size * schedule.run / 3600.0
    at, used = steps(schedule.start, schedule.end, schedule.size)
    busy = float(binned(at, used, np.array([submit, start], dtype=np.float64))[0]) / processors
    return (
        f"It asked for {schedule.size[w]:,} of {processors:,} processors. When it came, "
        f"{np.count_nonzero(ahead):,} jobs with {hours[ahead].sum():,.0f} processor-hours waited already. "
        f"While it waited, {np.count_nonzero(passed):,} jobs that came later started before it "
        f"({hours[passed].sum():,.0f} processor-hours), and {busy:.0%} of the machine was in use."
    )
