"""timonier when: when will each pending job start?"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated, Any

import typer

from timonier.cli import inputs as given
from timonier.cli.progress import tell
from timonier.cli.show import Output, OutputOption, show


def when(
    state: Annotated[Path, typer.Argument(help="A state file (Parquet), or a CSV of jobs with --now T.")],
    machine: given.MachineOption = None,
    profile: given.ProfileOption = "easy",
    exact: given.ExactOption = False,
    setting: given.SetOption = None,
    now: given.NowOption = None,
    usage: given.UsageOption = None,
    output: OutputOption = Output.table,
) -> None:
    """Forecast the start of every pending job under current limits, if nobody else comes."""
    asked = given.read_inputs(state, machine, profile, exact, setting, now, usage)
    from timonier.simulate import forecast

    starts = forecast(asked.jobs, asked.machine, asked.profile, tell=tell)
    show(output, starts.to_pylist(), as_text)


def as_text(rows: list[dict[str, Any]]) -> str:
    """CSV, one line a pending job; an empty start: never, as things are."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(("job_id", "start_s"))
    writer.writerows((row["job_id"], row["start_s"]) for row in rows)
    return lines.getvalue().removesuffix("\n")
