"""The inputs that several verbs share: a workload or state, its machine, a profile."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from timonier.kit.errors import InputError

if TYPE_CHECKING:
    from timonier.describe import Machine
    from timonier.policy import Profile
    from timonier.workload import Jobs

MachineOption = Annotated[
    str | None,
    typer.Option(
        "--machine", "-m", help="A machine file, or a number of processors; else what the log says."
    ),
]
ProfileOption = Annotated[str, typer.Option("--profile", "-p", help="A shipped profile's name, or a file.")]
ExactOption = Annotated[bool, typer.Option("--exact", help="Estimates are the true run times.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="Override a knob: section.key=value (again for more).")
]
NowOption = Annotated[float | None, typer.Option("--now", help="The instant of a state given as CSV, s.")]
UsageOption = Annotated[
    Path | None, typer.Option("--usage", help="Fair-share usage of a state given as CSV.")
]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a simulation needs."""

    jobs: Jobs
    machine: Machine
    profile: Profile


def read_inputs(
    log: Path,
    machine: str | None,
    profile: str,
    exact: bool,
    settings: list[str] | None,
    now: float | None,
    usage: Path | None,
) -> Inputs:
    """Read all three.  Raises InputError, also when nothing says how large the machine is."""
    from timonier.describe import read_machine
    from timonier.workload import read_workload

    chosen = read_chosen(profile, exact, settings)
    given = None if machine is None else read_machine(machine)
    jobs = read_workload(log, now=now, usage=usage)
    if given is None:
        if jobs.processors is None:
            raise InputError(
                "neither the command nor the log says how large the machine is",
                where=str(log),
                fix="add --machine N (processors) or --machine FILE.toml",
            )
        given = read_machine(str(jobs.processors))
    tell_doubts(given)
    return Inputs(jobs, given, chosen)


def tell_doubts(machine: Machine) -> None:
    """Say on stderr what of a machine may be meant otherwise."""
    from timonier.cli.progress import tell
    from timonier.describe import machine_doubts

    for sentence in machine_doubts(machine):
        tell(f"perhaps a mistake: {sentence}")


def read_chosen(profile: str, exact: bool, settings: list[str] | None) -> Profile:
    """A profile with the settings of the command on top.  Raises InputError."""
    from timonier.policy import read_profile

    chosen = read_profile(profile, settings or [])
    return replace(chosen, estimate=replace(chosen.estimate, use="exact")) if exact else chosen


FAR_S = 1e12  # 30,000 years


def check_until(until: float | None, jobs: Jobs) -> None:
    """Refuse an instant at which no run can stop."""
    if until is None:
        return
    if not math.isfinite(until) or abs(until) > FAR_S:
        raise InputError(f"--until is {until}", where="--until", fix="give seconds from the workload's zero")
    if jobs.state is not None and until < jobs.state.now_s:
        raise InputError(
            f"--until is {until:.15g} s; this state was taken at {jobs.state.now_s:.15g} s",
            where=jobs.source,
            fix="give a later instant",
        )
