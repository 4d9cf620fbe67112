"""Bring a column to the one type that the contract gives it, or say which cells cannot be brought.

text -> string; number -> int64 where every value is whole, else float64; integer, bytes -> int64;
flag -> bool.  Empty stays null; an empty text is null as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from timonier.workload.arrow import Values, pc
from timonier.workload.columns import Column

LARGEST = 2.0**53
_NUMBER = r"^[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|inf|Inf|INF)$"
_TRUE = ["1", "true", "True", "TRUE"]
_FALSE = ["0", "false", "False", "FALSE"]
_WORDS = ("gpu_types", "mig", "features", "within", "partition")  # blanks around these mean nothing


@dataclass(frozen=True, slots=True)
class WrongCell:
    """row: counted from 1, the header not counted.  rule: what the value should have been."""

    row: int
    column: str
    value: Any
    rule: str

    def __str__(self) -> str:
        shown = "empty" if self.value is None else repr(self.value)[:60]
        return f"row {self.row}, {self.column} = {shown}: {self.rule}"


def canonical(values: Values, column: Column) -> tuple[Values, list[WrongCell]]:
    """The column in its contract type, and the cells that have no meaning in it."""
    values = _plain(values)
    if column.kind == "text":
        return _text(values, column)
    if column.kind == "flag":
        return _flag(values, column)
    return _number(values, column)


def wrong_cells(values: Values, wrong: Any, column: str, rule: str, most: int = 10) -> list[WrongCell]:
    """Up to `most` cells where `wrong` (bool per row, null counts as right) holds, and how many more."""
    rows = pc.indices_nonzero(pc.fill_null(wrong, False))
    cells = [WrongCell(k + 1, column, values[k].as_py(), rule) for k in rows[:most].to_pylist()]
    return cells + [WrongCell(0, column, None, rule)] * (len(rows) - len(cells))


def narrowed(values: Values) -> Values:
    """float64 becomes int64 where no value has a fraction (and none is inf, nan or beyond 2^53)."""
    if not pa.types.is_floating(values.type):
        return values
    edges = pc.min_max(values)
    low, high = edges["min"].as_py(), edges["max"].as_py()
    if low is not None and not (low >= -LARGEST and high <= LARGEST):
        return values
    try:
        return values.cast(pa.int64(), safe=True)
    except pa.ArrowInvalid:
        return values


def exactly_inferred(values: Values) -> Values:
    """Text of an unknown column as numbers where that loses not a character, else as it is."""
    for kind in (pa.int64(), pa.float64()):
        try:
            numbers = values.cast(kind)
        except pa.ArrowInvalid:
            continue
        if numbers.cast(pa.string()).equals(values):
            return numbers
    return values


def _plain(values: Values) -> Values:
    if pa.types.is_dictionary(values.type):
        return values.cast(values.type.value_type)
    return values


def _text(values: Values, column: Column) -> tuple[Values, list[WrongCell]]:
    kind = values.type
    if pa.types.is_floating(kind):
        values = narrowed(values)
        kind = values.type
    fits = pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if not (fits or pa.types.is_null(kind) or kind == pa.string_view()):
        return values, [_wrong_type(values, column)]
    values = values.cast(pa.string())
    if column.name in _WORDS:
        values = pc.utf8_trim_whitespace(values)
    empty = pc.equal(values, "")
    if pc.any(empty).as_py():
        values = pc.if_else(empty, pa.scalar(None, pa.string()), values)
    return values, []


def _flag(values: Values, column: Column) -> tuple[Values, list[WrongCell]]:
    kind = values.type
    if pa.types.is_boolean(kind):
        return values, []
    if pa.types.is_null(kind):
        return values.cast(pa.bool_()), []
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or _is_text(kind)):
        return values, [_wrong_type(values, column)]
    words = pc.utf8_trim_whitespace(narrowed(values).cast(pa.string()))
    truth = pc.is_in(words, pa.array(_TRUE))
    known = pc.or_(truth, pc.is_in(words, pa.array(_FALSE)))
    blank = pc.or_(pc.is_null(words), pc.equal(words, ""))
    wrong = pc.and_(pc.invert(known), pc.invert(pc.fill_null(blank, True)))
    result = pc.if_else(known, truth, pa.scalar(None, pa.bool_()))
    return result, wrong_cells(values, wrong, column.name, "must be true or false")


def _number(values: Values, column: Column) -> tuple[Values, list[WrongCell]]:
    kind = values.type
    wrong: list[WrongCell] = []
    if _is_text(kind):
        values, wrong = _parsed(values, column)
    elif pa.types.is_null(kind):
        values = values.cast(pa.int64())
    elif pa.types.is_integer(kind):
        if kind == pa.uint64():
            values = values.cast(pa.float64(), safe=False)
        elif kind != pa.int64():
            values = values.cast(pa.int64())
    elif pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        values = values.cast(pa.float64())
    else:
        return values, [_wrong_type(values, column)]
    return narrowed(values), wrong


def _parsed(values: Values, column: Column) -> tuple[Values, list[WrongCell]]:
    words = pc.utf8_trim_whitespace(values.cast(pa.string()))
    words = pc.if_else(pc.equal(words, ""), pa.scalar(None, pa.string()), words)
    good = pc.match_substring_regex(words, _NUMBER)
    wrong = wrong_cells(values, pc.invert(good), column.name, "must be a number, or empty when unknown")
    plain = pc.utf8_ltrim(pc.if_else(good, words, pa.scalar(None, pa.string())), "+")
    return plain.cast(pa.float64()), wrong


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view())


def _wrong_type(values: Values, column: Column) -> WrongCell:
    first = str(values[0].as_py()) if len(values) else None
    return WrongCell(1, column.name, first, f"the column holds {values.type}; it must hold {column.kind}")
