"""timonier check: does a run keep what it promises?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from timonier.cli.show import Output, OutputOption, show


def check(
    run: Annotated[Path, typer.Argument(help="A run folder, as `simulate -o FOLDER` writes it.")],
    output: OutputOption = Output.table,
) -> None:
    """Check a run by an independent validator: capacity, order of events, promises, metrics."""
    from timonier.simulate.check import check_run

    broken = check_run(run)
    show(output, {"run": str(run), "broken": broken}, as_text)
    if broken:
        raise typer.Exit(1)


def as_text(found: dict[str, Any]) -> str:
    """Every broken promise on a line, or that there is none."""
    if not found["broken"]:
        return f"{found['run']}: every promise kept"
    return "\n".join(found["broken"])
