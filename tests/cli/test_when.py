"""`timonier when`: the start of every pending job, if nobody else comes and all last as long as they may."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pyarrow as pa
import pytest
from tests.cli.command import swf
from tests.simulate.cases import counting_profiles
from typer.testing import CliRunner

from timonier.cli.app import app
from timonier.describe import read_machine
from timonier.kit.errors import InputError
from timonier.policy import read_profile
from timonier.simulate import forecast, simulate, state_of
from timonier.workload import read_workload

STATE = """job_id,submit_s,runtime_s,time_limit_s,tasks,state,start_s
"a,1",0,50,60,1,running,10
b,5,20,20,1,pending,
c,6,20,20,5,pending,
d,7,5,10,1,pending,
later,99,5,10,1,pending,
"""


@pytest.fixture
def state(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text(STATE)
    return path


def run(*words):
    result = CliRunner().invoke(app, ["when", *map(str, words)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_line_for_every_pending_job_that_is_known_now(state):
    """The job that cannot run has no start; the one of the future is not known yet."""
    assert run(state, "-m", 1, "-p", "fcfs", "--now", 30) == "job_id,start_s\nb,70\nc,\nd,90\n"


def test_the_json_twin(state):
    said = json.loads(run(state, "-m", 1, "--now", 30, "--output", "json"))
    assert said[:2] == [{"job_id": "b", "start_s": 70}, {"job_id": "c", "start_s": None}]


def test_a_workload_is_no_state(tmp_path):
    (tmp_path / "log.swf").write_text(swf([(0, 10, 1, 20)], "; MaxProcs: 4\n"))
    with pytest.raises(InputError, match="not a state"):
        run(tmp_path / "log.swf")


def test_a_state_in_csv_needs_its_instant(state):
    with pytest.raises(InputError, match="not its instant"):
        run(state, "-m", 1)


def overloaded(seed):
    """Random jobs that queue up on eight processors."""
    rng = random.Random(seed)
    rows = []
    for j in range(400):
        runtime = rng.randint(1, 300)
        rows.append((j * 20 + rng.randint(0, 19), runtime, rng.randint(1, 8), runtime * rng.randint(1, 4)))
    return swf(rows, "; MaxProcs: 8\n")


@pytest.mark.parametrize("name", counting_profiles())
def test_it_is_the_simulation_in_which_all_last_as_long_as_their_limits(name, tmp_path):
    (tmp_path / "log.swf").write_text(overloaded(1))
    machine, profile = read_machine("8"), read_profile(name, [])
    jobs = read_workload(tmp_path / "log.swf")
    state = state_of(simulate(jobs, machine, profile, until_s=4000), 4000)
    told = forecast(state, machine, profile)
    known = state.table.filter(pa.array(state.numbers("submit_s", 0) <= 4000))
    column = known.column_names.index("runtime_s")
    long = known.set_column(column, "runtime_s", known.column("time_limit_s"))
    rows = simulate(replace(state, table=long), machine, profile).table.to_pylist()
    waiting = [row["state"] == "pending" for row in known.to_pylist()]
    assert told.num_rows > 20
    assert told.to_pylist() == [
        {"job_id": row["job_id"], "start_s": row["start_s"]}
        for row, is_waiting in zip(rows, waiting, strict=True)
        if is_waiting
    ]


def test_who_waits_for_a_job_of_the_future_has_no_start_yet(tmp_path):
    """Directly or through another; the rest is forecast as if they were not there."""
    path = tmp_path / "s.csv"
    path.write_text(
        "job_id,submit_s,runtime_s,time_limit_s,tasks,state,start_s,dependency\n"
        "a,0,50,60,1,running,10,\n"
        "b,5,20,20,1,pending,,afterany:later\n"
        "c,6,20,20,1,pending,,afterok:b\n"
        "d,7,5,10,1,pending,,afterok:a\n"
        "later,99,5,10,1,pending,,\n"
    )
    assert run(path, "-m", 1, "--now", 30) == "job_id,start_s\nb,\nc,\nd,70\n"


LATE = """job_id,submit_s,runtime_s,time_limit_s,predicted_s,tasks,state,start_s
x,0,1000,50,20,1,running,0
z,0,10,100,,1,pending,
"""


@pytest.mark.parametrize(
    ("settings", "now", "start"),
    [
        (["estimate.over=extend"], 40, 50),
        (["estimate.over=extend"], 50, 51),
        (["estimate.over=extend"], 300, 301),
        ([], 40, 50),
        ([], 300, 300),  # over = "kill": killed now
        (["estimate.use=predicted"], 10, 20),
        (["estimate.use=predicted"], 30, 31),
        (["estimate.use=predicted", "estimate.over=extend"], 300, 301),
    ],
)
@pytest.mark.parametrize("profile", ["easy", "conservative"])
def test_who_runs_beyond_its_estimate_is_expected_to_end_in_a_second(tmp_path, settings, now, start, profile):
    """CONTRACT 6.3: max(start + e, now + 1 tick)."""
    (tmp_path / "s.csv").write_text(LATE)
    words = [word for setting in settings for word in ("--set", setting)]
    told = run(tmp_path / "s.csv", "-m", 1, "--now", now, "-p", profile, *words)
    assert told == f"job_id,start_s\nz,{start}\n"


def test_a_limit_of_a_hundred_years_is_one_that_does_not_end(tmp_path):
    (tmp_path / "s.csv").write_text(
        "job_id,submit_s,runtime_s,time_limit_s,tasks,state,start_s\n"
        "x,0,1000,3e9,1,running,0\ny,0,1000,60,1,running,0\nz,0,10,3e9,1,pending,\nlast,0,10,100,2,pending,\n"
    )
    assert run(tmp_path / "s.csv", "-m", 2, "--now", 10) == "job_id,start_s\nz,60\nlast,\n"
