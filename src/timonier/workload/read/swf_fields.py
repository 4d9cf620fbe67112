"""The rows of an SWF log as arrays of numbers, and the exact place of whatever is wrong in them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonier.kit.errors import InputError
from timonier.workload.arrow import pa_csv

FIELDS = (
    "job number", "submit time", "wait time", "run time", "processors", "cpu time", "used memory",
    "requested processors", "requested time", "requested memory", "status", "user", "group",
    "executable", "queue", "partition", "preceding job", "think time",
)  # fmt: skip
# MetaCentrum adds the run times of the predecessors, the queue's name and the node specification.
EXTENDED = (*FIELDS, "predecessor run times", "queue name", "node specification")
_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_LARGEST = 2.0**53
_BLANK, _NEWLINE = 32, 10
_UNTIDY = (b"  ", b"\n ", b" \n", b"\t", b"\r", b"\f", b"\x1a")
_BLANKS = bytes.maketrans(b"\t\r\f\x1a", b"    ")  # \x1a ends files of old systems


def parse_fields(data: bytes, where: str) -> pa.Table:
    """All rows of a log as a table with columns "1".."18": float64[J]; "20" and "21": text[J].

    data: the text of the log, header and all.  A damaged log gives one InputError with line and field.
    """
    width = _width(data, where)
    try:
        table = _parse(_collapsed(data), width)
    except pa.ArrowInvalid as error:
        raise _explained(data, where, width) from error
    numbers = np.stack([table.column(str(k)).to_numpy() for k in range(1, 19)])
    if not (np.abs(numbers) <= _LARGEST).all():  # nan fails as well
        raise _explained(data, where, width)
    return table


def line_numbers(data: bytes, rows: NDArray[np.int64]) -> list[int]:
    """The line in the file of each of a few rows, counted from 1."""
    wanted = set(rows.tolist())
    return [line for row, (line, _) in enumerate(_data_lines(data)) if row in wanted]


def _data_lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(re.split(rb"\r?\n", data), start=1):
        text = line.strip()
        if text and not text.startswith(b";"):
            yield number, text


def _width(data: bytes, where: str) -> int:
    """18 or 21 fields, as the first row says."""
    first = next(_data_lines(data[:65536]), None)
    first = first or next(_data_lines(data), None)
    if first is None:
        raise InputError("the log has a header but no job", where=where, fix="give a log with jobs")
    count = len(first[1].split())
    if count not in (len(FIELDS), len(EXTENDED)):
        raise _wrong_count(count, first[0], where, len(FIELDS))
    return count


def _collapsed(data: bytes) -> pa.Buffer:
    """The rows with one blank between fields and none at the ends, comments gone."""
    body = _without_comments(data)
    if _is_tidy(body):
        return pa.py_buffer(body)
    text = np.frombuffer(body.translate(_BLANKS), dtype=np.uint8)
    blank = text == _BLANK
    edge = blank | (text == _NEWLINE)
    keep = ~blank
    keep[1:] |= ~edge[:-1]  # of several blanks the first stays, unless a line begins with it
    tight = text[keep]
    keep = tight != _BLANK
    keep[:-1] |= tight[1:] != _NEWLINE  # a blank before the end of a line goes as well
    return pa.py_buffer(tight[keep])


def _is_tidy(body: bytes) -> bool:
    """Nothing to collapse, as in the logs that programs write."""
    return not body.startswith(b" ") and not body.endswith(b" ") and not any(mark in body for mark in _UNTIDY)


def _without_comments(data: bytes) -> bytes:
    start = 0
    for match in re.finditer(rb"[ \t\r]*(;[^\n]*)?(\n|$)", data):
        if match.start() != start or match.start() == match.end():
            break
        start = match.end()
    body = data[start:]
    if b";" not in body:
        return body
    return b"\n".join(line for line in body.split(b"\n") if not line.lstrip().startswith(b";"))


def _parse(text: pa.Buffer, width: int) -> pa.Table:
    names = [str(k) for k in range(1, width + 1)]
    kinds = {name: pa.float64() if int(name) <= len(FIELDS) else pa.string() for name in names}
    wanted = [name for name in names if name != "19"]
    table: pa.Table = pa_csv.read_csv(
        pa.BufferReader(text),
        read_options=pa_csv.ReadOptions(column_names=names, block_size=1 << 22),
        parse_options=pa_csv.ParseOptions(delimiter=" ", quote_char=False),
        convert_options=pa_csv.ConvertOptions(column_types=kinds, include_columns=wanted, null_values=[]),
    )
    return table


def _explained(data: bytes, where: str, width: int) -> InputError:
    """The first thing that is wrong, with its line and field."""
    names = FIELDS if width == len(FIELDS) else EXTENDED
    for line, text in _data_lines(data):
        cells = text.split()
        if len(cells) != width:
            return _wrong_count(len(cells), line, where, width)
        for k, cell in enumerate(cells[: len(FIELDS)]):
            if not _NUMBER.fullmatch(cell) or abs(float(cell)) > _LARGEST:
                return _no_number(cell, line, k, names[k], where)
    return InputError(
        "the log cannot be read as SWF", where=where, fix="see the SWF definition, 18 fields a line"
    )


def _wrong_count(count: int, line: int, where: str, width: int) -> InputError:
    return InputError(
        f"line {line} has {count} fields; an SWF line has {width}",
        where=f"{where}, line {line}",
        fix="fill unknown fields with -1, or remove the line",
    )


def _no_number(cell: bytes, line: int, k: int, name: str, where: str) -> InputError:
    shown = cell[:40].decode("latin-1")
    large = _NUMBER.fullmatch(cell) is not None
    what = "is too large" if large else "is not a number"
    return InputError(
        f"field {k + 1} ({name}) {what}: {shown!r}",
        where=f"{where}, line {line}, field {k + 1}",
        fix="write a number, or -1 for unknown",
    )
