"""Is this a job table? Every rule of the contract, every wrong cell at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonier.kit.errors import InputError, nearest
from timonier.workload.arrow import Values, pc
from timonier.workload.cells import LARGEST, WrongCell, canonical, wrong_cells
from timonier.workload.columns import Column, column_named, known_columns, required_columns

_CLAUSE = r"(afterok|afterany|afternotok)(:[^:,?+\s]+)+"
_DEPENDENCY = rf"^{_CLAUSE}(,{_CLAUSE})*$"
_NOT_MODELLED = {
    r"\?": "`?` (any one of them) is not modelled; `,` means all of them",
    r"\+": "`+` (minutes after a start) is not modelled; think_s delays after an end",
    r"(^|,)after:": "`after` (a start) is not modelled; afterok, afterany and afternotok are",
}
# a sign between two words: one with nothing beside it asks for a word that is not there
_LONELY = {
    "gpu_types": (r"^[|>]|[|>]$|[|>]\s*[|>]", "a type is missing beside `|` or `>`; write A|B or A>B"),
    "features": (r"^[|&]|[|&]$|[|&]\s*[|&]", "a word is missing beside `&` or `|`; write a&b or a|b"),
}
_CHOICES = {"within": ["node", "switch", "rack"], "state": ["pending", "running"]}
_MAY_BE_INFINITE = ("runtime_s", "reserved_s")
_UNKNOWN = "leave it empty when unknown"


def checked(table: pa.Table, where: str, is_state: bool = False) -> pa.Table:
    """The table with every contract column in its contract type; InputError with up to ten wrong cells.

    is_state: of a state file, which has columns of its own.  Nothing is dropped and no row moves. Unknown columns pass through.
    """
    _refuse_names(table, where)
    wrong: list[WrongCell] = []
    for k, name in enumerate(table.column_names):
        column = column_named(name, is_state)
        if column is None:
            continue
        values, bad = canonical(table.column(k), column)
        bad = bad or list(_broken(values, column))
        wrong.extend(bad)
        if not bad:
            table = table.set_column(k, pa.field(name, values.type), values)
    if wrong:
        raise _wrong_table(wrong, where)
    return table


def _refuse_names(table: pa.Table, where: str) -> None:
    names = table.column_names
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise InputError(
            f"the column {twins[0]!r} appears twice", where=where, fix="rename or remove one of them"
        )
    for name in required_columns():
        if name not in names:
            raise InputError(
                f"the column {name!r} is missing: {known_columns()[name].meaning}",
                where=where,
                fix=f"rename or add it; {_nearest_present(name, names)}",
            )


def _nearest_present(name: str, names: list[str]) -> str:
    return nearest(name, names[:40]).replace("known:", "present:") if names else "the table has no columns"


def _broken(values: Values, column: Column) -> Iterator[WrongCell]:
    """Cells that have the right type and a wrong value."""
    if column.name == "job_id":
        yield from _broken_names(values)
    elif column.need == "required" and values.null_count and column.name != "runtime_s":
        yield from wrong_cells(values, pc.is_null(values), column.name, "must not be empty")
    if column.name in _CHOICES:
        known = _CHOICES[column.name]
        wrong = pc.and_(pc.invert(pc.is_in(values, pa.array(known))), pc.is_valid(values))
        yield from wrong_cells(values, wrong, column.name, f"must be one of {', '.join(known)}")
    if column.name in _LONELY:
        pattern, rule = _LONELY[column.name]
        yield from wrong_cells(values, pc.match_substring_regex(values, pattern), column.name, rule)
    if column.name == "dependency" and values.null_count < len(values):
        yield from _broken_dependencies(values)
    if column.kind in ("number", "integer", "bytes"):
        yield from _broken_numbers(values, column)


def _broken_dependencies(values: Values) -> Iterator[WrongCell]:
    """What Slurm allows and is not modelled is told by name."""
    wrong = pc.invert(pc.match_substring_regex(values, _DEPENDENCY))
    for pattern, rule in _NOT_MODELLED.items():
        here = pc.and_(wrong, pc.match_substring_regex(values, pattern))
        yield from wrong_cells(values, here, "dependency", rule)
        wrong = pc.and_(wrong, pc.invert(here))
    yield from wrong_cells(values, wrong, "dependency", "must look like afterok:17:18,afterany:19")


def _broken_numbers(values: Values, column: Column) -> Iterator[WrongCell]:
    if not len(values) or _plainly_fine(values, column):
        return
    cells = np.asarray(values.to_numpy())
    present = np.asarray(pc.is_valid(values).to_numpy())
    for wrong, rule in _number_rules(cells, column):
        if (wrong & present).any():
            yield from wrong_cells(values, pa.array(wrong & present), column.name, rule)
            return


def _plainly_fine(values: Values, column: Column) -> bool:
    """Whole numbers need only their smallest and largest looked at."""
    if not pa.types.is_integer(values.type):
        return False
    edges = pc.min_max(values)
    low, high = edges["min"].as_py(), edges["max"].as_py()
    lowest = -LARGEST if column.lowest is None else column.lowest
    highest = LARGEST if column.highest is None else column.highest
    return low is None or (low >= lowest and high <= highest)


def _number_rules(cells: NDArray[Any], column: Column) -> Iterator[tuple[NDArray[np.bool_], str]]:
    """Each rule as (where it is broken: bool[J], what it asks for)."""
    yield np.isnan(cells), f"is not a number; {_UNKNOWN}"
    if column.name not in _MAY_BE_INFINITE:
        yield np.isinf(cells), f"must be finite; {_UNKNOWN}"
    if column.lowest is not None:
        yield cells < column.lowest, f"must be at least {column.lowest:g}; {_UNKNOWN}"
    if column.highest is not None:
        yield cells > column.highest, f"must be at most {column.highest:,.0f}"
    yield np.isfinite(cells) & (np.abs(cells) > LARGEST), "is beyond 2^53"
    if column.kind in ("integer", "bytes"):
        yield cells != np.floor(cells), "must be a whole number"
    special = _SPECIAL.get(column.name)
    if special:
        yield special[0](cells), special[1]


def _not_thousandths(cells: NDArray[Any]) -> NDArray[np.bool_]:
    scaled = cells * 1000.0
    return np.asarray(np.abs(scaled - np.rint(scaled)) > 1e-9 * np.maximum(1.0, np.abs(scaled)))


def _no_gpu_share(cells: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray(((cells > 1) & (cells != np.floor(cells))) | _not_thousandths(cells))


_SPECIAL: dict[str, tuple[Callable[[NDArray[Any]], NDArray[np.bool_]], str]] = {
    "cores": (_not_thousandths, "must have at most three decimals"),
    "gpus": (_no_gpu_share, "must be whole GPUs, or one share below 1 with at most three decimals"),
}


def _broken_names(values: Values) -> Iterator[WrongCell]:
    if values.null_count:
        yield from wrong_cells(values, pc.is_null(values), "job_id", "must not be empty")
    if _all_different(values):
        return
    counts = pc.value_counts(values.drop_null())
    twins = pc.struct_field(counts, "values").filter(pc.greater(pc.struct_field(counts, "counts"), 1))
    yield from wrong_cells(values, pc.is_in(values, twins), "job_id", "appears more than once")


def _all_different(values: Values) -> bool:
    """Numbers are sorted rather than hashed: a hash table of ten million texts costs a gigabyte."""
    try:
        numbers = np.asarray(values.drop_null().cast(pa.int64()).to_numpy())
    except pa.ArrowInvalid:
        return bool(pc.count_distinct(values).as_py() == len(values) - values.null_count)
    steps = np.diff(numbers)
    if (steps > 0).all():
        return True
    return bool((np.diff(np.sort(numbers)) > 0).all()) or bool(
        pc.count_distinct(values).as_py() == len(values) - values.null_count
    )


def _wrong_table(wrong: list[WrongCell], where: str) -> InputError:
    named = [cell for cell in wrong if cell.row][:10]
    lines = "\n".join(f"  {cell}" for cell in named)
    more = len(wrong) - len(named)
    rest = f"\n  ... and {more} more" if more else ""
    cells = "1 cell is" if len(wrong) == 1 else f"{len(wrong)} cells are"
    return InputError(
        f"{cells} wrong in the job table (rows counted from 1, the header not counted):\n{lines}{rest}",
        where=where,
        fix="correct these cells; docs/reference/job-table.md says what each column means",
    )
