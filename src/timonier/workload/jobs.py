"""The job table: one row a job, the language between readers, engine and writers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonier.workload.arrow import Values


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What a reader did on the way in. Nothing is dropped or assumed without a line here.

    kept: rows in the table.  dropped: reason -> rows left out.
    noted: fact -> rows, kept but worth knowing ("no time limit", "run time over the limit").
    """

    kept: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    noted: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StateHeader:
    """What a state file says beside its rows.

    now_s: the instant of the state, s.
    settled: everything due at now_s has happened, the scheduling pass included
    (true for files of --save-state; a state written by hand gets a pass at now_s).
    usage: fair-share usage rows (account, user, usage), carried along.
    engine: what --save-state writes for itself; `under` is the profile and machine to which `settled` applies.
    """

    now_s: float
    settled: bool = False
    usage: tuple[dict[str, Any], ...] = ()
    engine: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Jobs:
    """A workload.

    table: columns as in `columns.csv` (unknown ones are kept), rows in input order.
    source: the file or generator it came from, for messages and manifests.
    epoch: ISO 8601 UTC instant of time zero, if known.
    processors: what the log says of its machine (SWF MaxProcs, else MaxNodes), if it does.
    state: set when this is a state file.
    """

    table: pa.Table
    source: str
    cleaning: Cleaning = field(default_factory=Cleaning)
    epoch: str | None = None
    processors: int | None = None
    state: StateHeader | None = None

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def has(self, column: str) -> bool:
        """Does the table have this column?"""
        return column in self.table.column_names

    def numbers(self, column: str, default: float) -> NDArray[Any]:
        """One column as int64[J] or float64[J]; empty cells (or no such column) give `default`.

        A default of nan turns an integer column with empty cells into floats.
        """
        if not self.has(column):
            return np.full(len(self), default, dtype=type_of(default))
        values: Values = self.table.column(column)
        if values.null_count:
            if np.isnan(default) and not pa.types.is_floating(values.type):
                values = values.cast(pa.float64())
            values = values.fill_null(default)
        return np.asarray(values.to_numpy())

    def texts(self, column: str) -> Values:
        """One text column, empty where the table has none."""
        if not self.has(column):
            return pa.chunked_array([pa.nulls(len(self), pa.string())])
        values: Values = self.table.column(column)
        return values


def type_of(default: float) -> type:
    """int64 for a whole default, float64 for one with a point."""
    return np.int64 if isinstance(default, int) else np.float64
