"""Whatever is wrong, one message says what, where and how to fix it; nothing is left half-written."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import time
from pathlib import Path

import pytest
from tests.cli.command import TRACES, start, swf, timonier

GOOD = swf([(0, 10, 1, 20), (5, 30, 2, 40), (6, 5, 4, 10)], "; MaxProcs: 4\n")


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.swf"
    path.write_text(GOOD)
    return path


@pytest.fixture(scope="module")
def heavy(tmp_path_factory):
    """A workload with which conservative backfill is busy for minutes: more work than the machine can do."""
    rng = random.Random(1)
    rows = [(j * 300, 1 + rng.randrange(1500), 1 + rng.randrange(60), 1800) for j in range(200_000)]
    path = tmp_path_factory.mktemp("heavy") / "heavy.swf"
    path.write_text(swf(rows, "; MaxProcs: 64\n"))
    return path


def complaint(done, code):
    """The one message of a command that failed."""
    assert done.returncode == code, done.stderr
    assert done.stdout in ("", None)
    assert "Traceback" not in done.stderr
    assert done.stderr.count("error:") == 1
    return done.stderr


def test_a_truncated_gz(tmp_path):
    path = tmp_path / "log.swf.gz"
    path.write_bytes(gzip.compress(swf([(j, 10 + j % 7, 1, 20) for j in range(5000)]).encode())[:-2000])
    assert str(path) in complaint(timonier("simulate", path, "-m", 4), 2)


def test_a_binary_file(tmp_path):
    path = tmp_path / "log.swf"
    path.write_bytes(random.Random(2).randbytes(4000))
    assert str(path) in complaint(timonier("simulate", path, "-m", 4), 2)


def test_a_header_that_contradicts_the_jobs_is_noted(tmp_path):
    path = tmp_path / "log.swf"
    path.write_text("; MaxJobs: 99\n; MaxRecords: 99\n" + GOOD)
    done = timonier("simulate", path, "--output", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["noted"] != {}


def test_negative_times(tmp_path):
    path = tmp_path / "jobs.csv"
    path.write_text("job_id,submit_s,runtime_s\na,-5,10\nb,0,10\n")
    assert "submit_s" in complaint(timonier("simulate", path, "-m", 4), 2)


def test_a_job_larger_than_the_machine_is_counted_and_noted(log, tmp_path):
    done = timonier("simulate", log, "-m", 2, "-o", tmp_path / "run.csv", "--output", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["jobs"]["unrunnable"] == 1
    row = (tmp_path / "run.csv").read_text().splitlines()[3]
    assert "unrunnable" in row
    assert "asks for 4 processors; the machine has 2" in row


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["--profile", "esay"], "did you mean 'easy'?"),
        (["--set", "order.rul=sjf"], "did you mean 'rule'?"),
        (["--set", "ordre.rule=sjf"], "did you mean 'order'?"),
        (["--set", "order.rule=sjff"], "did you mean 'sjf'?"),
    ],
)
def test_an_unknown_name_gets_the_nearest_known_one(log, words, offered):
    assert offered in complaint(timonier("simulate", log, *words), 2)


@pytest.mark.parametrize(
    ("file", "content", "offered"),
    [
        ("p.toml", 'schema = "timonier/profile/1"\nname = "p"\n[bakfill]\nrule = "easy"\n', "'backfill'"),
        ("m.toml", 'schema = "timonier/machine/1"\nname = "m"\nprocesors = 4\n', "'processors'"),
    ],
)
def test_an_unknown_key_of_a_file(log, tmp_path, file, content, offered):
    (tmp_path / file).write_text(content)
    option = "--profile" if file == "p.toml" else "--machine"
    assert f"did you mean {offered}?" in complaint(timonier("simulate", log, option, tmp_path / file), 2)


def test_an_unknown_option_gets_the_nearest_known_one(log):
    done = timonier("simulate", log, "--profil", "easy")
    assert done.returncode == 2
    assert "--profile" in done.stderr


def test_a_log_that_does_not_know_its_machine():
    path = TRACES / "swf-cerit-wagap-2013" / "wagap-2013.swf"
    if not path.is_file():
        pytest.skip("needs the public logs in ../shared/traces")
    assert "--machine N" in complaint(timonier("simulate", path), 2)


@pytest.mark.parametrize("name", ["run.xlsx", "no/such/run.csv"])
def test_names_that_cannot_be_written_are_refused_at_once(log, tmp_path, name):
    complaint(timonier("simulate", log, "-o", tmp_path / name), 2)


@pytest.mark.parametrize("until", ["nan", "inf"])
def test_an_instant_that_is_none(log, until):
    assert "--until" in complaint(timonier("simulate", log, "--until", until), 2)


@pytest.mark.parametrize(
    "words", [["simulate", "none.swf"], ["simulate", "LOG", "--seed", "x"], ["when", "LOG"]]
)
def test_errors_are_one_json_object_where_json_is_asked_for(log, words):
    done = timonier(*[log if word == "LOG" else word for word in words], "--output", "json")
    assert (done.returncode, done.stdout) == (2, "")
    assert set(json.loads(done.stderr)) == {"what", "where", "fix"}


# ---- the disk


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Jobs whose run table is larger than 1 MB in every format."""
    rng = random.Random(3)
    rows = [(j * 900 + rng.randrange(900), 1 + rng.randrange(90_000), 1, 100_000) for j in range(200_000)]
    path = tmp_path_factory.mktemp("many") / "many.swf"
    path.write_text(swf(rows, "; MaxProcs: 128\n"))
    return path


