"""The real command, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SRC = Path(__file__).parents[2] / "src"
LINE = [sys.executable, "-m", "timonier.cli"]
TRACES = Path(__file__).parents[3] / "shared" / "traces"


def environment() -> dict[str, str]:
    path = os.pathsep.join([str(SRC), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path}


def timonier(*words: object, **more) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; stdout and stderr as text."""
    more.setdefault("stdout", subprocess.PIPE)
    return subprocess.run(
        [*LINE, *map(str, words)],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env=environment(),
        timeout=300,
        **more,
    )


def start(*words: object) -> subprocess.Popen[str]:
    """Start a command that says on stderr which modules it loads."""
    line = [LINE[0], "-X", "importtime", *LINE[1:], *map(str, words)]
    return subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )


def swf(rows: list[tuple[int, int, int, int]], header: str = "") -> str:
    """A log of (submit, run time, processors, limit)."""
    lines = [
        f"{number} {submit} -1 {run} {size} -1 -1 {size} {limit} -1 1 1 -1 -1 -1 -1 -1 -1"
        for number, (submit, run, size, limit) in enumerate(rows, 1)
    ]
    return header + "\n".join(lines) + "\n"
