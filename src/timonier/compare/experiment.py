"""Every profile on every repeat, on all cores: threads, as the kernels run without Python's lock.

What is finished goes to a store at once, so that a run that was killed goes on where it was.
Each cell depends on nothing but its inputs: one worker or many, the results are the same.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from timonier.compare.load import offered_load, waited_share
from timonier.compare.metrics import Scores, score
from timonier.compare.nodes import NodeRun, node_run_of, portrait_of, score_nodes
from timonier.compare.owners import owners_of
from timonier.compare.private import PrivateRun, pool_gain, simulate_private
from timonier.compare.resample import Resample
from timonier.describe import Machine
from timonier.kit.errors import InputError
from timonier.policy import Profile
from timonier.simulate import simulate
from timonier.simulate.drive import Tell, prepare
from timonier.simulate.pack import pack

PRIVATE = "private"
Key = tuple[str, int]  # profile, repeat


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of the experiment: what is kept of it.

    rejected: draws thrown away for the repeat's workload.  nodes: how repeat 0 used the nodes, where there are any.
    """

    scores: Scores
    offered_load: float | None
    waited_share: float | None
    longest_queue: int
    assumed: dict[str, int] = field(default_factory=dict)
    rejected: int = 0
    nodes: dict[str, Any] | None = None

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Cell:
        """The cell that `asdict` made this of.  Raises TypeError or ValueError for anything else."""
        cell = cls(**content)
        numbers = [cell.offered_load, cell.waited_share, *cell.scores.values()]
        counts = [cell.longest_queue, cell.rejected, *cell.assumed.values()]
        if not all(n is None or isinstance(n, int | float) for n in numbers):
            raise ValueError("a score is no number")
        if not all(isinstance(n, int) for n in counts):
            raise ValueError("a count is no whole number")
        if cell.nodes is not None and not {"full", "held"} <= set(cell.nodes):
            raise ValueError("of a time when less was said of the nodes")
        return cell


class Store(Protocol):
    """Where finished cells go, and come from when the command is repeated."""

    def find(self, profile: str, repeat: int) -> Cell | None: ...  # noqa: D102
    def keep(self, profile: str, repeat: int, cell: Cell, table: pa.Table) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is compared.

    profiles: by the name that the results say; `private` is the baseline of slices, under its own profile.
    workload_of: repeat -> its workload, the same for the same repeat.  owner: who owns slices, as in `owners_of`.
    """

    profiles: dict[str, Profile]
    machine: Machine
    workload_of: Callable[[int], Resample]
    repeats: int
    warmup: float = 0.0
    owner: str = "user"


class _Stopped(Exception):
    """The run was asked to stop; raised inside workers only."""


class _Repeat:
    """One repeat's workload and its private schedule, made once, by whoever needs them first."""

    def __init__(self, experiment: Experiment, repeat: int) -> None:
        self._experiment = experiment
        self.number = repeat
        self._lock = threading.Lock()
        self._drawn: Resample | None = None
        self._private: PrivateRun | None = None

    def drawn(self) -> Resample:
        with self._lock:
            if self._drawn is None:
                self._drawn = self._experiment.workload_of(self.number)
            return self._drawn

    def forget(self) -> None:
        """All runs of this repeat are finished."""
        self._drawn = self._private = None

    def private(self, progress: Callable[[int, int], None]) -> PrivateRun:
        jobs = self.drawn().jobs
        with self._lock:
            if self._private is None:
                asked = self._experiment
                self._private = simulate_private(
                    jobs, asked.machine, asked.profiles[PRIVATE], asked.owner, progress
                )
            return self._private


def run_experiment(
    experiment: Experiment,
    store: Store,
    workers: int,
    progress: Callable[[int, int], None],
    tell: Tell,
) -> tuple[dict[tuple[str, int], Cell], int]:
    """Every cell, (profile, repeat) -> Cell, and how many of them were computed now.

    Raises the first InputError of a cell after all the others were finished and kept.
    """
    keys = [(name, repeat) for repeat in range(experiment.repeats) for name in experiment.profiles]
    cells = {key: found for key in keys if (found := store.find(*key)) is not None}
    missing = [key for key in keys if key not in cells]
    if missing:
        _compile(experiment, tell)
    stop = threading.Event()
    left = Counter(repeat for _, repeat in missing)
    shared = {repeat: _Repeat(experiment, repeat) for repeat in left}

    def run(name: str, repeat: int) -> Cell:
        cell, table = _run_cell(experiment, name, shared[repeat], stop)
        store.keep(name, repeat, cell, table)
        return cell

    errors: list[InputError] = []
    with ThreadPoolExecutor(max_workers=workers) as pool:
        try:
            for key, future in _finished(pool, run, missing, workers):
                try:
                    cells[key] = future.result()
                except InputError as error:
                    error.where = f"profile {key[0]}, repeat {key[1]}; {error.where}"
                    errors.append(error)
                left[key[1]] -= 1
                if left[key[1]] == 0:
                    shared[key[1]].forget()
                progress(len(cells), len(keys))
        finally:
            stop.set()
    if errors:
        raise errors[0]
    return cells, len(missing)


