"""A CSV file as a table of cells, contract columns typed, unknown ones passed through."""

from __future__ import annotations

import csv
import io
import re

import pyarrow as pa

from timonier.kit.errors import InputError
from timonier.workload.arrow import pa_csv
from timonier.workload.cells import exactly_inferred
from timonier.workload.columns import arrow_type, column_named


def parse_csv(data: bytes, where: str) -> pa.Table:
    """Cells as read; what is wrong in them is for `check` to say, so a bad cell stays text here."""
    names = header_names(data, where)
    kinds = {name: _first_type(name) for name in names}
    try:
        table = _parse(data, kinds)
    except pa.ArrowInvalid:
        table = _parse_as_text(data, names, where)
    for k, name in enumerate(table.column_names):
        if column_named(name) is None:
            table = table.set_column(k, name, exactly_inferred(table.column(k)))
    return table


def header_names(data: bytes, where: str) -> list[str]:
    """The column names in the first line that is not blank."""
    head = data.lstrip(b"\r\n")
    line = re.split(rb"[\r\n]", head[:1_000_000], maxsplit=1)[0]
    try:
        names = next(csv.reader(io.StringIO(line.decode())), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            "the header is not UTF-8 text", where=f"{where}, line 1", fix="save it as UTF-8"
        ) from error
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise InputError(
            f"the column {twins[0]!r} appears twice", where=where, fix="rename or remove one of them"
        )
    return names


def _first_type(name: str) -> pa.DataType:
    column = column_named(name)
    return arrow_type(column) if column else pa.string()


def _parse(data: bytes, kinds: dict[str, pa.DataType], threads: bool = True) -> pa.Table:
    table: pa.Table = pa_csv.read_csv(
        pa.BufferReader(data),
        read_options=pa_csv.ReadOptions(block_size=1 << 23, use_threads=threads),
        parse_options=pa_csv.ParseOptions(newlines_in_values=b'"' in data),
        convert_options=pa_csv.ConvertOptions(
            column_types=kinds, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=True
        ),
    )
    return table


def _parse_as_text(data: bytes, names: list[str], where: str) -> pa.Table:
    """All cells as text, when some cell does not fit; a crooked table is refused here."""
    try:
        return _parse(data, {name: pa.string() for name in names}, threads=False)  # else errors name no row
    except pa.ArrowInvalid as error:
        said = str(error).splitlines()[0][:200]
        crooked = re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", said)
        if crooked:
            row, expected, got = crooked.groups()
            what = f"line {row} has {got} cells, the header has {expected}"
            raise InputError(
                what, where=f"{where}, line {row}", fix="a comma too many or too few?"
            ) from error
        if "UTF8" in said or "UTF-8" in said:
            raise InputError("the file is not UTF-8 text", where=where, fix="save it as UTF-8") from error
        raise InputError(f"the file is not CSV: {said}", where=where, fix="save it as CSV, UTF-8") from error