@pytest.mark.parametrize("name", ["run.csv", "run.parquet", "run.swf", "run"])
def test_a_full_disk(tiny_disk, many, name):
    done = timonier("simulate", many, "-o", tiny_disk / name, "--output", "quiet")
    assert "the disk is full" in complaint(done, 1)
    assert list(tiny_disk.iterdir()) == []


def test_a_full_disk_for_the_state(tiny_disk, many):
    done = timonier(
        "simulate", many, "--until", 0, "--save-state", tiny_disk / "s.parquet", "--output", "quiet"
    )
    assert "the disk is full" in complaint(done, 1)
    assert list(tiny_disk.iterdir()) == []


def test_a_file_that_is_always_full(log, tmp_path):
    (tmp_path / "run.csv").symlink_to("/dev/full")
    done = timonier("simulate", log, "-o", tmp_path / "run.csv")
    assert "the disk is full" in complaint(done, 1)


def test_an_output_that_is_always_full(log):
    with Path("/dev/full").open("w") as full:
        done = timonier("simulate", log, stdout=full)
    assert "cannot write the result" in complaint(done, 1)


def test_a_reader_that_has_gone_ends_us_quietly(log):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        done = timonier("simulate", log, stdout=pipe)
    assert (done.returncode, done.stderr) == (1, "")


# ---- Ctrl-C and worse


def said(process):
    """What a process that tells its imports said besides, once it has ended."""
    _, stderr = process.communicate(timeout=120)
    return [line for line in stderr.splitlines() if not line.startswith("import time:")]


def wait_for(process, module):
    """Read stderr until this module has been loaded."""
    for line in process.stderr:
        if line.startswith("import time:") and line.rsplit("|", 1)[1].strip() == module:
            return
    raise AssertionError(f"{module} was never loaded")


@pytest.mark.parametrize(
    "module",
    [
        "inspect",  # the first that is loaded from the entry on
        "typer.main",
        "timonier.cli.app",
        "numpy.linalg",
        "pyarrow.lib",
        "pyarrow.compute",
        "numba.core.types",
        "llvmlite.binding",
        "timonier.simulate.folder",
    ],
)
def test_ctrl_c_while_modules_load(heavy, tmp_path, module):
    with start("simulate", heavy, "-p", "conservative", "-o", tmp_path / "run.csv") as process:
        wait_for(process, module)
        process.send_signal(signal.SIGINT)
        lines = said(process)
    assert (process.returncode, lines) == (1, ["interrupted; no file is half-written"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("after_s", [0.0, 0.5, 1.0])
def test_ctrl_c_in_the_middle_of_a_simulation(heavy, tmp_path, after_s):
    with start("simulate", heavy, "-p", "conservative", "-o", tmp_path / "run.csv") as process:
        wait_for(process, "timonier.simulate.folder")
        time.sleep(after_s)
        process.send_signal(signal.SIGINT)
        lines = [line for line in said(process) if "compil" not in line]
    assert (process.returncode, lines) == (1, ["interrupted; no file is half-written"])
    assert list(tmp_path.iterdir()) == []


def test_kill_9_in_the_middle_leaves_at_most_a_hidden_file_that_nobody_minds(heavy, log, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    with start("simulate", heavy, "-p", "conservative", "-o", out / "run.csv") as process:
        wait_for(process, "timonier.simulate.folder")
        time.sleep(0.5)
        process.kill()
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert all(path.name.startswith(".") and path.name.endswith(".part") for path in out.iterdir())
    (out / ".run.csv.abc.part").write_text("half")
    assert timonier("simulate", log, "-o", out / "run.csv").returncode == 0
    assert len((out / "run.csv").read_text().splitlines()) == 4


def test_ctrl_c_inside_one_huge_instant(tmp_path):
    """400,000 jobs come in the same second: one instant, and minutes of work."""
    log = tmp_path / "burst.swf"
    log.write_text(
        swf([(0, 60 + j % 997, 1 + j % 31, 900 + j % 7919) for j in range(400_000)], "; MaxProcs: 64\n")
    )
    with start("simulate", log, "-p", "conservative", "-o", tmp_path / "run.csv") as process:
        wait_for(process, "timonier.simulate.folder")
        time.sleep(6.0)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        lines = [line for line in said(process) if "compil" not in line]
    assert time.monotonic() - began < 3.0
    assert (process.returncode, lines) == (1, ["interrupted; no file is half-written"])
    assert list(tmp_path.iterdir()) == [log]


@pytest.mark.parametrize("after_s", [0.2, 1.0, 1.7])
def test_ctrl_c_while_the_engine_is_compiled(tmp_path, monkeypatch, after_s):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    log = tmp_path / "log.swf"
    log.write_text(swf([(0, 60, 1, 60)], "; MaxProcs: 4\n"))
    with start("simulate", log, "-p", "easy", "-o", tmp_path / "run.csv") as process:
        while "compiling the engine" not in process.stderr.readline():
            assert process.poll() is None
        time.sleep(after_s)
        process.send_signal(signal.SIGINT)
        assert (said(process), process.returncode) == (["interrupted; no file is half-written"], 1)
    assert not (tmp_path / "run.csv").exists()
