"""timonier compare: every profile on every repeat, and which of them are on the front."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import time
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from timonier.cli import inputs as given
from timonier.cli.front import front_table
from timonier.cli.progress import Bar, tell
from timonier.cli.show import Output, OutputOption, show
from timonier.cli.source import DaysOption, JobsOption, LoadOption, Source, Wanted, read_source
from timonier.kit.errors import InputError, TimonierError, nearest
from timonier.kit.files import add_line

if TYPE_CHECKING:
    from timonier.compare.experiment import Cell
    from timonier.compare.table import Front, Results
    from timonier.describe import Machine
    from timonier.policy import Profile
    from timonier.workload import Jobs

DEFAULT_PROFILES = "fcfs,sjf,easy,easy-sjbf,conservative"
DEFAULT_OBJECTIVES = "bsld_mean,wait_work_weighted_s"
_BASELINE = "easy"  # under which `private` owners schedule their own slices
_POOL = ("pool_gain_share", "pool_gain_work_share", "pool_only_jobs")
_TOLD = ("wait_mean_s", "bsld_mean", "wait_work_weighted_s", "utilisation", "jain_bsld_user")


@dataclass(frozen=True, slots=True)
class _Asked:
    """The command after checking."""

    source: Source
    profiles: dict[str, Profile]
    objectives: tuple[str, ...]
    repeats: int
    seed: int
    warmup: float
    owner: str
    command: str

    @property
    def jobs(self) -> Jobs:
        """Of repeat 0."""
        return self.source.jobs

    @property
    def machine(self) -> Machine:
        """On which they run."""
        return self.source.machine


def compare(
    log: Annotated[
        Path,
        typer.Argument(
            help="A workload (SWF, CSV, Parquet, Philly, openb), or a model: lublin, lab, openb-like, philly-like."
        ),
    ],
    out: Annotated[Path, typer.Option("-o", help="The results folder; the same command goes on in it.")],
    machine: given.MachineOption = None,
    profiles: Annotated[
        str, typer.Option("--profiles", "-p", help="Names or files, with commas; `private`: owners' slices.")
    ] = DEFAULT_PROFILES,
    repeats: Annotated[
        int,
        typer.Option(
            min=1, max=10_000, help="Repeat 0 is the log, the others are drawn from it; models: other seeds."
        ),
    ] = 20,
    objectives: Annotated[
        str, typer.Option("--objectives", help="What the front is over: metrics, with commas.")
    ] = DEFAULT_OBJECTIVES,
    setting: given.SetOption = None,
    exact: given.ExactOption = False,
    jobs: JobsOption = None,
    load: LoadOption = None,
    days: DaysOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the repeats and of the bootstrap.")] = 0,
    warmup: Annotated[
        float, typer.Option(min=0.0, max=0.99, help="Share of first jobs left out of metrics.")
    ] = 0.0,
    owner: Annotated[
        str | None,
        typer.Option(
            help="Who owns slices under `private`: user, account, or machine (its [[owner]] tables).  "
            "[machine where it has them, else user]"
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, max=1024, help="Threads; 0: one a core. The results are the same.")
    ] = 0,
    keep: Annotated[str, typer.Option(help="Schedules to keep: first (of repeat 0) or all.")] = "first",
    output: OutputOption = Output.table,
) -> None:
    """Compare schedulers on a workload: scores, paired differences, and the Pareto front with its confidence."""
    from timonier.compare.experiment import Experiment, is_idle, rejected_by_repeat, run_experiment
    from timonier.compare.folder import opened
    from timonier.compare.load import node_loads
    from timonier.compare.page import page_of
    from timonier.compare.table import Results, front_csv, paired_csv, scores_csv, summary_csv
    from timonier.publish.figures import figures
    from timonier.publish.report import report_html

    if keep not in ("first", "all"):
        raise InputError(f"unknown --keep {keep!r}", where="--keep", fix="first or all")
    wanted = Wanted(jobs, load, days)
    asked = _read(
        log, machine, wanted, profiles, objectives, setting, exact, repeats, seed, warmup, owner, keep
    )
    drawn = asked.source.repeats
    experiment = Experiment(asked.profiles, asked.machine, drawn.draw, repeats, warmup, asked.owner)
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
        loads = node_loads(asked.jobs, folder.schedule(results.profiles[0]), asked.machine)
        page = page_of(
            results,
            fronts,
            cells,
            {name: folder.schedule(name) for name in results.profiles},
            asked.jobs,
            asked.machine.total_cores,
            _said(asked, cells)
            | {"repeated_by": drawn.said, "rejected": sum(rejected.values()), "offered_loads": loads},
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
        "offered_loads": loads,
    }
    show(output, value, front_table)


def _read(
    log: Path,
    machine: str | None,
    wanted: Wanted,
    profiles: str,
    objectives: str,
    setting: list[str] | None,
    exact: bool,
    repeats: int,
    seed: int,
    warmup: float,
    owner: str | None,
    keep: str,
) -> _Asked:
    from timonier.compare.experiment import PRIVATE
    from timonier.compare.owners import KINDS, default_kind

    if owner is not None and owner not in KINDS:
        raise InputError(f"unknown --owner {owner!r}", where="--owner", fix=nearest(owner, KINDS))
    chosen = _objectives(objectives)
    names = [word.strip() for word in profiles.split(",") if word.strip()]
    if not names:
        raise InputError("no profile is named", where="--profiles", fix=f"--profiles {DEFAULT_PROFILES}")
    records: dict[str, Profile] = {}
    for word in names:
        profile = given.read_chosen(_BASELINE if word == PRIVATE else word, exact, setting)
        records[_name_of(word, profile.name, records)] = profile
    source = read_source(log, machine, wanted, repeats, seed)
    words = ["timonier", "compare", *source.words, "--profiles", ",".join(Path(word).name for word in names)]
    words += [word for knob in setting or [] for word in ("--set", knob)] + ["--exact"] * exact
    words += ["--repeats", str(repeats), "--seed", str(seed), "--objectives", ",".join(chosen)]
    words += ["--warmup", str(warmup)] * bool(warmup) + (["--owner", owner] if owner else [])
    words += ["--keep", keep] * (keep != "first") + ["-o", "results/"]
    owner = owner or default_kind(source.machine)
    return _Asked(source, records, chosen, repeats, seed, warmup, owner, shlex.join(words))


def _name_of(word: str, name: str, known: Container[str]) -> str:
    """What the results call a profile: its name, with #2 behind it the second time.  Raises InputError."""
    from timonier.compare.experiment import PRIVATE

    if word == PRIVATE:
        if PRIVATE in known:
            raise InputError("private is named twice", where="--profiles", fix="name it once")
        return PRIVATE
    if name == PRIVATE or "#" in name:
        raise InputError(
            f"a profile cannot be called {name!r} in a comparison",
            where=word,
            fix="change `name` in its file",
        )
    copy = 2
    chosen = name
    while chosen in known:
        chosen, copy = f"{name}#{copy}", copy + 1
    return chosen


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
    """Everything that decides the results, files by hash; no clock, no number of workers."""
    from importlib.metadata import version

    import timonier
    from timonier.describe import machine_to_toml
    from timonier.policy import profile_to_toml

    return {
        "schema": "timonier/results/1",
        "timonier": timonier.__version__,
        "versions": {name: version(name) for name in ("numpy", "numba", "pyarrow", "moocore")},
        "command": asked.command,
        "seed": asked.seed,
        "repeats": asked.repeats,
        "warmup": asked.warmup,
        "owner": asked.owner,
        "keep": keep,
        "objectives": list(asked.objectives),
        "input": asked.source.input,
        "machine": {"name": asked.machine.name, "sha256": _sha256(machine_to_toml(asked.machine))},
        "profiles": {name: _sha256(profile_to_toml(p)) for name, p in asked.profiles.items()},
    }


