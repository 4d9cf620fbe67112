"""The machine we are on: tasks are processes on the processors that they ask for, and end when we end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass

from timonier.backend.backend import Status, Task
from timonier.backend.mpi import mpi_argv
from timonier.kit.command import Started, start
from timonier.kit.errors import InputError


@dataclass(slots=True)
class _Running:
    task: Task
    process: Started
    began: float
    status: Status


class Local:
    """Processes with pinning; one folder a task holds its stdout and stderr."""

    can = frozenset({"pin", "limit", "ranks"})

    def __init__(self) -> None:
        self._tasks: dict[str, _Running] = {}

    def submit(self, task: Task) -> str:
        """Start the program at once."""
        _check(task)
        argv = mpi_argv(task.ranks, task.argv) if task.ranks else task.argv
        process = start(
            argv,
            stdout=task.folder / "stdout",
            stderr=task.folder / "stderr",
            cwd=task.folder,
            env=task.environment,
            cpus=task.cpus,
        )
        task_id = f"{len(self._tasks)}-{process.pid}"
        self._tasks[task_id] = _Running(task, process, time.monotonic(), Status(task_id, "running"))
        return task_id

    def poll(self, task_ids: Iterable[str]) -> dict[str, Status]:
        """How these tasks are; one that is over its time is ended here."""
        return {task_id: self._look(task_id) for task_id in task_ids}

    def cancel(self, task_ids: Iterable[str]) -> None:
        """End these tasks and all that they started."""
        for task_id in task_ids:
            if not self._look(task_id).has_ended:
                running = self._tasks[task_id]
                running.process.stop()
                running.status = Status(task_id, "cancelled", running.process.code())

    def _look(self, task_id: str) -> Status:
        running = self._tasks.get(task_id)
        if running is None:
            raise InputError(f"no task {task_id!r} was submitted here", fix="poll the ids that submit gave")
        if running.status.has_ended:
            return running.status
        code, limit = running.process.code(), running.task.time_limit_s
        if code is None and limit is not None and time.monotonic() - running.began > limit:
            running.process.stop()
            running.status = Status(
                task_id, "failed", running.process.code(), f"over its limit of {limit:g} s"
            )
        elif code is not None:
            running.process.stop()  # what it left behind
            running.status = Status(task_id, "completed" if code == 0 else "failed", code, _why(code))
        return running.status


def _why(code: int) -> str:
    """
    >>> _why(0), _why(3), _why(-9)
    ('', 'exit code 3', 'ended by SIGKILL')
    """
    if code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return f"exit code {code}" if code else ""


def _check(task: Task) -> None:
    foreign = set(task.cpus) - os.sched_getaffinity(0)
    if foreign:
        raise InputError(
            f"task {task.name!r} asks for processors that we may not use: {sorted(foreign)}",
            where="cpus",
            fix=f"choose among {sorted(os.sched_getaffinity(0))}",
        )
