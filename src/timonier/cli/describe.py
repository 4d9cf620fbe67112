"""timonier describe: what is this machine?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from timonier.cli.show import Output, OutputOption, number, pairs, show

if TYPE_CHECKING:
    from timonier.describe.table import Row


def describe(
    machine: Annotated[
        str | None,
        typer.Argument(help="A machine file, a shipped machine, or a number; none: what ships.", metavar="M"),
    ] = None,
    toml: Annotated[
        bool, typer.Option("--toml", help="Print the machine file, with its comments, to edit.")
    ] = False,
    output: OutputOption = Output.table,
) -> None:
    """Show a machine as it was understood: its nodes, GPUs, partitions and totals."""
    from timonier.describe import machine_table, read_machine, shipped_machines

    if machine is None:
        show(output, shipped_machines(), lambda ships: pairs(list(ships.items()), indent=""))
    elif toml:
        show(Output.table, _file_of(machine), lambda text: text.rstrip("\n"))
    else:
        show(output, machine_table(read_machine(machine)), _as_text)


def _file_of(machine: str) -> str:
    """The text of a shipped file as it is, of anything else as it was understood."""
    from timonier.describe import machine_to_toml, read_machine, shipped_file

    known, file = read_machine(machine), shipped_file(machine)
    return machine_to_toml(known) if file is None or Path(machine).exists() else file.read_text("utf-8")


def _as_text(rows: list[Row]) -> str:
    """Columns side by side, numbers to the right; columns that nobody fills are left out."""
    titles = {
        "kind": "", "name": "name", "count": "nodes", "cores": "processors" if _is_counted(rows) else "cores",
        "memory_bytes": "memory", "gpus": "GPUs", "rack": "rack", "nodes": "which",
    }  # fmt: skip
    cells = [[title, *(_cell(key, row[key]) for row in rows)] for key, title in titles.items()]
    columns = [column for column in cells if any(column[1:])]
    padded = [_pad(column) for column in columns]
    return "\n".join("  ".join(line).rstrip() for line in zip(*padded, strict=True))


def _is_counted(rows: list[Row]) -> bool:
    return rows[0]["kind"] == "machine"


def _cell(key: str, value: str | float | None) -> str:
    if value is None:
        return ""
    if key == "memory_bytes":
        return _memory(float(value))
    return value if isinstance(value, str) else number(value)


def _memory(size: float) -> str:
    """Bytes in the largest binary unit of which there is one."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.4g} {unit}"
        size /= 1024
    return f"{size:,.4g} TiB"


def _pad(column: list[str]) -> list[str]:
    width = max(len(cell) for cell in column)
    is_number = all(cell[:1].isdigit() for cell in column[1:] if cell) and "GPUs" not in column[:1]
    return [cell.rjust(width) if is_number else cell.ljust(width) for cell in column]
