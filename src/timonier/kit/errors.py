"""What can go wrong, and what the user reads when it does.

TimonierError          says what, where and how to fix it
├── InputError         your input or command is wrong       exit code 2
└── MachineFailure     the machine failed us (disk, worker)  exit code 1
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TimonierError(Exception):
    """An error meant for a person: what happened, where, and how to fix it."""

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where  {self.where}")
        if self.fix:
            lines.append(f"  fix    {self.fix}")
        return "\n".join(lines)


class InputError(TimonierError):
    """The input or the command is wrong; nothing was written."""

    exit_code = 2


class MachineFailure(TimonierError):
    """The machine failed us: disk full, file unreadable, worker killed."""

    exit_code = 1


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence that offers the known names nearest to `name`, else lists them all."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}? (known: {', '.join(names)})"
    return f"known: {', '.join(names)}"
