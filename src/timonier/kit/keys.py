"""Files checked by a table: one CSV row a key says type, default, allowed words, unit and meaning.

`policy/knobs.csv` and `describe/keys.csv` are such tables.
The same rows drive checking, the messages and the reference pages, so that a new key is a new row.
Every wrong entry of a file is found before one error names them all.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import isnan
from typing import Any

from timonier.kit.errors import InputError, nearest
from timonier.kit.units import parse_bytes, parse_bytes_per_s, parse_seconds, parse_watts

Section = Mapping[str, "Key"]
Keys = Mapping[str, Section]

# Later engines bring these; they are known by name so that nobody's file is read as if they were not there.
LATER = "is known, but this version does not simulate it yet"


@dataclass(frozen=True, slots=True)
class Key:
    """One row of a table of keys.

    section: dotted path of the table it stands in, "" for the top.  kind: see `_READERS`.
    allowed, allowed_later: words.  least: lowest number.  status: "now" or "later".
    """

    section: str
    name: str
    kind: str
    default: str
    allowed: tuple[str, ...]
    allowed_later: tuple[str, ...]
    least: float | None
    unit: str
    status: str
    meaning: str
    source: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One wrong entry: what, at which path in the file, how to fix it."""

    what: str
    path: str
    fix: str = ""


@dataclass(slots=True)
class Problems:
    """Collects what is wrong in one file."""

    file: str
    found: list[Problem] = field(default_factory=list)

    def add(self, what: str, path: str, fix: str = "") -> None:
        """Note one wrong entry and go on."""
        self.found.append(Problem(what, path, fix))

    def raise_any(self) -> None:
        """Raise one InputError that names every wrong entry, if there is one."""
        if not self.found:
            return
        if len(self.found) == 1:
            only = self.found[0]
            where = ", ".join(part for part in (self.file, only.path) if part)
            raise InputError(only.what, where=where, fix=only.fix)
        lines = [f"{len(self.found)} entries are wrong"]
        for problem in self.found:
            fix = f"; {problem.fix}" if problem.fix else ""
            lines.append(f"  {problem.path or 'file'}: {problem.what}{fix}")
        raise InputError("\n".join(lines), where=self.file, fix="correct each of them")


