"""timonier describe: what is this machine?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from timonier.cli.described import as_text
from timonier.cli.inputs import tell_doubts
from timonier.cli.show import Output, OutputOption, pairs, show
from timonier.kit.errors import InputError

if TYPE_CHECKING:
    from timonier.describe import Machine
    from timonier.describe.table import Row

SHOW = "machine"  # the command that is meant where none is named


class _Describe(TyperGroup):
    """`describe M` means `describe machine M`; a file named merge is ./merge."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [SHOW, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_Describe, no_args_is_help=True, help="Describe machines: this one, a file's, what the makers say."
)
PictureOption = Annotated[
    Path | None, typer.Option("--picture", help="Draw it as SVG: one node inside, or many nodes in racks.")
]
NodeOption = Annotated[str | None, typer.Option("--node", help="Draw the inside of this node.")]


@app.command(SHOW)
def describe(
    machine: Annotated[
        str | None,
        typer.Argument(
            help="A machine file or one that ships, a number of processors, XML of hwloc or NCCL, the text of "
            "nvidia-smi topo -m.",
            metavar="[M]",
        ),
    ] = None,
    source: Annotated[
        str | None, typer.Option("--from", help="here: this machine; else a file, as in place of M.")
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", help="Write it as a machine file.")] = None,
    picture: PictureOption = None,
    node: NodeOption = None,
    toml: Annotated[
        bool, typer.Option("--toml", help="Print the machine file, with its comments, to edit.")
    ] = False,
    measured: Annotated[
        Path | None, typer.Option("--measured", help="Show a folder of measurements beside the catalogue.")
    ] = None,
    output: OutputOption = Output.table,
) -> None:
    """Show a machine as it was understood: nodes, packages, memory, devices, links, and what is not known."""
    from timonier.describe import machine_table, write_machine

    if toml:
        show(Output.table, _file_of(machine, source), lambda text: text.rstrip("\n"))
        return
    known = _machine(machine, source)
    if out is not None:
        write_machine(known, out)
    if picture is not None:
        _draw(known, picture, node)
    show(output, machine_table(known) + _beside(known, measured), as_text)
    tell_doubts(known)
    if source == "here" and out is None:
        print(
            "note: keep it as a machine file: timonier describe --from here -o machine.toml", file=sys.stderr
        )


def _file_of(machine: str | None, source: str | None) -> str:
    """The text of a shipped file as it is, of anything else as it was understood."""
    from timonier.describe import machine_to_toml, shipped_file

    known = _machine(machine, source)
    file = None if machine is None or Path(machine).exists() else shipped_file(machine)
    return machine_to_toml(known) if file is None else file.read_text("utf-8")


@app.command("ships")
def ships(output: OutputOption = Output.table) -> None:
    """The machines that ship, by name: --machine takes them, describe NAME --toml prints one to edit."""
    from timonier.describe import shipped_machines

    show(output, shipped_machines(), lambda known: pairs(list(known.items()), indent=""))


@app.command("merge")
def merge(
    files: Annotated[list[str], typer.Argument(help="Descriptions of any known kind.", metavar="A B...")],
    out: Annotated[Path, typer.Option("-o", help="The machine file to write.")],
    name: Annotated[str | None, typer.Option("--name", help="Of the machine; else the file's name.")] = None,
    output: OutputOption = Output.table,
) -> None:
    """Put several descriptions together: all nodes, racks, switches and partitions as one machine."""
    from timonier.describe import machine_table, merge_machines, write_machine
    from timonier.describe.discover.file import read_any

    if len(files) < 2:
        raise InputError("there is nothing to merge", where="describe merge", fix="name two files or more")
    merged = merge_machines([(path, read_any(path)) for path in files], name or out.stem)
    write_machine(merged, out)
    show(output, machine_table(merged), as_text)


@app.command("template")
def template(
    out: Annotated[Path | None, typer.Option("-o", help="Write it there; else it is printed.")] = None,
) -> None:
    """A machine file with comments, to fill in."""
    from timonier.describe import machine_template
    from timonier.kit.files import write_text

    if out is None:
        show(Output.table, machine_template(), str.rstrip)
    else:
        write_text(out, machine_template())


@app.command("catalogue")
def show_catalogue(
    name: Annotated[
        str | None, typer.Argument(help="A type, by any name that it has.", metavar="[NAME]")
    ] = None,
    output: OutputOption = Output.table,
) -> None:
    """What makers say of their processors and GPUs: one with all its figures and their sources, or all."""
    from timonier.describe import find_type, known_types, type_details, type_row

    if name is None:
        show(output, [type_row(one) for one in known_types().values()], as_text)
    else:
        show(output, type_details(find_type(name)), _details)


def _details(values: dict[str, Any]) -> str:
    """One figure a line; those that are blank are said to be."""
    known = [
        (key, f"{value:.10g}" if isinstance(value, float) else str(value))
        for key, value in values.items()
        if value
    ]
    blank = ", ".join(key for key, value in values.items() if value in (None, ""))
    return pairs([*known, ("not given", blank)] if blank else known, indent="")


def _machine(machine: str | None, source: str | None) -> Machine:
    """What the words name: this machine, a machine file, or another program's file."""
    from timonier.describe.discover.file import read_any
    from timonier.describe.discover.found import machine_of
    from timonier.describe.discover.here import find_here

    if (machine is None) == (source is None):
        fix = "timonier describe machine.toml, or timonier describe --from here"
        raise InputError("name one machine, or --from here", where="describe", fix=fix)
    return machine_of(find_here()) if source == "here" else read_any(machine or source or "")


def _beside(machine: Machine, folder: Path | None) -> list[Row]:
    """What was measured, beside what the catalogue says."""
    if folder is None:
        return []
    from timonier.describe import Figure, measured_rows
    from timonier.measure import read_store

    found = [
        Figure(one.node, one.name, one.label, one.unit, one.value, one.low, one.high, one.state, one.reason)
        for one in read_store(folder)
    ]
    return measured_rows(machine, found)


def _draw(machine: Machine, path: Path, node: str | None) -> None:
    """Write the picture: the inside of one node, or many nodes in their racks."""
    from timonier.kit.errors import nearest
    from timonier.kit.files import write_text
    from timonier.publish.picture import draw_inside, draw_racks

    if machine.is_counted:
        fix = "draw a machine file with [[node]]"
        raise InputError("a counted machine has nothing inside to draw", where="--picture", fix=fix)
    names = [name for group in machine.nodes for name in group.names]
    if node is not None and node not in names:
        raise InputError(f"there is no node {node!r}", where="--node", fix=nearest(node, names[:1000]))
    if node is None and len(names) > 1:
        write_text(path, draw_racks(machine))
    else:
        write_text(path, draw_inside(machine, node or names[0]))
