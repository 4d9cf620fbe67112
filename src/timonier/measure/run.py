"""Run a benchmark through a backend: plan, submit, listen, fold."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from timonier.backend import Backend, Status, Task
from timonier.kit.errors import InputError, MachineFailure, TimonierError
from timonier.measure.events import read_events
from timonier.measure.fold import fold
from timonier.measure.here import Here
from timonier.measure.measurement import Measurement
from timonier.measure.recipe import Planned, Setup, Wanted, benchmark
from timonier.measure.worker import EVENTS, NO_PLACE, SETUP

Listen = Callable[[float, float, str], None]  # seconds of the budget used, of how many, what is done
_PAUSE_S = 0.1
_SLACK_S = 600.0  # compiling and getting ready, beyond the budget


def measure(
    name: str, wanted: Wanted, budget_s: float, here: Here, backend: Backend, listen: Listen
) -> Iterator[list[Measurement]]:
    """The figures of each task of a benchmark as soon as it has ended.

    On KeyboardInterrupt the task is cancelled and its figures so far come, marked partial; then it is raised again.
    Raises InputError and MachineFailure as the benchmark does, after the figures that it gave before.
    """
    used = 0.0
    for planned in benchmark(name).plan(here, replace(wanted, budget_s=budget_s)):
        share = budget_s * planned.share

        def tell(done: float, total: float, what: str, before: float = used, share: float = share) -> None:
            listen(before + share * min(1.0, done / total if total else 0.0), budget_s, what)

        yield from _one(name, planned, share, backend, tell)
        used += share


def _one(
    name: str, planned: Planned, budget_s: float, backend: Backend, listen: Listen
) -> Iterator[list[Measurement]]:
    setup = Setup(
        name, planned.label, budget_s, planned.threads, planned.ranks, planned.settings, planned.skip
    )
    with _folder(setup) as folder:
        task_id = backend.submit(_task(setup, planned, folder))
        was_cut: BaseException | None = None
        try:
            status = _wait(backend, task_id, folder, listen)
        except BaseException as error:  # noqa: BLE001  raised again below, after what is known was kept
            backend.cancel([task_id])
            status, was_cut = backend.poll([task_id])[task_id], error
        events = read_events(folder / EVENTS)
        failure = _failure(status, events, folder, name)
        yield fold(events, was_cut="interrupted" if was_cut else failure.what if failure else "")
        if was_cut or failure:
            raise (was_cut or failure)  # type: ignore[misc]  # one of them is there


def _task(setup: Setup, planned: Planned, folder: Path) -> Task:
    return Task(
        name=f"{setup.benchmark}, {setup.label}",
        argv=(sys.executable, "-m", "timonier.measure.worker"),
        folder=folder,
        ranks=planned.ranks,
        cpus=planned.cpus,
        time_limit_s=2 * setup.budget_s + _SLACK_S,
    )


@contextmanager
def _folder(setup: Setup) -> Iterator[Path]:
    """A folder for the task, with setup.json in it; it goes when the task is over."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="timonier-measure-"))
        try:
            (folder / SETUP).write_text(json.dumps(asdict(setup)))
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise MachineFailure(
            f"cannot write the task's folder: {error.strerror or error}",
            where=tempfile.gettempdir(),
            fix="free some space there, or set TMPDIR to another folder",
        ) from error


def _wait(backend: Backend, task_id: str, folder: Path, listen: Listen) -> Status:
    """Until the task has ended.  What it said last is told again and again: a bar may show itself late."""
    last: dict[str, Any] = {"done": 0.0, "total": 1.0, "what": "getting ready"}
    while True:
        status = backend.poll([task_id])[task_id]
        events = read_events(folder / EVENTS)
        last = next((event for event in reversed(events) if event["event"] == "progress"), last)
        listen(last["done"], last["total"], last["what"])
        if status.has_ended:
            return status
        time.sleep(_PAUSE_S)


def _failure(status: Status, events: list[dict[str, Any]], folder: Path, name: str) -> TimonierError | None:
    """Why the task gave less than it should, None where it came to its end."""
    if status.state == "completed" and events and events[-1]["event"] == "end":
        return None
    said = next((e for e in reversed(events) if e["event"] == "fail"), None)
    if said is not None:
        kind = InputError if said["code"] == InputError.exit_code else MachineFailure
        return kind(said["what"], where=said["where"] or name, fix=said["fix"])
    if status.code == NO_PLACE or (status.state != "completed" and shutil.disk_usage(folder).free == 0):
        return MachineFailure(
            f"{name} could not write to its folder: the disk is full or read-only",
            where=str(folder.parent),
            fix="free some space there, or set TMPDIR to another folder",
        )
    if status.code == -9 or "exit code 137" in status.why:
        what, fix = (
            f"{name} was killed; most often the memory did not suffice",
            "take a smaller problem with --set",
        )
    else:
        what, fix = f"{name} ended too early: {status.why or status.state}", _last_words(folder)
    return MachineFailure(what, where=f"task {status.task_id}", fix=fix)


def _last_words(folder: Path) -> str:
    """The end of what the task said on stderr."""
    try:
        lines = (folder / "stderr").read_text(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return "its last words: " + (" | ".join(lines[-3:])[-400:] if lines else "none")