class _Wrong(Exception):
    """A value does not fit its key; caught where the path is known."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


def read_keys(text: str) -> dict[str, dict[str, Key]]:
    """The table of keys, by section and then by name, in the order of its rows."""
    keys: dict[str, dict[str, Key]] = {}
    for row in csv.DictReader(text.splitlines()):
        key = Key(
            section=row["section"],
            name=row["key"],
            kind=row["type"],
            default=row["default"],
            allowed=_words(row["allowed"]),
            allowed_later=_words(row["allowed_later"]),
            least=float(row["least"]) if row["least"] else None,
            unit=row["unit"],
            status=row["status"],
            meaning=row["meaning"],
            source=row["source"],
        )
        keys.setdefault(key.section, {})[key.name] = key
    return keys


def check_table(
    content: Mapping[str, Any], section: str, keys: Keys, problems: Problems, path: str = ""
) -> dict[str, Any]:
    """The entries of one table, converted; wrong ones are noted in `problems` and left out.

    Times become whole seconds, sizes bytes, tables dicts.  Keys that the file leaves out stay out.
    """
    known = keys.get(section, {})
    checked: dict[str, Any] = {}
    for name, value in content.items():
        here = f"{path}.{name}" if path else name
        key = known.get(name)
        if key is None:
            problems.add(f"unknown key {name!r}", here, nearest(name, known))
        elif key.status == "later":
            problems.add(f"{name!r} {LATER}", here, "take it out")
        elif key.kind in ("table", "tables"):
            checked[name] = _nested(value, key, keys, problems, here)
        else:
            _read_into(checked, value, key, problems, here)
    return checked


def require(content: Mapping[str, Any], names: Iterable[str], problems: Problems, path: str) -> bool:
    """Are all these keys there?  Each missing one is noted."""
    missing = [name for name in names if name not in content]
    for name in missing:
        problems.add(f"{name!r} is missing", path, f"add {name} = ...")
    return not missing


def _nested(value: Any, key: Key, keys: Keys, problems: Problems, path: str) -> Any:
    section = f"{key.section}.{key.name}" if key.section else key.name
    if key.kind == "table":
        if isinstance(value, dict):
            return check_table(value, section, keys, problems, path)
        problems.add(f"{_shown(value)} is not a table", path, f"write [{section}] or {{ ... }}")
        return {}
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        problems.add(f"{_shown(value)} is not a list of tables", path, f"write [[{section}]] or [{{ ... }}]")
        return []
    return [check_table(item, section, keys, problems, f"{path}[{i}]") for i, item in enumerate(value)]


def _read_into(checked: dict[str, Any], value: Any, key: Key, problems: Problems, path: str) -> None:
    try:
        checked[key.name] = _READERS[key.kind](value, key)
    except _Wrong as wrong:
        problems.add(wrong.what, path, wrong.fix)
    except InputError as error:  # from the units
        problems.add(error.what, path, error.fix)


def _read_text(value: Any, _key: Key) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Wrong(f"{_shown(value)} is not a text", 'write it between quotes: "..."')
    return value


def _read_word(value: Any, key: Key) -> str:
    if isinstance(value, str) and value in key.allowed:
        return value
    if isinstance(value, str) and value in key.allowed_later:
        raise _Wrong(f"{value!r} {LATER}", f"choose one of: {', '.join(key.allowed)}")
    raise _Wrong(f"unknown value {_shown(value)}", nearest(str(value), key.allowed))


def _read_words(value: Any, key: Key) -> tuple[str, ...]:
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, list):
        raise _Wrong(f"{_shown(value)} is not a list of words", 'write ["...", "..."]')
    read = _read_word if key.allowed else _read_text
    return tuple(read(word.strip() if isinstance(word, str) else word, key) for word in words)


def _read_integer(value: Any, key: Key) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _Wrong(f"{_shown(value)} is not a whole number", "write digits, without quotes")
    _check_range(value, key)
    return value


def _read_number(value: Any, key: Key) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or isnan(value):
        raise _Wrong(f"{_shown(value)} is not a number", "write digits, without quotes")
    _check_range(value, key)
    return float(value)


def _read_flag(value: Any, _key: Key) -> bool:
    if not isinstance(value, bool):
        raise _Wrong(f"{_shown(value)} is neither true nor false", "write true or false, without quotes")
    return value


def _read_seconds(value: Any, key: Key) -> int:
    seconds = parse_seconds(_quantity(value), "")
    if seconds != seconds // 1:
        raise _Wrong(f"{_shown(value)} is not a whole number of seconds", "the clock counts whole seconds")
    _check_range(seconds, key)
    return int(seconds)


def _read_word_or_seconds(value: Any, key: Key) -> str | int:
    if isinstance(value, str) and (value in key.allowed or not any(letter.isdigit() for letter in value)):
        return _read_word(value, key)
    return _read_seconds(value, key)


def _read_bytes(value: Any, key: Key) -> int:
    size = parse_bytes(_quantity(value), "")
    _check_range(size, key)
    return size


def _read_rate(value: Any, key: Key) -> int:
    rate = parse_bytes_per_s(_quantity(value), "")
    _check_range(rate, key)
    return round(rate)


def _read_watts(value: Any, key: Key) -> float:
    watts = parse_watts(_quantity(value), "")
    _check_range(watts, key)
    return watts


def _read_counts(value: Any, key: Key) -> dict[str, int]:
    """A table of names to whole numbers, such as { ansys = 20 }."""
    if not isinstance(value, dict):
        raise _Wrong(f"{_shown(value)} is not a table", "write { name = 20 }")
    return {name: _read_integer(count, key) for name, count in value.items()}


def _read_points(value: Any, _key: Key) -> tuple[tuple[int, int], ...]:
    """A broken line such as [[0, 0], [50, 3], [100, 10]]."""
    points = value if isinstance(value, list) else []
    fine = bool(points) and all(
        isinstance(point, list)
        and len(point) == 2
        and all(isinstance(number, int) and not isinstance(number, bool) and number >= 0 for number in point)
        for point in points
    )
    if not fine or any(a[0] >= b[0] for a, b in pairwise(points)):
        raise _Wrong(f"{_shown(value)} is not a line from low to high", "write [[0, 0], [50, 3], [100, 10]]")
    return tuple((point[0], point[1]) for point in points)


def _read_texts(value: Any, key: Key) -> dict[str, str]:
    """A table of names to texts."""
    if not isinstance(value, dict):
        raise _Wrong(f"{_shown(value)} is not a table", 'write { name = "..." }')
    return {name: _read_text(text, key) for name, text in value.items()}


def _quantity(value: Any) -> str | int | float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _Wrong(f"{_shown(value)} is not a quantity", 'write a number, or a text with its unit: "30s"')
    if isinstance(value, float) and not abs(value) < 2**62:
        raise _Wrong(f"{_shown(value)} is not finite", "write a finite number")
    return value


def _check_range(value: float, key: Key) -> None:
    if key.least is not None and value < key.least:
        raise _Wrong(f"{value:g} is below {key.least:g}", f"{key.name} is at least {key.least:g}")
    if value >= 2**63:
        raise _Wrong("the number is too large", "it must fit into 63 bits")


def _words(cell: str) -> tuple[str, ...]:
    return tuple(cell.split("|")) if cell else ()


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


_READERS: Mapping[str, Callable[[Any, Key], Any]] = {
    "text": _read_text,
    "word": _read_word,
    "words": _read_words,
    "integer": _read_integer,
    "number": _read_number,
    "flag": _read_flag,
    "seconds": _read_seconds,
    "word or seconds": _read_word_or_seconds,
    "bytes": _read_bytes,
    "rate": _read_rate,
    "watts": _read_watts,
    "counts": _read_counts,
    "points": _read_points,
    "texts": _read_texts,
}