def _finished(
    pool: ThreadPoolExecutor, run: Callable[[str, int], Cell], keys: list[Key], workers: int
) -> Iterator[tuple[Key, Future[Cell]]]:
    """Every run as it finishes, `workers` of them at a time, begun in the order of the keys."""
    waiting = iter(keys)
    running: dict[Future[Cell], Key] = {}
    while True:
        while len(running) < workers and (key := next(waiting, None)) is not None:
            running[pool.submit(run, *key)] = key
        if not running:
            return
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            yield running.pop(future), future


def _compile(experiment: Experiment, tell: Tell) -> None:
    """Compile what is needed one by one, before threads meet the compiler; slices that cannot be are told first."""
    jobs = experiment.workload_of(0).jobs
    if PRIVATE in experiment.profiles:
        owners_of(jobs, experiment.machine, experiment.owner)
    for profile in experiment.profiles.values():
        prepare(pack(jobs, experiment.machine, profile), tell)


def _run_cell(
    experiment: Experiment, name: str, repeat: _Repeat, stop: threading.Event
) -> tuple[Cell, pa.Table]:
    def check(done: int, total: int) -> None:  # noqa: ARG001
        if stop.is_set():
            raise _Stopped

    drawn = repeat.drawn()
    jobs = drawn.jobs
    assumed: dict[str, int] = {}
    on_nodes: NodeRun | None = None
    if name == PRIVATE:
        alone = repeat.private(check)
        table, longest = alone.table, alone.longest_queue
    else:
        # every repeat has luck of its own, and every profile the same luck in it
        run = simulate(
            jobs, experiment.machine, experiment.profiles[name], seed=repeat.number, progress=check
        )
        table, longest, assumed = run.table, run.longest_queue, dict(run.assumed)
        on_nodes = None if experiment.machine.is_counted else node_run_of(run)
    scores = score(table, experiment.machine.total_cores, experiment.warmup, jobs.texts("user"))
    scores |= {} if on_nodes is None else score_nodes(on_nodes)
    if PRIVATE in experiment.profiles:
        if name != PRIVATE:
            scores |= pool_gain(table, repeat.private(check).table, experiment.warmup)
    offered = offered_load(jobs, table, experiment.machine.total_cores)
    portrait = portrait_of(on_nodes) if on_nodes is not None and repeat.number == 0 else None
    return Cell(scores, offered, waited_share(table), longest, assumed, drawn.rejected, portrait), table


def load_of(cells: Mapping[Key, Cell]) -> dict[str, dict[str, float | int | None]]:
    """Is the machine loaded?  Profile -> waited_share and dropped_jobs, means over the repeats, and the longest_queue.

    dropped_jobs: those that left because nothing was free when they came; they wait for nothing, and are in no wait.
    """
    found: dict[str, dict[str, float | int | None]] = {}
    for name in sorted({name for name, _ in cells}):  # cells come in the order in which workers finish
        mine = [cell for (profile, _), cell in cells.items() if profile == name]
        shares = [cell.waited_share for cell in mine if cell.waited_share is not None]
        found[name] = {
            "waited_share": math.fsum(shares) / len(shares) if shares else None,
            "longest_queue": max(cell.longest_queue for cell in mine),
            "dropped_jobs": math.fsum(cell.scores.get("jobs_dropped") or 0.0 for cell in mine) / len(mine),
        }
    return found


def is_idle(cells: Mapping[Key, Cell], least: float = 0.01) -> bool:
    """Do fewer than 1 % of the jobs wait, in the mean over the repeats, under every profile?"""
    return all((load["waited_share"] or 0.0) < least for load in load_of(cells).values())


def rejected_by_repeat(cells: Mapping[Key, Cell]) -> dict[int, int]:
    """Draws thrown away for each repeat, as its runs say."""
    return {repeat: cell.rejected for (_, repeat), cell in sorted(cells.items()) if cell.rejected}
