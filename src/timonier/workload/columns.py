"""The columns of the job table, as data: `columns.csv` drives checking, messages and the docs page."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the contract.

    kind: text, number, integer, bytes or flag.  lowest, highest: bounds of the value, None where there is none.
    need: required, optional, "state file", or "saved state": these names have a meaning there alone.
    """

    name: str
    kind: str
    default: str
    lowest: float | None
    highest: float | None
    need: str
    meaning: str


@cache
def known_columns() -> dict[str, Column]:
    """Every column of the contract by name, in the contract's order."""
    text = resources.files("timonier.workload").joinpath("columns.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return {row["name"]: _column(row) for row in rows}


def column_named(name: str, is_state: bool = False) -> Column | None:
    """The contract's word on a column, None for one that is only passed through.

    is_state: of a state file, which knows a few names more.
    """
    if name.startswith("res."):
        return Column(name, "number", "0", 0.0, None, "optional", "a further resource per task")
    column = known_columns().get(name)
    return None if column is not None and column.need == "saved state" and not is_state else column


def required_columns() -> list[str]:
    """The columns without which a table is no job table."""
    return [column.name for column in known_columns().values() if column.need == "required"]


def arrow_type(column: Column) -> pa.DataType:
    """How a cell is first read from text: numbers as float64, narrowed later when all are whole."""
    kinds: dict[str, pa.DataType] = {"text": pa.string(), "flag": pa.bool_()}
    return kinds.get(column.kind, pa.float64())


def _column(row: dict[str, str]) -> Column:
    lowest, highest = (float(row[key]) if row[key] else None for key in ("lowest", "highest"))
    return Column(row["name"], row["type"], row["default"], lowest, highest, row["need"], row["meaning"])