def _said(asked: _Asked, cells: dict[tuple[str, int], Cell]) -> dict[str, Any]:
    """What the report says besides its numbers."""
    import timonier
    from timonier.compare.experiment import PRIVATE
    from timonier.policy import say_profile

    on_nodes = not asked.machine.is_counted
    assumed = {fact: jobs for name in asked.profiles for fact, jobs in cells[name, 0].assumed.items()}
    cut = max((int(cells[name, 0].scores["jobs_timeout"] or 0) for name in asked.profiles), default=0)
    assumed["cut short at the limit, as production systems do (over = kill)"] = cut
    facts = {"dropped": asked.jobs.cleaning.dropped, "noted": asked.jobs.cleaning.noted, "assumed": assumed}
    return {
        "schema": "timonier/report/1",
        "workload": asked.source.name,
        "machine": asked.machine.name,
        "seed": asked.seed,
        "command": asked.command,
        "version": timonier.__version__,
        "schedulers": {
            name: f"Owners ({asked.owner}) alone with their slices; in each: {say_profile(profile, on_nodes)}"
            if name == PRIVATE
            else say_profile(profile, on_nodes)
            for name, profile in asked.profiles.items()
        },
        "facts": [
            {"kind": kind, "fact": fact, "jobs": jobs}
            for kind, found in facts.items()
            for fact, jobs in found.items()
            if jobs
        ],
    }


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _log(out: Path, sentence: str) -> None:
    """A line in the log beside the folder, with the time."""
    path = out.resolve()
    log = path.with_name(f"{path.name}.log")
    try:
        add_line(log, f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {sentence}")
    except TimonierError as error:  # the results are worth more than a line about them
        tell(f"no line in {log}: {error.what}")


def _value(
    asked: _Asked, results: Results, front: Front, cells: dict[tuple[str, int], Cell]
) -> dict[str, Any]:
    """What is shown: the front that was asked for, means with intervals, and whether the machine is loaded."""
    from timonier.compare.experiment import PRIVATE, load_of

    rows = []
    told = list(dict.fromkeys([*asked.objectives, *_TOLD, *(_POOL if PRIVATE in asked.profiles else ())]))
    load = load_of(cells)
    for p, name in enumerate(results.profiles):
        rows.append(
            {
                "profile": name,
                "on_front": front.on_front[p],
                "probability": front.probability[p],
                **load[name],
                **{
                    o: dict(zip(("mean", "low", "high"), results.interval(name, o), strict=True))
                    for o in told
                },
            }
        )
    return {
        "schema": "timonier/front/1",
        "workload": asked.source.name,
        "machine": asked.machine.name,
        "repeats": results.repeats,
        "offered_load": cells[results.profiles[0], 0].offered_load,
        "offered_load_of": "cores" if asked.machine.nodes else "processors",
        "objectives": list(front.objectives),
        "currency": results.units["cost"],
        "unranked": results.unranked,
        "dropped": {fact: rows_ for fact, rows_ in asked.jobs.cleaning.dropped.items() if rows_},
        "profiles": rows,
    }
