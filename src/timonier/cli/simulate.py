"""timonier simulate: replay a workload, or go on from a state."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from timonier.cli import inputs as given
from timonier.cli.progress import Bar, tell
from timonier.cli.show import Output, OutputOption, number, pairs, show
from timonier.kit.files import reading


def simulate(
    log: Annotated[
        Path, typer.Argument(help="A workload (SWF, CSV, Parquet, Philly, openb) or a state file.")
    ],
    machine: given.MachineOption = None,
    profile: given.ProfileOption = "easy",
    exact: given.ExactOption = False,
    setting: given.SetOption = None,
    seed: Annotated[
        int, typer.Option(help="Seed of everything random (nothing is on a counted machine).")
    ] = 0,
    until: Annotated[float | None, typer.Option(help="Stop after this instant, s.")] = None,
    save_state: Annotated[
        Path | None, typer.Option("--save-state", help="Write all jobs that have not ended, to go on from.")
    ] = None,
    warmup: Annotated[
        float, typer.Option(min=0.0, max=0.99, help="Share of first jobs left out of metrics.")
    ] = 0.0,
    now: given.NowOption = None,
    usage: given.UsageOption = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", help="x.csv or x.parquet: the run table; x.swf: a log; else a folder."),
    ] = None,
    output: OutputOption = Output.table,
) -> None:
    """Replay a workload on a machine under a scheduler, and say how the jobs fared."""
    from timonier import simulate as engine
    from timonier.cli.summary import summarise
    from timonier.simulate.folder import check_names, is_folder
    from timonier.workload import write_table

    check_names(log, out, save_state, usage)
    asked = given.read_inputs(log, machine, profile, exact, setting, now, usage)
    given.check_until(until, asked.jobs)
    if save_state is not None:
        from timonier.simulate.state_file import refuse_to_save

        refuse_to_save(asked.jobs, save_state)
    with Bar("simulating", output is Output.quiet) as bar:
        run = engine.simulate(
            asked.jobs, asked.machine, asked.profile, seed=seed, until_s=until, progress=bar, tell=tell
        )
    summary = summarise(run, warmup)
    if save_state is not None:
        losses = write_table(engine.state_of(run, run.last_s if until is None else until), save_state)
        _say_losses(losses, save_state)
    if out is not None:
        manifest = _asked(log, asked, seed, warmup) if is_folder(out) else {}
        _say_losses(engine.write_run(run, out, summary, manifest), out)
    show(output, summary, as_text)


def _say_losses(losses: dict[str, int], path: Path) -> None:
    for fact, rows in losses.items():
        tell(f"{path.name} cannot hold: {fact}, {rows:,} rows")


def _asked(log: Path, asked: given.Inputs, seed: int, warmup: float) -> dict[str, Any]:
    """What the manifest says of the command: inputs by hash, no clock times."""
    import hashlib

    with reading(log), log.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "command": "simulate",
        "seed": seed,
        "warmup": warmup,
        "profile": asked.profile.name,
        "machine": asked.machine.name,
        "input": {"name": log.name, "sha256": digest},
    }


def as_text(summary: dict[str, Any]) -> str:
    """The summary as a page for people."""
    jobs = summary["jobs"]
    lines = [f"{summary['workload']} on {summary['machine']} under {summary['profile']} (one run)"]
    lines.append(pairs([("processors", number(summary["processors"]))]))
    lines.append(pairs([(name, number(count)) for name, count in jobs.items() if count]))
    for title in ("dropped", "noted", "assumed"):
        facts = [(fact, number(count)) for fact, count in summary[title].items() if count]
        if facts:
            lines += [f"{title}:", pairs(facts)]
    lines.append("load:")
    lines.append(pairs([(name, number(value)) for name, value in summary["load"].items()]))
    lines.append("metrics:")
    units = {"cost": summary["currency"]}
    found = [
        (name, number(value, "" if value is None else units.get(name, "")))
        for name, value in summary["metrics"].items()
    ]
    lines.append(pairs(found))
    return "\n".join(lines)
