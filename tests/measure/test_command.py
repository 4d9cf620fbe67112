"""timonier measure as people run it: figures, partial figures, and one clear message for whatever is wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cli.command import LINE, environment, timonier

from timonier.measure import read_store

SMALL = (
    "--set",
    "n=200000",
    "--set",
    "passes=3",
)  # a STREAM that fits the caches: for tests of the command only


def complaint(done, code):
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("error:") == 1
    return done.stderr


def children_of(folder):
    """Processes that work in a folder below this one."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            place, state = (
                str((path / "cwd").readlink()),
                (path / "stat").read_text().rsplit(")", 1)[1].split()[0],
            )
        except OSError:
            continue
        if place.startswith(str(folder)) and state != "Z":
            found.append(int(path.name))
    return found


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A store with the figures of a small STREAM, and what the command said."""
    out = tmp_path_factory.mktemp("measured") / "store"
    done = timonier("measure", "stream", *SMALL, "--budget", "1s", "-o", out)
    assert done.returncode == 0, done.stderr
    return out, done


def test_each_figure_has_its_interval_conditions_versions_and_samples(measured):
    out, _ = measured
    found = read_store(out)
    assert {one.name for one in found} == {f"stream.{loop}" for loop in ("copy", "scale", "add", "triad")}
    assert {one.label for one in found} >= {"all cores", "one core"}
    for one in found:
        assert one.state == "measured"
        assert one.stopped in ("interval", "budget", "planned")
        assert one.repeats == len(one.samples) >= 1
        assert one.value == pytest.approx(sum(s.value for s in one.samples) / one.repeats)
        assert one.low is None or one.low <= one.value <= one.high
        assert one.unit == "B/s"
        assert one.settings["n"] == 200_000
        assert {"numpy", "numba", "python", "kernel", "timonier"} <= set(one.versions)
        assert [check.passed for check in one.checks] == [True]
        assert one.share is None
        assert one.peak_reason
        assert "not by the rules" in one.note


def test_the_store_is_tables_with_a_manifest(measured):
    import pyarrow.parquet as pq

    out, _ = measured
    manifest = (out / "manifest.toml").read_text()
    assert 'schema = "timonier/measurements/1"' in manifest
    figures, samples = (
        pq.read_table(out / f"{name}.parquet").to_pylist() for name in ("measurements", "samples")
    )
    assert sum(row["repeats"] for row in figures) == len(samples)


def test_the_store_has_its_page(measured):
    page = (measured[0] / "report.html").read_text()
    assert "<svg" in page
    assert "http" not in page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    ).replace("https://matplotlib.org", "")


def test_new_figures_are_added_and_the_same_again_replace_the_old(measured, tmp_path):
    out = tmp_path / "store"
    shutil.copytree(measured[0], out)
    before = read_store(out)
    done = timonier(
        "measure", "latency", "--set", "bytes=32768", "--budget", "0.5s", "-o", out, "--output", "json"
    )
    (row,) = json.loads(done.stdout)
    assert (row["name"], row["unit"], row["state"]) == ("latency.memory", "s", "measured")
    assert len(read_store(out)) == len(before) + 1
    timonier("measure", "latency", "--set", "bytes=32768", "--budget", "0.5s", "-o", out)
    assert len(read_store(out)) == len(before) + 1


def test_stores_are_merged(measured, tmp_path):
    done = timonier(
        "measure", "merge", measured[0], measured[0], "-o", tmp_path / "both", "--output", "quiet"
    )
    assert done.returncode == 0, done.stderr
    assert len(read_store(tmp_path / "both")) == len(read_store(measured[0]))
    assert (tmp_path / "both" / "report.html").exists()


def test_the_list_names_every_benchmark_with_its_settings():
    done = timonier("measure", "list")
    for name in (
        "stream",
        "gups",
        "latency",
        "gemm",
        "hpl",
        "hpl-like",
        "hpl-mxp",
        "hpcg",
        "graph500",
        "network",
        "gpu",
    ):
        assert f"\n{name}: " in f"\n{done.stdout}"
    assert "--set scale=18" in done.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["streem"], "did you mean 'stream'"),
        (["stream", "--budget", "soon"], "'soon' is not seconds"),
        (["stream", "--budget", "0s"], "longer than nothing"),
        (["stream", "--set", "m=3"], "known: n, passes"),
        (["stream", "--set", "n"], "key=value"),
        (["stream", "--set", "n=many"], "whole number above 0"),
        (["stream", "--set", "n=900000000000000"], "GiB are free"),
        (["stream", "--backend", "slurmm"], "no backend 'slurmm'"),
        (["hpcg", "--set", "n=60"], "cannot be halved"),
        (["hpcg", "--set", "nx=160", "--set", "n=16"], "too flat"),
        (["hpcg", "--set", "variant=fast"], "plain, reuse or both"),
        (["graph500", "--set", "scale=60"], "GiB are free"),
        (["gemm", "--set", "kinds=float46", "--budget", "1s"], "did you mean 'float64'"),
        (["network", "--ranks", "1"], "nobody to talk to"),
        (["all", "--set", "n=3"], "settings are those of one benchmark"),
        (["merge"], "nothing to merge"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_input_is_met_with_one_message_and_nothing_is_written(words, expected, tmp_path):
    out = tmp_path / "store"
    said = complaint(timonier("measure", *words, "-o", out), 2)
    assert expected in said
    assert not out.exists()


def test_a_store_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    complaint(timonier("measure", "stream", *SMALL, "--budget", "1s", "-o", tmp_path), 2)
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_a_budget_too_small_says_how_much_is_needed(tmp_path):
    words = ["hpcg", "--ranks", "1", "--set", "n=32", "--set", "variant=plain", "--budget", "0.01s"]
    done = timonier("measure", *words, "-o", tmp_path / "out")
    said = complaint(done, 2)
    assert "is too small" in said
    assert "--budget" in said
    assert {one.state for one in read_store(tmp_path / "out")} == {"partial"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupted_run_keeps_what_it_has_and_leaves_no_process(number, tmp_path):
    out, temporary = tmp_path / "out", tmp_path / "tmp"
    temporary.mkdir()
    running = begin(["stream", *SMALL, "--budget", "100s", "-o", str(out)], temporary)
    wait_for_sample(running, temporary)
    running.send_signal(number)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "marked partial" in said
    found = read_store(out)
    assert {(one.state, one.stopped, one.reason) for one in found} == {
        ("partial", "interrupted", "interrupted")
    }
    assert children_of(temporary) == []
    assert list(temporary.iterdir()) == []


def test_a_worker_that_is_killed_leaves_partial_figures_and_a_message(tmp_path):
    out, temporary = tmp_path / "out", tmp_path / "tmp"
    temporary.mkdir()
    running = begin(["stream", *SMALL, "--budget", "100s", "-o", str(out)], temporary)
    wait_for_sample(running, temporary)
    for pid in children_of(temporary):
        os.kill(pid, signal.SIGKILL)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "was killed; most often the memory did not suffice" in said
    assert {one.state for one in read_store(out)} == {"partial"}


def test_nobody_is_left_when_the_command_itself_is_killed(tmp_path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    running = begin(["stream", *SMALL, "--budget", "100s", "-o", str(tmp_path / "out")], temporary)
    wait_for_sample(running, temporary)
    running.kill()
    running.communicate()
    limit = time.monotonic() + 20
    while children_of(temporary):
        assert time.monotonic() < limit, "orphans"
        time.sleep(0.05)


@pytest.mark.skipif(shutil.which("mpirun") is None, reason="no mpirun")
def test_ranks_end_when_the_command_is_killed(tmp_path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    words = ["hpcg", "--ranks", "2", "--set", "n=16", "--set", "variant=plain", "--budget", "100s"]
    running = begin([*words, "-o", str(tmp_path / "out")], temporary)
    wait_for_sample(running, temporary)
    assert len(children_of(temporary)) >= 3
    running.kill()
    running.communicate()
    limit = time.monotonic() + 30
    while children_of(temporary):
        assert time.monotonic() < limit, "orphans"
        time.sleep(0.05)


def test_a_full_disk_is_named_before_the_work_begins(tmp_path):
    """Files may not grow at all: as on a full disk."""
    limit = (
        "import resource, runpy, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); sys.argv[0] = 'timonier'; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); runpy.run_module('timonier.cli', run_name='__main__')"
    )
    line = [sys.executable, "-c", limit]
    done = subprocess.run(
        [*line, "measure", "stream", *SMALL, "--budget", "1s", "-o", tmp_path / "out"],
        capture_output=True, text=True, check=False, env=environment(), timeout=120,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "cannot write" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_task_that_cannot_write_says_so_and_keeps_what_it_wrote(tmp_path):
    """Its folder is on a disk of 16 KiB, the store is not."""
    place = tmp_path / "tiny"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a small disk needs root")
    try:
        words = ["graph500", "--set", "scale=10", "--budget", "20s", "-o", str(tmp_path / "out")]
        running = begin(words, place)  # 128 searches, a line each, always: more than the disk holds
        _, said = running.communicate(timeout=100)
        assert list(place.iterdir()) == []
    finally:
        subprocess.run(["umount", str(place)], check=True)
    assert running.returncode == 1
    assert "the disk is full or read-only" in said
    assert {one.state for one in read_store(tmp_path / "out")} == {"partial"}


def test_memory_that_is_refused_is_said_with_what_to_do(tmp_path):
    """The machine has it, but we may not take it: found only when the arrays are asked for."""
    limit = (
        "import resource, runpy, sys; sys.argv[0] = 'timonier'; "
        "resource.setrlimit(resource.RLIMIT_DATA, (3 << 30, 3 << 30)); runpy.run_module('timonier.cli', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", limit, "measure", "stream", "--threads", "1", "--set", "n=200000000", "-o", tmp_path / "out"],
        capture_output=True, text=True, check=False, env=environment(), timeout=120,
    )  # fmt: skip
    if "GiB are free" in done.stderr:
        pytest.skip("this machine has less than 5 GiB free")
    said = complaint(done, 1)
    assert "not enough memory" in said
    assert "take a smaller problem with --set" in said
    assert list(tmp_path.iterdir()) == []


def test_the_budget_is_kept(measured):
    """Each task has its half of the second; a repeat that has begun is finished."""
    for one in read_store(measured[0]):
        longest = max(sample.wall_s for sample in one.samples)
        assert one.samples[-1].at_s - one.samples[0].at_s <= 0.5 + longest
        assert sum(sample.wall_s for sample in one.samples) <= 0.5 + longest


def test_progress_is_shown_on_a_terminal_from_the_second_second_on(tmp_path):
    try:
        ours, theirs = os.openpty()
    except OSError as error:
        pytest.skip(f"no pseudo-terminal: {error}")
    words = ["graph500", "--set", "scale=17", "--budget", "20s", "-o", str(tmp_path / "out")]
    running = subprocess.Popen(  # 128 searches whatever their spread: over two seconds on any machine
        [*LINE, "measure", *words], stdout=subprocess.DEVNULL, stderr=theirs, env={**environment(), "TERM": "xterm"}
    )  # fmt: skip
    os.close(theirs)
    said, began, first = b"", time.monotonic(), None
    try:
        while piece := os.read(ours, 4096):
            said += piece
            if first is None and b"measuring graph500" in said:
                first = time.monotonic() - began
    except OSError:  # the terminal's other end has gone
        pass
    assert running.wait(60) == 0
    assert first is not None
    assert b"root 64 of 64" in said


@pytest.mark.parametrize(
    ("name", "hidden", "fix"),
    [
        ("hpl-like", "scipy", "pip install 'timonier[measure]'"),
        ("hpl-mxp", "scipy", "pip install 'timonier[measure]'"),
        ("network", "mpi4py", "pip install 'timonier[mpi]'"),
    ],
)
def test_a_missing_package_is_named_with_the_line_to_install_it(name, hidden, fix, monkeypatch):
    from timonier.kit.errors import InputError
    from timonier.measure import packages
    from timonier.measure.here import look
    from timonier.measure.recipe import Wanted, benchmark

    real = packages.is_installed
    monkeypatch.setattr(packages, "is_installed", lambda wanted: wanted != hidden and real(wanted))
    if name == "network" and shutil.which("mpirun") is None:
        pytest.skip("no mpirun")
    with pytest.raises(InputError, match=f"the package {hidden} is missing") as caught:
        benchmark(name).plan(look(), Wanted())
    assert caught.value.fix == fix


@pytest.mark.parametrize("name", ["network", "hpcg"])
def test_missing_mpi_is_named_with_the_line_to_install_it(name, monkeypatch, tmp_path):
    from timonier.kit.errors import InputError
    from timonier.measure.here import look
    from timonier.measure.recipe import Wanted, benchmark

    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="no mpirun") as caught:
        benchmark(name).plan(look(), Wanted(ranks=2))
    assert "apt-get install openmpi-bin" in caught.value.fix


def test_missing_hpl_is_named_with_the_line_to_install_it(monkeypatch, tmp_path):
    from timonier.kit.errors import InputError
    from timonier.measure.hpl import _program

    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="neither xhpl nor hpcc") as caught:
        _program("xhpl")
    assert "apt-get install hpcc" in caught.value.fix


def begin(words, temporary):
    return subprocess.Popen(
        [*LINE, "measure", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**environment(), "TMPDIR": str(temporary)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509  no threads here
    )  # fmt: skip


def wait_for_sample(running, temporary):
    """Until a task has reported a repeat."""
    limit = time.monotonic() + 120
    while not any(
        '"sample"' in path.read_text() for path in temporary.glob("timonier-measure-*/events.jsonl")
    ):
        assert time.monotonic() < limit
        assert running.poll() is None, running.communicate()
        time.sleep(0.05)


def test_a_walk_over_too_few_bytes_is_refused(tmp_path):
    done = timonier("measure", "latency", "--set", "bytes=8", "-o", tmp_path / "out")
    assert "--set bytes=4096 or more" in complaint(done, 2)
    assert not (tmp_path / "out").exists()
