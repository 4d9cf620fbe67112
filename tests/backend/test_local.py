"""The local backend keeps the promises of the three verbs."""

from __future__ import annotations

import os
import shutil
import sys
import time

import pytest

from timonier.backend import BACKENDS, Task, open_backend
from timonier.kit.errors import InputError


def until_ended(backend, task_id, seconds=20.0):
    limit = time.monotonic() + seconds
    while True:
        status = backend.poll([task_id])[task_id]
        if status.has_ended:
            return status
        assert time.monotonic() < limit
        time.sleep(0.02)


def task(folder, line, **more):
    return Task("t", (sys.executable, "-c", line), folder, **more)


@pytest.fixture(params=BACKENDS)
def backend(request):
    return open_backend(request.param)


def test_a_task_that_ends_well_is_completed_and_its_words_are_in_its_folder(backend, tmp_path):
    task_id = backend.submit(
        task(tmp_path, "import os; print(os.environ['WORD'], os.getcwd())", environment={"WORD": "x"})
    )
    status = until_ended(backend, task_id)
    assert (status.state, status.code, status.why) == ("completed", 0, "")
    assert (tmp_path / "stdout").read_text().split() == ["x", str(tmp_path)]


def test_a_task_that_ends_badly_has_failed_and_says_how(backend, tmp_path):
    status = until_ended(backend, backend.submit(task(tmp_path, "raise SystemExit(3)")))
    assert (status.state, status.code, status.why) == ("failed", 3, "exit code 3")
    status = until_ended(backend, backend.submit(task(tmp_path, "import os; os.kill(os.getpid(), 9)")))
    assert (status.state, status.code, status.why) == ("failed", -9, "ended by SIGKILL")


def test_a_cancelled_task_ends_with_what_it_started(backend, tmp_path):
    line = "import subprocess, time; print(subprocess.Popen(['sleep', '1000']).pid, flush=True); time.sleep(1000)"
    task_id = backend.submit(task(tmp_path, line))
    while not (tmp_path / "stdout").read_text().strip():
        time.sleep(0.02)
    child = int((tmp_path / "stdout").read_text())
    assert backend.poll([task_id])[task_id].state == "running"
    backend.cancel([task_id])
    assert backend.poll([task_id])[task_id].state == "cancelled"
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    backend.cancel([task_id])  # once more changes nothing
    assert backend.poll([task_id])[task_id].state == "cancelled"


def test_a_task_over_its_time_is_ended(backend, tmp_path):
    status = until_ended(
        backend, backend.submit(task(tmp_path, "import time; time.sleep(1000)", time_limit_s=0.3))
    )
    assert status.state == "failed"
    assert "limit of 0.3 s" in status.why


def test_many_are_asked_at_once(backend, tmp_path):
    ids = [backend.submit(task(tmp_path, "pass")) for _ in range(3)]
    assert set(backend.poll(ids)) == set(ids)
    for task_id in ids:
        until_ended(backend, task_id)


def test_a_task_stays_on_its_processors(backend, tmp_path):
    cpu = max(os.sched_getaffinity(0))
    until_ended(
        backend, backend.submit(task(tmp_path, "import os; print(os.sched_getaffinity(0))", cpus=(cpu,)))
    )
    assert (tmp_path / "stdout").read_text().strip() == str({cpu})
    with pytest.raises(InputError, match="may not use"):
        backend.submit(task(tmp_path, "pass", cpus=(99_999,)))


def test_an_unknown_id_and_an_unknown_backend_are_refused(backend):
    with pytest.raises(InputError, match="no task"):
        backend.poll(["nobody"])
    with pytest.raises(InputError, match="no backend 'slrum'"):
        open_backend("slrum")


@pytest.mark.skipif(shutil.which("mpirun") is None, reason="no mpirun")
def test_ranks_are_started_by_mpirun(backend, tmp_path):
    line = "import os; print(os.environ['OMPI_COMM_WORLD_RANK'], end=' ', flush=True)"
    status = until_ended(backend, backend.submit(task(tmp_path, line, ranks=2)), 60.0)
    assert status.state == "completed", (tmp_path / "stderr").read_text()
    assert sorted((tmp_path / "stdout").read_text().replace(" ", "")) == ["0", "1"]  # lines may mix


def test_without_mpirun_the_line_to_install_it_is_said(backend, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="no mpirun") as caught:
        backend.submit(task(tmp_path, "pass", ranks=2))
    assert "apt-get install openmpi-bin" in caught.value.fix
