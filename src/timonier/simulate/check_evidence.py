"""What a run folder says, as arrays: the evidence that every rule of `check` looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonier.kit.errors import InputError
from timonier.policy import Profile
from timonier.workload.arrow import pc

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

UNKNOWN = -1
FOREVER = 1 << 59  # beyond every end; two of them still fit an int64
STATES = ("completed", "timeout", "running", "pending", "cancelled", "unrunnable", "dropped")


@dataclass(frozen=True, slots=True)
class Table:
    """A table and the file it came from."""

    data: pa.Table
    where: str

    @property
    def rows(self) -> int:
        """How many."""
        return int(self.data.num_rows)

    @property
    def names(self) -> list[str]:
        """Its columns."""
        return list(self.data.column_names)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the workload asks, what the run says; arrays have length J, ticks, UNKNOWN where empty.

    From workload, machine and profile: ids to default_partition.
    expected: the time that the job will occupy its processors.  cut: less than its run time, by its limit.
    estimate: what the scheduler believes.  users: a number for each user.
    running_then, start_then: what ran already in the state at `now`.
    doomed: cancelled at their submission, for a dependency failed before the state.
    until: the last instant that was run, ticks, None: to the end.  is_counted: a machine without nodes.
    From the run: said (the columns of the run table), state, lost, promised, attempts, note, segments,
    placements, summary.
    """

    count: int
    ids: Any
    submit: Ints
    limit: Ints
    expected: Ints
    cut: Flags
    estimate: Ints
    asked: Ints
    users: Ints
    queue: Any
    partition: Any
    dependency: Any
    think: Ints
    eligible: Ints
    running_then: Flags
    start_then: Ints
    doomed: Flags
    now: int | None
    until: int | None
    settled: bool
    is_counted: bool
    processors: int
    caps: dict[str, int]
    default_partition: str | None
    profile: Profile
    said: dict[str, Ints]
    state: Any
    lost: Ints
    promised: Ints
    attempts: Ints
    note: Any
    segments: Table
    placements: Table
    summary: dict[str, Any]

    def job(self, row: int) -> str:
        """A job by its name, for sentences."""
        return f"job {self.ids[int(row)].as_py()!r}"

    def is_in(self, *states: str) -> Flags:
        """Which jobs are in one of these states."""
        return np.asarray(pc.fill_null(pc.is_in(self.state, pa.array(states)), False))

    @property
    def started(self) -> Flags:
        """Which jobs have a start."""
        return np.not_equal(self.said["start_s"], UNKNOWN)

    @property
    def ended(self) -> Flags:
        """Which jobs have an end."""
        return np.not_equal(self.said["end_s"], UNKNOWN)

    @property
    def horizon(self) -> int:
        """The last instant that the run speaks of."""
        return int(max(self.said["start_s"].max(initial=0), self.said["end_s"].max(initial=0)))

    def in_partition(self, name: str) -> Flags:
        """Which jobs run in this partition."""
        given = pc.fill_null(self.partition, self.default_partition or "")
        return np.asarray(pc.equal(given, name))

    def in_queue(self, name: str) -> Flags:
        """Which jobs stand in this queue."""
        return np.asarray(pc.fill_null(pc.equal(self.queue, name), False))


def told(e: Evidence, wrong: Flags, sentence: str) -> list[str]:
    """One sentence for all jobs that break a promise, with the first of them."""
    rows = np.flatnonzero(wrong)
    if not len(rows):
        return []
    more = f" (and {len(rows) - 1} more jobs)" if len(rows) > 1 else ""
    return [f"{e.job(rows[0])} {sentence}{more}"]


def column(table: Table, name: str, kind: pa.DataType) -> Any:
    """A column as this type.  Raises InputError where there is none, or where it is something else."""
    if name not in table.names:
        raise InputError(f"the column {name!r} is missing", where=table.where, fix="make the run again")
    try:
        return table.data.column(name).cast(kind)
    except (pa.ArrowException, ValueError) as error:
        raise InputError(
            f"the column {name!r} is not what it should be: {error}", where=table.where
        ) from error


def ints(table: Table, name: str, unknown: int = UNKNOWN) -> Ints:
    """A whole-number column, int64[rows]; `unknown` where the cell is empty."""
    return np.asarray(pc.fill_null(column(table, name, pa.int64()), unknown))


def floats(table: Table, name: str, unknown: float = 0.0) -> NDArray[np.float64]:
    """A column of numbers, float64[rows]; `unknown` where the cell is empty."""
    return np.asarray(pc.fill_null(column(table, name, pa.float64()), unknown))
