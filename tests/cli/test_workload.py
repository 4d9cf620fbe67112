"""`timonier workload`: pages for people, JSON for programs, errors with an exit code."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from timonier.cli.workload import app
from timonier.kit.errors import InputError
from timonier.workload import read_workload

LOG = "; MaxProcs: 4\n1 0 -1 10 1 -1 -1 -1 20 -1 1 5 -1 -1 -1 -1 -1 -1\n2 100 -1 30 2 -1 -1 -1 20 -1 1 6 -1 -1 -1 -1 -1 -1\n"


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.swf"
    path.write_text(LOG)
    return path


def run(*arguments):
    """What a command prints; an error of ours comes out as itself, as for the main program."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_show_prints_a_page(log) -> None:
    page = run("show", log).stdout
    assert "offered load  0.1750" in page
    assert "1 run time over the limit" in page


def test_show_has_a_json_twin_with_the_same_numbers(log) -> None:
    said = json.loads(run("show", log, "--output", "json").stdout)
    assert (said["kept"], said["offered_load"], said["processors"]) == (2, 0.175, 4)


def test_show_takes_the_machine_as_a_number(log) -> None:
    assert json.loads(run("show", log, "--machine", 8, "--output", "json").stdout)["offered_load"] == 0.0875


def test_show_knows_the_loads_of_a_machine_with_nodes(tmp_path) -> None:
    """The workload was made for a GPU load of 0.5; its cores are less loaded."""
    made = tmp_path / "gpus.parquet"
    run("make", "openb-like", "-m", "school-lab", "--load", 0.5, "--jobs", 2000, "-o", made)
    loads = json.loads(run("show", made, "-m", "school-lab", "--output", "json").stdout)["loads"]
    assert loads["gpus"] == pytest.approx(0.5, rel=0.01)
    assert sorted(loads) == ["cores", "gpus", "memory"]
    assert "of the GPUs over the span" in run("show", made, "-m", "school-lab").stdout


def test_quiet_prints_nothing(log) -> None:
    assert run("show", log, "--output", "quiet").stdout == ""


def test_convert_writes_and_says_so(log, tmp_path) -> None:
    result = run("convert", log, tmp_path / "log.parquet")
    assert f"{tmp_path / 'log.parquet'}: 2 jobs" in result.stdout
    assert read_workload(log).table.equals(read_workload(tmp_path / "log.parquet").table)


def test_convert_counts_what_is_lost_on_stderr(tmp_path) -> None:
    (tmp_path / "a.csv").write_text("job_id,submit_s,runtime_s,gpus\n1,0,5,1\n2,0,0,1\n")
    result = run("convert", tmp_path / "a.csv", tmp_path / "a.swf", "--output", "json")
    assert "cannot hold: gpus, 1 rows" in result.stderr
    said = json.loads(result.stdout)
    assert (said["lost"], said["dropped"]) == ({"gpus": 1}, {"no run time": 1})


@pytest.mark.parametrize("model", ["lublin", "lab"])
def test_make_says_which_load_it_got(tmp_path, model) -> None:
    target = tmp_path / "made.parquet"
    command = ["make", model, "-o", target, "--jobs", 2000, "--seed", 3, "--machine", 64, "--load", 0.8]
    said = json.loads(run(*command, "--output", "json").stdout)
    assert pytest.approx(said["offered_load"], rel=0.01) == 0.8
    assert len(read_workload(target)) == 2000
    assert "offered load 0." in run(*command).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "none.swf"], "no such file"),
        (["show", "LOG", "--machine", "zero"], "neither a file nor a shipped machine 'zero'"),
        (["show", "LOG", "--machine", "0"], "at least one processor"),
        (["convert", "LOG", "log.xlsx"], "in which format"),
        (["convert", "LOG", "no/such/folder/a.csv"], "no such folder"),
        (["make", "lublim", "-o", "a.csv"], "unknown model"),
    ],
)
def test_mistakes_are_input_errors(log, arguments, said) -> None:
    with pytest.raises(InputError) as error:
        run(*[str(log) if word == "LOG" else word for word in arguments])
    assert said in str(error.value)


def test_a_state_in_csv_becomes_one_in_parquet(tmp_path) -> None:
    (tmp_path / "s.csv").write_text("job_id,submit_s,runtime_s,state,start_s\n1,0,5,running,1\n")
    (tmp_path / "u.csv").write_text("account,user,usage\nphys,ana,2.5\n")
    run("convert", tmp_path / "s.csv", tmp_path / "s.parquet", "--now", 3, "--usage", tmp_path / "u.csv")
    state = read_workload(tmp_path / "s.parquet").state
    assert state is not None
    assert (state.now_s, state.usage) == (3.0, ({"account": "phys", "user": "ana", "usage": 2.5},))


def test_a_gpu_workload_too_short_to_fill_its_machine_is_told(tmp_path):
    """3,000 jobs on 6,212 GPUs have the load that was asked for, but come within minutes."""
    wanted = ("make", "openb-like", "--load", 0.95, "--jobs", 3000, "-o", tmp_path / "x.parquet")
    assert "before the machine fills; make more with --jobs" in run(*wanted, "-m", "openb").stderr
    assert "before the machine fills" not in run(*wanted, "-m", "school-lab").stderr
