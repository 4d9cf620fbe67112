"""Programs that we start end with us, stay where they are put, and fail in words."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from timonier.kit.command import find, run, start
from timonier.kit.errors import InputError, MachineFailure

SRC = Path(__file__).parents[2] / "src"


def is_alive(pid):
    """Does it run?  A zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_until(claim, seconds=10.0):
    until = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < until, "in vain"
        time.sleep(0.02)


def test_run_gives_what_the_program_says_and_its_code():
    done = run(["sh", "-c", "cat; echo $WORD; echo no >&2; exit 3"], stdin="in\n", env={"WORD": "out"})
    assert (done.stdout, done.stderr, done.code) == ("in\nout\n", "no\n", 3)


def test_a_missing_program_is_named():
    assert find("no-such-program") is None
    with pytest.raises(InputError, match="no-such-program"):
        run(["no-such-program"])


def test_a_program_that_takes_too_long_is_ended_with_what_it_started():
    before = time.monotonic()
    with pytest.raises(MachineFailure, match="did not end"):
        run(["sh", "-c", "sleep 87654 & sleep 87654"], timeout_s=0.3)
    assert time.monotonic() - before < 8
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not any(b"87654" in command for command in commands)


def test_start_pins_and_stop_ends_the_group(tmp_path):
    cpu = max(os.sched_getaffinity(0))
    line = f"import os, time; print(sorted(os.sched_getaffinity(0)) == [{cpu}], flush=True); time.sleep(100)"
    started = start(
        [sys.executable, "-c", line], stdout=tmp_path / "out", stderr=tmp_path / "err", cpus=[cpu]
    )
    wait_until((tmp_path / "out").read_text)
    assert (tmp_path / "out").read_text() == "True\n"
    assert started.code() is None
    assert started.wait(0.01) is None
    started.stop()
    assert started.code() == -signal.SIGTERM


def test_what_we_started_ends_when_we_are_killed(tmp_path):
    """SIGKILL leaves us no time to tidy up: the kernel does it."""
    line = (
        "import sys, time\nfrom timonier.kit.command import start\n"
        f"print(start(['sleep', '1000'], stdout={str(tmp_path / 'o')!r}, stderr={str(tmp_path / 'e')!r}).pid, flush=True)\n"
        "time.sleep(1000)"
    )
    us = subprocess.Popen(
        [sys.executable, "-c", line],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SRC)},
    )
    child = int(us.stdout.readline())
    assert is_alive(child)
    us.kill()
    us.communicate()
    wait_until(lambda: not is_alive(child))
