"""What stands between us and a program that we start: it ends when we end, and stays on its processors.

Run by path, `python -I -S launch.py PARENT CPUS -- PROGRAM WORDS...`; it becomes the program.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
NOT_FOUND, NOT_ALLOWED = 127, 126  # as a shell says it


def main(words: list[str]) -> int:
    """Become the program; returns an exit code only where that is impossible."""
    parent, cpus, program = int(words[0]), words[1], words[3:]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it went before we could ask
        return 1
    if cpus:
        os.sched_setaffinity(0, {int(cpu) for cpu in cpus.split(",")})
    try:
        os.execvp(program[0], program)  # noqa: S606  no shell is wanted
    except FileNotFoundError:
        return NOT_FOUND
    except OSError:
        return NOT_ALLOWED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
