"""timonier compare: every profile on every repeat, and which of them are on the front."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from timonier.cli import inputs as given
from timonier.cli.front import front_table
from timonier.cli.progress import Bar, tell
from timonier.cli.show import Output, OutputOption, show
from timonier.kit.errors import InputError, nearest
from timonier.kit.files import reading

if TYPE_CHECKING:
    from timonier.compare.experiment import Cell
    from timonier.compare.table import Front, Results
    from timonier.describe import Machine
    from timonier.policy import Profile
    from timonier.workload import Jobs

DEFAULT_PROFILES = "fcfs,sjf,easy,easy-sjbf,conservative"
DEFAULT_OBJECTIVES = "bsld_mean,wait_work_weighted_s"
_BASELINE = "easy"  # under which `private` owners schedule their own slices
_TOLD = ("wait_mean_s", "bsld_mean", "wait_work_weighted_s", "utilisation", "jain_bsld_user")


@dataclass(frozen=True, slots=True)
class _Asked:
    """The command after checking."""

    log: Path
    jobs: Jobs
    machine: Machine
    profiles: dict[str, Profile]
    objectives: tuple[str, ...]
    repeats: int
    seed: int
    warmup: float
    owner: str


def compare(
    log: Annotated[Path, typer.Argument(help="A workload (SWF, CSV, Parquet, Philly, openb).")],
    out: Annotated[Path, typer.Option("-o", help="The results folder; the same command goes on in it.")],
    machine: given.MachineOption = None,
    profiles: Annotated[
        str, typer.Option("--profiles", "-p", help="Names or files, with commas; `private`: owners' slices.")
    ] = DEFAULT_PROFILES,
    repeats: Annotated[
        int, typer.Option(min=1, max=10_000, help="Repeat 0 is the log, the others are drawn from it.")
    ] = 20,
    objectives: Annotated[
        str, typer.Option("--objectives", help="What the front is over: metrics, with commas.")
    ] = DEFAULT_OBJECTIVES,
    setting: given.SetOption = None,
    exact: given.ExactOption = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the resamples and of the bootstrap.")] = 0,
    warmup: Annotated[
        float, typer.Option(min=0.0, max=0.99, help="Share of first jobs left out of metrics.")
    ] = 0.0,
    owner: Annotated[str, typer.Option(help="Who owns slices under `private`: user or account.")] = "user",
    workers: Annotated[
        int, typer.Option(min=0, max=1024, help="Threads; 0: one a core. The results are the same.")
    ] = 0,
    keep: Annotated[str, typer.Option(help="Schedules to keep: first (of repeat 0) or all.")] = "first",
    output: OutputOption = Output.table,
) -> None:
    """Compare schedulers on a workload: scores, paired differences, and the Pareto front with its confidence."""
    from timonier.compare.experiment import Experiment, is_idle, rejected_by_repeat, run_experiment
    from timonier.compare.folder import opened
    from timonier.compare.page import page_of
    from timonier.compare.repeats import repeats_of_log
    from timonier.compare.table import Results, front_csv, paired_csv, scores_csv, summary_csv
    from timonier.publish.figures import figures
    from timonier.publish.report import report_html

    if keep not in ("first", "all"):
        raise InputError(f"unknown --keep {keep!r}", where="--keep", fix="first or all")
    asked = _read(log, machine, profiles, objectives, setting, exact, repeats, seed, warmup, owner)
    drawn = repeats_of_log(asked.jobs, repeats, seed)
    experiment = Experiment(asked.profiles, asked.machine, drawn.draw, repeats, warmup, owner)
    workers = workers or len(os.sched_getaffinity(0))
    began = time.monotonic()
    with opened(out, _manifest(asked, keep), keep == "all") as folder:
        with Bar("comparing", output is Output.quiet) as bar:
            cells, computed = run_experiment(experiment, folder, workers, bar, tell)
        results = Results(list(asked.profiles), cells, seed)
        folder.write({"scores.csv": scores_csv(results), "summary.csv": summary_csv(results)})
        found = len(cells) - computed
        took = time.monotonic() - began
        _log(out, f"{computed} runs computed, {found} found finished; {workers} workers, {took:.1f} s")
        if is_idle(cells):
            raise InputError(
                "no ranking: fewer than 1 % of the jobs wait under every profile, the machine is nearly idle",
                where=f"{log} on {asked.machine.name}; the scores are in {out}",
                fix="compare on a smaller machine, or on a workload with more load",
            )
        fronts = results.fronts(asked.objectives)
        rejected = rejected_by_repeat(cells)
        page = page_of(
            results,
            fronts,
            cells,
            {name: folder.schedule(name) for name in results.profiles},
            asked.jobs,
            asked.machine.processors or 0,
            _said(asked, cells) | {"repeated_by": drawn.said, "rejected": sum(rejected.values())},
        )
        folder.write(
            {
                "front.csv": front_csv(results, fronts),
                "paired.csv": paired_csv(results),
                "report.json": json.dumps(page) + "\n",
                "report.html": report_html(page),
                **{f"figures/{name}": svg for name, svg in figures(page).items()},
            }
        )
    value = _value(asked, results, fronts[0], cells) | {
        "computed": computed,
        "found": found,
        "rejected": rejected,
    }
    show(output, value, front_table)


def _read(
    log: Path,
    machine: str | None,
    profiles: str,
    objectives: str,
    setting: list[str] | None,
    exact: bool,
    repeats: int,
    seed: int,
    warmup: float,
    owner: str,
) -> _Asked:
    from timonier.compare.experiment import PRIVATE

    if owner not in ("user", "account"):
        raise InputError(f"unknown --owner {owner!r}", where="--owner", fix="user or account")
    chosen = _objectives(objectives)
    names = [word.strip() for word in profiles.split(",") if word.strip()]
    if not names:
        raise InputError("no profile is named", where="--profiles", fix=f"--profiles {DEFAULT_PROFILES}")
    records: dict[str, Profile] = {}
    for word in names:
        profile = given.read_chosen(_BASELINE if word == PRIVATE else word, exact, setting)
        name = PRIVATE if word == PRIVATE else profile.name
        copies = sum(known.split("#")[0] == name for known in records)
        records[f"{name}#{copies + 1}" if copies else name] = profile
    inputs = given.read_inputs(log, machine, _BASELINE, exact, None, None, None)
    if inputs.jobs.state is not None:
        raise InputError("this is a state, not a workload", where=str(log), fix="name the log")
    if inputs.machine.processors is None:
        raise InputError(
            "nodes are described, but not simulated yet", where=inputs.machine.name, fix="give --machine N"
        )
    if len(inputs.jobs) == 0:
        raise InputError("the workload has no jobs", where=str(log), fix="name another log")
    return _Asked(log, inputs.jobs, inputs.machine, records, chosen, repeats, seed, warmup, owner)


def _objectives(words: str) -> tuple[str, ...]:
    """What the front is over.  Raises InputError."""
    from timonier.compare import known_metrics

    chosen = tuple(word.strip() for word in words.split(",") if word.strip())
    for name in chosen:
        if name not in known_metrics():
            fix = nearest(name, known_metrics())
            raise InputError(f"unknown objective {name!r}", where="--objectives", fix=fix)
        if known_metrics()[name].better == "":
            raise InputError(
                f"{name} is neither better high nor low", where="--objectives", fix="name another"
            )
    if not 1 <= len(set(chosen)) == len(chosen) <= 8:
        raise InputError("name one to eight objectives, each once", where="--objectives", fix=words)
    return chosen


def _manifest(asked: _Asked, keep: str) -> dict[str, Any]:
    """Everything that decides the results, inputs by hash; no clock, no number of workers."""
    from importlib.metadata import version

    import timonier
    from timonier.describe import machine_to_toml
    from timonier.policy import profile_to_toml

    with reading(asked.log), asked.log.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "schema": "timonier/results/1",
        "timonier": timonier.__version__,
        "versions": {name: version(name) for name in ("numpy", "numba", "pyarrow", "moocore")},
        "command": _command(asked),
        "seed": asked.seed,
        "repeats": asked.repeats,
        "warmup": asked.warmup,
        "owner": asked.owner,
        "keep": keep,
        "objectives": list(asked.objectives),
        "input": {"name": asked.log.name, "sha256": digest},
        "machine": {"name": asked.machine.name, "sha256": _sha256(machine_to_toml(asked.machine))},
        "profiles": {name: _sha256(profile_to_toml(p)) for name, p in asked.profiles.items()},
    }


def _said(asked: _Asked, cells: dict[tuple[str, int], Cell]) -> dict[str, Any]:
    """What the report says besides its numbers."""
    import timonier

    assumed = {fact: jobs for name in asked.profiles for fact, jobs in cells[name, 0].assumed.items()}
    facts = {"dropped": asked.jobs.cleaning.dropped, "noted": asked.jobs.cleaning.noted, "assumed": assumed}
    return {
        "schema": "timonier/report/1",
        "workload": asked.log.name,
        "machine": asked.machine.name,
        "seed": asked.seed,
        "command": _command(asked),
        "version": timonier.__version__,
        "facts": [
            {"kind": kind, "fact": fact, "jobs": jobs}
            for kind, found in facts.items()
            for fact, jobs in found.items()
            if jobs
        ],
    }


def _command(asked: _Asked) -> str:
    """The command that repeats it, without where to write and on how many cores."""
    words = ["timonier", "compare", asked.log.name, "--machine", asked.machine.name]
    words += ["--profiles", ",".join(name.split("#")[0] for name in asked.profiles)]
    words += ["--repeats", str(asked.repeats), "--seed", str(asked.seed)]
    words += ["--objectives", ",".join(asked.objectives)]
    if asked.warmup:
        words += ["--warmup", f"{asked.warmup:g}"]
    return shlex.join([*words, "-o", "results/"])


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _log(out: Path, sentence: str) -> None:
    """A line in the log beside the folder, with the time."""
    path = out.resolve()
    with path.with_name(f"{path.name}.log").open("a", encoding="utf-8") as log:
        log.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {sentence}\n")


def _value(
    asked: _Asked, results: Results, front: Front, cells: dict[tuple[str, int], Cell]
) -> dict[str, Any]:
    """What is shown: the front that was asked for, means with intervals, and whether the machine is loaded."""
    rows = []
    told = list(dict.fromkeys([*asked.objectives, *_TOLD]))
    for p, name in enumerate(results.profiles):
        cell = cells[name, 0]
        rows.append(
            {
                "profile": name,
                "on_front": front.on_front[p],
                "probability": front.probability[p],
                "waited_share": cell.waited_share,
                "longest_queue": cell.longest_queue,
                **{
                    o: dict(zip(("mean", "low", "high"), results.interval(name, o), strict=True))
                    for o in told
                },
            }
        )
    return {
        "schema": "timonier/front/1",
        "workload": asked.log.name,
        "machine": asked.machine.name,
        "repeats": results.repeats,
        "objectives": list(front.objectives),
        "unranked": results.unranked,
        "dropped": {fact: rows_ for fact, rows_ in asked.jobs.cleaning.dropped.items() if rows_},
        "profiles": rows,
    }
