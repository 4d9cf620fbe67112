"""What a comparison is over: a log, or a model that makes another workload for every repeat."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from timonier.cli.inputs import read_inputs, tell_doubts
from timonier.kit.errors import InputError, nearest
from timonier.kit.files import reading

if TYPE_CHECKING:
    from timonier.compare.repeats import Repeats
    from timonier.describe import Machine
    from timonier.workload import Jobs

JobsOption = Annotated[int | None, typer.Option("--jobs", help="LOG is a model: how many jobs.  [10,000]")]
LoadOption = Annotated[float | None, typer.Option("--load", help="LOG is a model: offered load, to 1 %.")]
DaysOption = Annotated[float | None, typer.Option("--days", help="LOG is a model: span of the arrivals.")]
_JOBS = 10_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a model; None: not said."""

    jobs: int | None = None
    load: float | None = None
    days: float | None = None

    def words(self) -> list[str]:
        """The options of the command that say so."""
        given = {"--jobs": self.jobs, "--load": self.load, "--days": self.days}
        return [word for option, value in given.items() if value is not None for word in (option, str(value))]


@dataclass(frozen=True, slots=True)
class Source:
    """A workload to compare on.

    jobs: of repeat 0.  name: of the log or the model.  input: what the manifest says of it.
    words: the part of the command that names it and its machine.
    """

    jobs: Jobs
    machine: Machine
    repeats: Repeats
    name: str
    input: dict[str, Any]
    words: list[str]


def read_source(log: Path, machine: str | None, wanted: Wanted, repeats: int, seed: int) -> Source:
    """The log of this name or, where there is no such file, the model.  Raises InputError."""
    from timonier.workload.make.workload import models

    if log.exists():
        return _log(log, machine, wanted, repeats, seed)
    if str(log) in models():
        return _model(str(log), machine, wanted, repeats, seed)
    if len(log.parts) == 1 and not log.suffix:
        raise InputError(
            f"there is neither a file nor a model {str(log)!r}", where="LOG", fix=nearest(str(log), models())
        )
    return _log(log, machine, wanted, repeats, seed)  # which says that there is no such file


def _log(log: Path, machine: str | None, wanted: Wanted, repeats: int, seed: int) -> Source:
    from timonier.compare.repeats import repeats_of_log

    if wanted.words():
        option, value = wanted.words()[:2]
        raise InputError(
            f"{option} {value} is for models; {log} is a log",
            where=option,
            fix="leave it out, or name a model",
        )
    inputs = read_inputs(log, machine, "easy", False, None, None, None)
    jobs = inputs.jobs
    if jobs.state is not None:
        raise InputError("this is a state, not a workload", where=str(log), fix="name the log")
    if len(jobs) == 0:
        raise InputError("the workload has no jobs", where=str(log), fix="name another log")
    with reading(log), log.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Source(
        jobs,
        inputs.machine,
        repeats_of_log(jobs, repeats, seed),
        log.name,
        {"name": log.name, "sha256": digest},
        [log.name, *_machine_words(inputs.machine, machine)],
    )


def _model(name: str, machine: str | None, wanted: Wanted, repeats: int, seed: int) -> Source:
    from timonier.compare.repeats import Model, repeats_of_model, seed_of
    from timonier.describe import read_machine
    from timonier.workload.make.workload import GPU_MODELS

    if machine is None:
        raise InputError(
            f"the model {name} does not say how large the machine is", where=name, fix="add --machine 128"
        )
    read = read_machine(machine)
    tell_doubts(read)
    processors = read.total_cores
    gpus = read.total_gpus if name in GPU_MODELS else 0
    jobs = _JOBS if wanted.jobs is None else wanted.jobs
    model = Model(name, jobs, processors, wanted.load, wanted.days, gpus)
    drawn = repeats_of_model(model, repeats, seed)
    said = {"model": name, "jobs": jobs, "load": wanted.load, "days": wanted.days}
    said |= {"gpus": gpus} if gpus else {"processors": processors}
    return Source(
        drawn.draw(0).jobs,
        read,
        drawn,
        name,
        {key: value for key, value in said.items() if value is not None}
        | {"seeds": [seed_of(seed, repeat) for repeat in range(repeats)]},
        [name, *_machine_words(read, machine), *wanted.words()],
    )


def _machine_words(machine: Machine, given: str | None) -> list[str]:
    """The machine as it was given, a file without its folder."""
    return ["--machine", str(machine.processors) if given is None else Path(given).name]
