"""The command starts at once: what it loads, and how long it takes."""

from __future__ import annotations

import os
import re
import resource
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.command import LINE, environment, swf, timonier
from typer.testing import CliRunner

from timonier.cli.app import app
from timonier.cli.document import render_page

HEAVY = {"numba", "llvmlite", "numpy", "pyarrow", "plotext", "scipy", "pandas", "matplotlib"}


def cpu_s(*words):
    """CPU seconds of one command: what it takes on an idle machine, also on a busy one."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*LINE, *map(str, words)], check=True, capture_output=True, env=environment())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def loaded_by(*words):
    """The packages that a command loads."""
    line = [sys.executable, "-X", "importtime", *LINE[1:], *map(str, words)]
    done = subprocess.run(line, capture_output=True, text=True, check=True, env=environment())
    names = [line.rsplit("|", 1)[1] for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {name.strip().split(".")[0] for name in names}


@pytest.mark.parametrize("words", [["--help"], ["simulate", "--help"], ["describe", "16"]], ids=" ".join)
def test_help_loads_nothing_heavy(words):
    assert loaded_by(*words) & HEAVY == set()


def test_help_takes_less_than_four_tenths_of_a_second():
    assert min(cpu_s("--help") for _ in range(3)) < 0.4


@pytest.mark.long
@pytest.mark.skipif("NUMBA_DISABLE_JIT" in os.environ, reason="times the compiled engine")
def test_a_cached_simulation_of_ten_thousand_jobs_takes_less_than_a_second(tmp_path):
    """On a machine that does nothing else: shared cores are slower."""
    log = tmp_path / "log.swf"
    log.write_text(
        swf([(j * 60, 10 + j * 7 % 900, 1 + j % 16, 1000) for j in range(10_000)], "; MaxProcs: 128\n")
    )
    timonier("simulate", log)
    assert min(cpu_s("simulate", log) for _ in range(7)) < 1.0


# ---- how it ends

ABORTS = """
import ctypes
from timonier.cli import main
libc = ctypes.CDLL(None)
libc.__cxa_atexit(ctypes.cast(libc.abort, ctypes.c_void_p), None, None)
main()
"""


@pytest.mark.parametrize(("words", "code"), [(["--version"], 0), (["simulate", "no-such-file"], 2)])
def test_what_cpp_does_on_its_way_out_changes_no_exit_code(words, code):
    """Destructors of Arrow's thread pools sometimes abort the process; nothing of ours is left to do then."""
    line = [sys.executable, "-c", ABORTS, *words]
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=environment())
    assert done.returncode == code
    assert done.stdout.startswith("timonier ") if code == 0 else "no-such-file" in done.stderr


# ---- what the pages say of the commands

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_the_commands_is_fresh():
    """Make it again with: python -m timonier.cli.document > docs/reference/commands.md."""
    assert (DOCS / "reference" / "commands.md").read_text() == render_page()


def test_the_commands_of_the_how_to_page_run_as_they_stand(tmp_path, monkeypatch):
    page = (DOCS / "how-to" / "simulate.md").read_text()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(re.findall(r"```toml\n(.*?)```", page, re.DOTALL)[0])
    (tmp_path / "queue.csv").write_text(re.findall(r"```csv\n(.*?)```", page, re.DOTALL)[0])
    lines = "".join(re.findall(r"```sh\n(.*?)```", page, re.DOTALL)).splitlines()
    assert len(lines) > 8
    for line in lines:
        result = CliRunner().invoke(app, shlex.split(line)[1:], catch_exceptions=False)
        assert result.exit_code == 0, f"{line}: {result.output}"
