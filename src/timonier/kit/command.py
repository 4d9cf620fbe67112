"""The only place that starts processes.  Imported by name, never from an __init__.

A program that is started here ends when this process ends, however it ends, and has a process group of its own,
so that stopping it stops what it started.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from timonier.kit.errors import InputError, MachineFailure

_LAUNCH = Path(__file__).with_name("launch.py")
_GRACE_S = 5.0


@dataclass(frozen=True, slots=True)
class Done:
    """A program that has ended.  code: its exit code, -n where signal n ended it."""

    argv: tuple[str, ...]
    code: int
    stdout: str
    stderr: str


def find(program: str) -> str | None:
    """The path of a program on PATH, or None."""
    return shutil.which(program)


def run(
    argv: Sequence[str],
    *,
    timeout_s: float = 60.0,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
) -> Done:
    """Run a program to its end.  env is added to ours.

    Raises InputError where there is no such program, MachineFailure where it takes longer than timeout_s;
    a code other than 0 is for the caller to judge.
    """
    process = _open(
        argv, cwd=cwd, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        out, err = process.communicate(stdin.encode(), timeout=timeout_s)
    except subprocess.TimeoutExpired:
        _end(process)
        raise MachineFailure(
            f"{argv[0]} did not end within {timeout_s:g} s",
            where=" ".join(argv),
            fix="run it by hand to see why",
        ) from None
    except BaseException:
        _end(process)
        raise
    return Done(tuple(argv), process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


class Started:
    """A program that runs; stdout and stderr go to files."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Its process, which leads its group."""
        return self._process.pid

    def code(self) -> int | None:
        """Its exit code, -n where signal n ended it; None while it runs."""
        return self._process.poll()

    def wait(self, timeout_s: float) -> int | None:
        """The exit code as soon as it has ended, None after timeout_s."""
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout_s)
        return None

    def stop(self) -> None:
        """End it and what it started: asked first, then forced."""
        _end(self._process)


def start(
    argv: Sequence[str],
    *,
    stdout: str | Path,
    stderr: str | Path,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    cpus: Collection[int] = (),
) -> Started:
    """Start a program on the given processors (none: all that we may use).  env is added to ours."""
    with Path(stdout).open("wb") as out, Path(stderr).open("wb") as err:
        return Started(
            _open(argv, cwd=cwd, env=env, cpus=cpus, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        )


def _open(  # type: ignore[no-untyped-def]
    argv: Sequence[str],
    *,
    cwd: str | Path | None,
    env: Mapping[str, str] | None,
    cpus: Collection[int] = (),
    **streams,  # noqa: ANN003  as Popen takes them
) -> subprocess.Popen[bytes]:
    program = find(argv[0])
    if program is None:
        raise InputError(
            f"there is no program {argv[0]!r}", where="PATH", fix="install it, or put its folder on PATH"
        )
    words = [str(os.getpid()), ",".join(map(str, sorted(cpus))), "--", program, *argv[1:]]
    return subprocess.Popen(  # noqa: S603  the words are ours, no shell reads them
        [sys.executable, "-I", "-S", str(_LAUNCH), *words],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        start_new_session=True,
        **streams,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the group to end, and force what is left of it after a while."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        until = time.monotonic() + _GRACE_S
        while time.monotonic() < until:
            if process.poll() is not None and not _has_members(process.pid):
                _close(process)
                return
            time.sleep(0.02)
    _close(process)


def _has_members(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _close(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with suppress(OSError):
                stream.close()
