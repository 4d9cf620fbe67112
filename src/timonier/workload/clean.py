"""What happens to a checked table on the way in: drop what cannot run, count it, note the rest."""

from __future__ import annotations

import pyarrow as pa

from timonier.workload.arrow import pc
from timonier.workload.cells import narrowed
from timonier.workload.columns import column_named
from timonier.workload.jobs import Cleaning


def cleaned(table: pa.Table, dropped: dict[str, int] | None = None) -> tuple[pa.Table, Cleaning]:
    """The rows that can run, and an account of the others.

    A run time of 0 or empty is dropped ("no run time"). A limit of 0 is no limit.
    dropped: what a reader already left out, by reason.
    """
    none = pc.fill_null(pc.equal(table.column("runtime_s"), 0), True)
    count = pc.sum(none).as_py() or 0
    if count:
        table = _narrowed_again(table.filter(pc.invert(none)))
    table = _without_zero_limits(table)
    left_out = {"no run time": count}
    for reason, rows in (dropped or {}).items():
        left_out[reason] = left_out.get(reason, 0) + rows
    return table, Cleaning(table.num_rows, left_out, limit_notes(table))


def limit_notes(table: pa.Table) -> dict[str, int]:
    """How many jobs give no time limit, and how many run longer than theirs."""
    if "time_limit_s" not in table.column_names:
        return {"no time limit": table.num_rows, "run time over the limit": 0}
    limit = table.column("time_limit_s")
    over = pc.sum(pc.greater(table.column("runtime_s"), limit)).as_py() or 0
    return {"no time limit": int(limit.null_count), "run time over the limit": int(over)}


def _narrowed_again(table: pa.Table) -> pa.Table:
    """A column is whole when the rows that are left are: reading what we write must find it so."""
    for k, name in enumerate(table.column_names):
        column = column_named(name)
        if column and column.kind == "number":
            table = table.set_column(k, name, narrowed(table.column(k)))
    return table


def _without_zero_limits(table: pa.Table) -> pa.Table:
    if "time_limit_s" not in table.column_names:
        return table
    limit = table.column("time_limit_s")
    zero = pc.equal(limit, 0)
    if not pc.any(zero).as_py():
        return table
    limit = pc.if_else(zero, pa.scalar(None, limit.type), limit)
    return table.set_column(table.column_names.index("time_limit_s"), "time_limit_s", limit)
