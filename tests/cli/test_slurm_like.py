"""`slurm-like` and who skips or drops jobs, on a machine that is a number: as for any other profile, and no nodes."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest
from tests.cli.command import swf
from typer.testing import CliRunner

from timonier.cli.app import app
from timonier.kit.errors import InputError

# a until 100 on 3 of 4; b wants all, and is seen from 60 on (resolution); c ends by then, d would not
LOG = swf([(0, 100, 3, 100), (10, 50, 4, 60), (20, 25, 1, 30), (21, 300, 1, 400)], "; MaxProcs: 4\n")
RUNNER = CliRunner()


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.swf"
    path.write_text(LOG)
    return path


def run(*words):
    result = RUNNER.invoke(app, list(map(str, words)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def simulated(log, folder, *words):
    run("simulate", log, "-o", folder, *words)
    return pq.read_table(folder / "jobs.parquet")


def test_a_run_under_slurm_like_keeps_every_promise_and_names_no_node(log, tmp_path):
    table = simulated(log, tmp_path / "run", "--profile", "slurm-like")
    assert table.column("start_s").to_pylist() == [0, 100, 30, 150]  # c in the cycle of 30 s, b as a ends
    assert run("check", tmp_path / "run").stdout.endswith("every promise kept\n")
    assert table.column("nodes").null_count == len(table)
    placed = pq.read_table(tmp_path / "run" / "placements.parquet")
    assert placed.column("cores").to_pylist() == [3, 4, 1, 1]
    for name in ("task", "node", "gpu"):
        assert placed.column(name).null_count == len(placed)
    metrics = json.loads((tmp_path / "run" / "summary.json").read_text())["metrics"]
    assert metrics["utilisation"] > 0
    assert {metrics[name] for name in ("gpu_fragmentation", "stranded_cores", "short_first_cores")} == {None}


def test_knobs_are_overridden_one_by_one(log, tmp_path):
    words = ("--profile", "slurm-like", "--set", "backfill.depth=1")
    assert simulated(log, tmp_path / "run", *words).column("start_s").to_pylist() == [0, 100, 150, 150]


def test_a_run_goes_on_from_a_state_between_two_cycles(log, tmp_path):
    words = ("--profile", "slurm-like", "--machine", 4)
    run("simulate", log, *words, "--until", 25, "--save-state", tmp_path / "now.parquet")
    table = simulated(tmp_path / "now.parquet", tmp_path / "rest", *words)
    assert table.column("start_s").to_pylist() == [0, 100, 30, 150]
    assert run("check", tmp_path / "rest").stdout.endswith("every promise kept\n")
    told = run("when", tmp_path / "now.parquet", "--machine", 4, "--profile", "slurm-like").stdout
    assert told == "job_id,start_s\n2,100\n3,30\n4,160\n"


@pytest.mark.parametrize(
    ("blocked", "starts"), [("skip", [0, 321, 20, 21]), ("drop", [0, None, 20, None]), ("partition", None)]
)
def test_what_a_blocked_job_blocks(blocked, starts, log, tmp_path):
    table = simulated(log, tmp_path / "run", "--profile", "fcfs", "--set", f"cycle.blocked={blocked}")
    assert table.column("start_s").to_pylist() == starts or [0, 100, 150, 150]
    assert run("check", tmp_path / "run").stdout.endswith("every promise kept\n")
    dropped = [state == "dropped" for state in table.column("state").to_pylist()]
    assert dropped == [start is None for start in table.column("start_s").to_pylist()]


def test_compare_and_its_report_take_them(tmp_path):
    out = tmp_path / "results"
    model = ("lab", "--jobs", 300, "--load", 0.9, "--machine", 16, "--seed", 1)
    run("compare", *model, "-p", "easy,slurm-like,kubernetes-default,fgd", "--repeats", 2, "-o", out)
    scores = (out / "scores.csv").read_text()
    assert "slurm-like,0,wait_mean_s," in scores
    assert "slurm-like,0,gpu_fragmentation,," in scores  # unknown, as on any count
    report = (out / "report.html").read_text()
    assert "planned in order" in report
    assert "one that does not fit at once is turned away" in report


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["cycle.blocked=skip"], 'set cycle.blocked = "queue"'),
        (["backfill.depth=0"], "below 1"),
        (["backfill.window=0s"], "below 1"),
        (["backfill.resolution=fast"], "backfill.resolution"),
        (["backfill.interval=30s"], "unknown"),
    ],
)
def test_a_wrong_knob_is_one_clear_error(settings, said, log):
    words = [word for setting in settings for word in ("--set", setting)]
    with pytest.raises(InputError) as caught:
        run("simulate", log, "--profile", "slurm-like", *words)
    assert said in str(caught.value)


def test_what_places_jobs_on_nodes_is_told_on_a_count(log):
    said = run("simulate", log, "--profile", "best-fit")
    assert "place.score: all nodes are alike on a counted machine" in said.output
