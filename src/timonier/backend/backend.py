"""What every backend can do, and the records that it takes and gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

# states in which a task has ended
ENDED = frozenset({"completed", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Task:
    """A program to run once.

    folder: where it runs; `stdout` and `stderr` of the program lie there afterwards.
    ranks: MPI processes (0: the program is started by itself).  cpus: the processors it may use (none: all).
    time_limit_s: it is ended after that.
    """

    name: str
    argv: tuple[str, ...]
    folder: Path
    ranks: int = 0
    cpus: tuple[int, ...] = ()
    time_limit_s: float | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Status:
    """How a task is.  state: pending, running, completed, failed or cancelled.  code: its exit code, -n: signal n."""

    task_id: str
    state: str
    code: int | None = None
    why: str = ""

    @property
    def has_ended(self) -> bool:
        """Will nothing more happen?"""
        return self.state in ENDED


class Backend(Protocol):
    """A place where tasks run.

    can: what it offers: `pin` (processors by number), `limit` (time limits), `ranks` (MPI processes).
    """

    @property
    def can(self) -> frozenset[str]:
        """What this backend offers."""

    def submit(self, task: Task) -> str:
        """Start the task, or put it in a queue.  Returns its id.  Raises InputError, MachineFailure."""

    def poll(self, task_ids: Iterable[str]) -> dict[str, Status]:
        """How these tasks are, asked once for all.  Raises InputError for an id that it never gave."""

    def cancel(self, task_ids: Iterable[str]) -> None:
        """End these tasks and all that they started; those that have ended stay as they are."""
