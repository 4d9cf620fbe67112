"""`timonier simulate`: the page, its JSON twin, and every kind of file it writes."""

from __future__ import annotations

import json
import tomllib

import pyarrow.parquet as pq
import pytest
from tests.cli.command import swf
from typer.testing import CliRunner

from timonier.cli.app import app
from timonier.kit.errors import InputError
from timonier.workload import read_workload, write_table

HEADER = "job_id,submit_s,start_s,end_s,wait_s,run_s,size,state,attempts,lost_s,nodes,note"
# 2 waits for 1; 3 fits in the hole before 2
LOG = swf([(0, 100, 3, 100), (10, 50, 4, 60), (20, 30, 1, 30), (30, 90, 1, 40)], "; MaxProcs: 4\n")


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.swf"
    path.write_text(LOG)
    return path


def run(*words):
    result = CliRunner().invoke(app, ["simulate", *map(str, words)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def as_json(*words):
    return json.loads(run(*words, "--output", "json").stdout)


def starts(path):
    return [line.split(",")[2] for line in path.read_text().splitlines()[1:]]


def test_the_page_says_what_was_run_and_that_it_is_one_run(log):
    page = run(log).stdout
    assert f"{log.name} on " in page
    assert "under easy (one run)" in page
    assert "wait_mean_s" in page


def test_the_json_twin_has_counts_load_and_metrics(log):
    said = as_json(log)
    assert said["jobs"] == {"in all": 4, "completed": 3, "timeout": 1}
    assert said["load"]["longest_queue"] == 2
    assert said["metrics"]["jobs_scored"] == 4


def test_quiet_prints_nothing(log):
    assert run(log, "--output", "quiet").stdout == ""


def test_the_run_table_in_csv_and_parquet_says_the_same(log, tmp_path):
    run(log, "-o", tmp_path / "run.csv")
    run(log, "-o", tmp_path / "run.parquet")
    lines = (tmp_path / "run.csv").read_text().splitlines()
    assert lines[0].startswith(HEADER)
    assert lines[1].startswith("1,0,0,100,0,100,3,completed,1,0,")
    assert lines[4].split(",")[7] == "timeout"
    table = pq.read_table(tmp_path / "run.parquet")
    assert ",".join(table.column_names).startswith(HEADER)
    assert [str(start) for start in table.column("start_s").to_pylist()] == starts(tmp_path / "run.csv")


def test_the_log_that_it_writes_holds_the_waits(log, tmp_path):
    run(log, "-o", tmp_path / "run.swf")
    rows = [line.split() for line in (tmp_path / "run.swf").read_text().splitlines() if line[0] != ";"]
    run(log, "-o", tmp_path / "run.csv")
    waits = [line.split(",")[4] for line in (tmp_path / "run.csv").read_text().splitlines()[1:]]
    assert [row[2] for row in rows] == waits
    assert len(read_workload(tmp_path / "run.swf")) == 4


def test_the_folder_holds_everything_and_is_the_same_each_time(log, tmp_path):
    run(log, "-o", tmp_path / "a", "--seed", 7)
    run(log, "-o", tmp_path / "b", "--seed", 7)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert {"jobs.parquet", "segments.parquet", "summary.json", "manifest.toml"} <= set(names)
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in names)
    manifest = tomllib.loads((tmp_path / "a" / "manifest.toml").read_text())
    assert (manifest["seed"], manifest["profile"]) == (7, "easy")
    assert len(manifest["input"]["sha256"]) == 64


def test_the_warm_up_is_left_out_of_the_metrics(log):
    assert as_json(log, "--warmup", 0.5)["metrics"]["jobs_scored"] == 2


def test_exact_and_set_change_the_profile(log, tmp_path):
    run(log, "-o", tmp_path / "limits.csv")
    run(log, "--exact", "-o", tmp_path / "exact.csv", "--set", "estimate.over=extend")
    assert (tmp_path / "limits.csv").read_text() != (tmp_path / "exact.csv").read_text()
    run(log, "-p", "fcfs", "--set", "backfill.rule=easy", "-o", tmp_path / "same.csv")
    assert starts(tmp_path / "limits.csv") == starts(tmp_path / "same.csv")


def test_until_stops_and_the_state_goes_on(log, tmp_path):
    state = tmp_path / "state.parquet"
    first = as_json(log, "--until", 25, "--save-state", state)
    assert first["jobs"] == {"in all": 4, "running": 2, "pending": 2}
    second = as_json(state, "-m", 4)
    assert second["jobs"] == {"in all": 4, "completed": 3, "timeout": 1}
    assert second["metrics"] == as_json(log)["metrics"]


def test_a_state_may_be_stopped_again(log, tmp_path):
    one, two = tmp_path / "one.parquet", tmp_path / "two.parquet"
    run(log, "--until", 25, "--save-state", one)
    run(one, "-m", 4, "--until", 101, "--save-state", two)
    run(log, "--until", 101, "--save-state", tmp_path / "straight.parquet")
    assert pq.read_table(two).equals(pq.read_table(tmp_path / "straight.parquet"))


def test_a_log_with_columns_that_a_state_needs_is_not_saved_as_one(tmp_path):
    (tmp_path / "log.csv").write_text("job_id,submit_s,runtime_s,doomed\na,0,50,no\n")
    run(tmp_path / "log.csv", "-m", 1)
    with pytest.raises(InputError, match="has a column 'doomed', which a state file needs"):
        run(tmp_path / "log.csv", "-m", 1, "--save-state", tmp_path / "s.parquet")


def test_a_state_in_csv_says_what_it_cannot_hold(log, tmp_path):
    said = run(log, "--until", 25, "--save-state", tmp_path / "s.csv").stderr
    for fact in ("now_s", "processors", "settled, so that going on begins with a pass"):
        assert f"s.csv cannot hold: {fact} (CSV has no place for it), 1 rows" in said
    assert "usage" not in said
    (tmp_path / "u.csv").write_text("account,user,usage\nphys,ana,2.5\nphys,ben,1\n")
    words = [tmp_path / "s.csv", "-m", 4, "--now", 25, "--usage", tmp_path / "u.csv", "--until", 26]
    said = run(*words, "--save-state", tmp_path / "t.csv").stderr
    assert "t.csv cannot hold: usage (CSV has no place for it), 2 rows" in said
    assert run(log, "--until", 25, "--save-state", tmp_path / "s.parquet").stderr.count("cannot hold") == 0


def test_usage_needs_a_state(log, tmp_path):
    (tmp_path / "u.csv").write_text("account,user,usage\nphys,ana,2.5\n")
    (tmp_path / "log.csv").write_text("job_id,submit_s,runtime_s\na,0,50\n")
    for name in (log, tmp_path / "log.csv"):
        with pytest.raises(InputError, match="--usage needs a state"):
            run(name, "-m", 4, "--usage", tmp_path / "u.csv")


def test_a_state_never_takes_the_place_of_a_log_but_of_an_earlier_state(tmp_path):
    path = tmp_path / "queue.parquet"
    (tmp_path / "log.csv").write_text("job_id,submit_s,runtime_s\na,0,50\nb,0,50\n")
    write_table(read_workload(tmp_path / "log.csv"), path)
    before = path.read_bytes()
    with pytest.raises(InputError, match="the state would overwrite the log"):
        run(path, "-m", 1, "--until", 10, "--save-state", path)
    assert path.read_bytes() == before
    run(tmp_path / "log.csv", "-m", 1, "--until", 10, "--save-state", path)
    run(path, "-m", 1, "--until", 60, "--save-state", path)
    assert read_workload(path).state.now_s == 60


def test_now_and_usage_go_with_a_state_in_csv(tmp_path):
    (tmp_path / "s.csv").write_text(
        "job_id,submit_s,runtime_s,time_limit_s,state,start_s\na,0,50,60,running,10\nb,5,20,20,pending,\n"
    )
    (tmp_path / "u.csv").write_text("account,user,usage\nphys,ana,2.5\n")
    words = [tmp_path / "s.csv", "-m", 1, "--now", 30, "--usage", tmp_path / "u.csv"]
    run(*words, "-o", tmp_path / "run.csv", "--until", 40, "--save-state", tmp_path / "s.parquet")
    state = read_workload(tmp_path / "s.parquet").state
    assert state is not None
    assert (state.now_s, state.usage) == (40, ({"account": "phys", "user": "ana", "usage": 2.5},))
    run(tmp_path / "s.parquet", "-m", 1, "-o", tmp_path / "run.csv")
    assert starts(tmp_path / "run.csv") == ["10", "60"]
