"""Three ways to show a result: a table for people, one JSON value for programs, or nothing."""

from __future__ import annotations

import errno
import json
import math
import os
import sys
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from timonier.kit.errors import MachineFailure


class Output(StrEnum):
    """How a command shows its result."""

    table = "table"
    json = "json"
    quiet = "quiet"


OutputOption = Annotated[Output, typer.Option("--output", help="table for people, json for programs, quiet.")]


def show(output: Output, value: Any, as_text: Callable[[Any], str]) -> None:
    """Print `value` on stdout: as JSON, or as the text that `as_text` makes of it.

    Raises MachineFailure where stdout is a file on a full disk.  A reader that has gone ends us quietly.
    """
    if output is Output.quiet:
        return
    text = json.dumps(_plain(value), indent=2, allow_nan=False) if output is Output.json else as_text(value)
    try:
        print(text, flush=True)
    except OSError as error:
        # what is still in the buffer cannot be written either: Python must not try again on its way out
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno == errno.EPIPE:
            raise typer.Exit(1) from error
        fix = "free some space, or send the output elsewhere"
        what = f"cannot write the result: {error.strerror or error}"
        raise MachineFailure(what, where="standard output", fix=fix) from error


def pairs(rows: list[tuple[str, str]], indent: str = "  ") -> str:
    """Names and values in two columns."""
    width = max((len(name) for name, _ in rows), default=0)
    return "\n".join(f"{indent}{name:<{width}}  {value}" for name, value in rows)


def number(value: float | None, unit: str = "") -> str:
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
