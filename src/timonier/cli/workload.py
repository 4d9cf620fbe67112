"""`timonier workload`: look at a workload, convert it, make one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from timonier.cli.show import Output, OutputOption
from timonier.cli.show import show as tell

if TYPE_CHECKING:
    from timonier.describe import Machine
    from timonier.workload import Jobs

app = typer.Typer(help="Look at a workload, convert it, make one.", no_args_is_help=True)


MachineOption = Annotated[
    str | None,
    typer.Option("--machine", "-m", help="A number of processors or a machine file.", metavar="N|FILE"),
]


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="SWF, CSV, Parquet, Philly or openb.", metavar="FILE")],
    machine: MachineOption = None,
    output: OutputOption = Output.table,
    now: Annotated[float | None, typer.Option("--now", help="Instant of a state in CSV, s.")] = None,
) -> None:
    """What was kept, dropped and why; load, sizes, run times, arrivals, users, estimates."""
    from dataclasses import asdict

    from timonier.workload.page import render_page
    from timonier.workload.read.workload import read_workload
    from timonier.workload.summary import summarise

    nodes = _with_nodes(machine)
    jobs = read_workload(file, now=now)
    summary = summarise(jobs, machine=nodes) if nodes else summarise(jobs, _processors(machine))
    tell(output, asdict(summary), lambda _: render_page(summary))


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="Any workload.", metavar="IN")],
    target: Annotated[Path, typer.Argument(help=".csv, .parquet, .swf or .swf.gz", metavar="OUT")],
    output: OutputOption = Output.table,
    now: Annotated[float | None, typer.Option("--now", help="Instant of a state in CSV, s.")] = None,
    usage: Annotated[Path | None, typer.Option("--usage", help="Its usage: account, user, usage.")] = None,
) -> None:
    """Write a workload in another format; what the format cannot hold is counted on stderr."""
    from timonier.workload.read.workload import read_workload
    from timonier.workload.write.table import write_table

    if source.resolve() == target.resolve():
        from timonier.kit.errors import InputError

        raise InputError("this would overwrite its own input", where=str(target), fix="name another file")
    jobs = read_workload(source, now=now, usage=usage)
    losses = write_table(jobs, target)
    _say_losses(losses, target)
    _say_written(jobs, target, output, {"lost": losses})


@app.command()
def make(
    model: Annotated[
        str,
        typer.Argument(
            help="lublin, lab, openb-like, philly-like, lublin-batch, lublin-interactive, lublin-both, lublin-whole"
        ),
    ],
    target: Annotated[Path, typer.Option("-o", help=".csv, .parquet, .swf or .swf.gz", metavar="FILE")],
    jobs: Annotated[int, typer.Option("--jobs", help="How many.")] = 10_000,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same bytes.")] = 0,
    machine: MachineOption = "128",
    load: Annotated[float | None, typer.Option("--load", help="Offered load on the machine, to 1 %.")] = None,
    days: Annotated[float | None, typer.Option("--days", help="Span of the arrivals instead.")] = None,
    shapes: Annotated[
        Path | None,
        typer.Option("--shapes", help="openb-like: a pod list, philly-like: its trace, to draw jobs from."),
    ] = None,
    output: OutputOption = Output.table,
) -> None:
    """Make a workload from a model: seeded, with the offered load that you ask for."""
    from timonier.workload.make.workload import GPU_MODELS, make_workload
    from timonier.workload.read.workload import read_workload
    from timonier.workload.write.table import write_table

    gpus = _gpus(machine) if model in GPU_MODELS else 0
    processors = 1 if gpus else _processors(machine) or 128
    sample = None if shapes is None else read_workload(shapes)
    made = make_workload(
        model, jobs, seed=seed, processors=processors, load=load, days=days, gpus=gpus, sample=sample
    )
    losses = write_table(made, target)
    _say_losses(losses, target)
    _say_written(made, target, output, _got(made, processors, gpus) | {"lost": losses})


def _got(made: Jobs, processors: int, gpus: int) -> dict[str, Any]:
    """The load that was reached: of the GPUs where the model is of GPUs."""
    from timonier.workload.make.gpu import gpu_work
    from timonier.workload.make.load import offered_load
    from timonier.workload.summary import summarise

    summary = summarise(made)
    if not gpus:
        return {"offered_load": summary.offered_load, "span_s": summary.span_s, "processors": processors}
    load = offered_load(made.numbers("submit_s", 0), gpu_work(made), gpus)
    longest_s = int(made.numbers("runtime_s", 0).max())
    if (summary.span_s or 0) < longest_s:
        told = f"all jobs come within {summary.span_s or 0:,.0f} s, the longest runs {longest_s:,} s"
        print(f"{told}: they are over before the machine fills; make more with --jobs", file=sys.stderr)
    return {"offered_load": load, "span_s": summary.span_s, "gpus": gpus}


def _gpus(machine: str | None) -> int:
    """The GPUs of --machine."""
    from timonier import describe
    from timonier.kit.errors import InputError

    known = None if machine is None else describe.read_machine(machine)
    if known is None or not known.total_gpus:
        fix = "name one with GPUs: --machine openb, --machine school-lab or a file"
        raise InputError(
            "this model needs a machine with GPUs", where=f"--machine {machine or ''}".rstrip(), fix=fix
        )
    return known.total_gpus


def _with_nodes(machine: str | None) -> Machine | None:
    """The machine, if it has nodes."""
    from timonier import describe

    known = None if machine is None or machine.isdecimal() else describe.read_machine(machine)
    return None if known is None or known.is_counted else known


def _processors(machine: str | None) -> int | None:
    """The processors of --machine: a number, or what a machine file says."""
    from timonier.kit.errors import InputError

    if machine is None:
        return None
    if machine.isdecimal() and 0 < len(machine) < 16 and int(machine) > 0:
        return int(machine)
    from timonier import describe

    processors: int | None = describe.read_machine(machine).processors
    if processors is None:
        raise InputError("this machine has nodes, not processors", where=machine, fix="give --machine N")
    return processors


def _say_losses(losses: dict[str, int], target: Path) -> None:
    for fact, rows in losses.items():
        print(f"{target.name} cannot hold: {fact}, {rows:,} rows", file=sys.stderr)


def _say_written(jobs: Jobs, target: Path, output: Output, more: dict[str, Any]) -> None:
    """What was written, and what was left out on the way."""
    dropped = {reason: rows for reason, rows in jobs.cleaning.dropped.items() if rows}
    load = more.get("offered_load")
    on = f"{more['gpus']:,} GPUs" if "gpus" in more else f"{more.get('processors') or 0:,} processors"
    told = f", offered load {load:.4f} on {on}" if load is not None else ""
    left = "".join(f"; dropped {rows:,} {reason}" for reason, rows in dropped.items())
    value = {"file": str(target), "jobs": len(jobs), "dropped": dropped} | more
    tell(output, value, lambda _: f"{target}: {len(jobs):,} jobs{told}{left}")
