"""Three ways to show a result: a table for people, one JSON value for programs, or nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer


class Output(StrEnum):
    """How a command shows its result."""

    table = "table"
    json = "json"
    quiet = "quiet"


OutputOption = Annotated[Output, typer.Option("--output", help="table for people, json for programs, quiet.")]


def show(output: Output, value: Any, as_text: Callable[[Any], str]) -> None:
    """Print `value` on stdout: as JSON, or as the text that `as_text` makes of it."""
    if output is Output.json:
        print(json.dumps(_plain(value), indent=2, allow_nan=False))
    elif output is Output.table:
        print(as_text(value))


def pairs(rows: list[tuple[str, str]], indent: str = "  ") -> str:
    """Names and values in two columns."""
    width = max((len(name) for name, _ in rows), default=0)
    return "\n".join(f"{indent}{name:<{width}}  {value}" for name, value in rows)


def number(value: float | int | None, unit: str = "") -> str:
    """A number as people read it: thousands apart, four digits after the point when small; - when unknown."""
    if value is None:
        return "-"
    if isinstance(value, int) or (math.isfinite(value) and value == int(value) and abs(value) < 1e15):
        text = f"{int(value):,}"
    else:
        text = f"{value:,.4f}"
    return f"{text} {unit}".rstrip()


def _plain(value: Any) -> Any:
    """The value with what JSON cannot hold (nan, inf) as null."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
