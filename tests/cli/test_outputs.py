"""What a run may not overwrite, and what an output says that it could not hold."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import timonier
from timonier.cli.app import app
from timonier.cli.simulate import simulate
from timonier.cli.workload import convert
from timonier.kit.errors import InputError
from timonier.simulate.check import check_run

LOG = "1 0 -1 10 2 -1 -1 2 20 -1 1 1 1 -1 1 1 -1 -1\n2 5 -1 900 2 -1 -1 2 900 -1 1 1 1 -1 1 1 -1 -1\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.swf"
    path.write_text(LOG)
    return path


def test_a_run_never_takes_the_place_of_its_input(log: Path) -> None:
    with pytest.raises(InputError, match="overwrite its own input"):
        simulate(log, machine="4", out=log.parent / "." / "log.swf")
    assert log.read_text() == LOG


def test_an_swf_says_which_jobs_it_leaves_out(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    simulate(log, machine="4", until=100, out=log.parent / "out.swf")
    assert "left out, 1 rows" in capsys.readouterr().err


def test_an_swf_says_how_its_jobs_ended(log: Path) -> None:
    """1 completed, 0 killed at its limit, whatever the log said of an earlier run; a conversion keeps that."""
    log.write_text(LOG.replace(" 900 -1 1 1", " 800 -1 5 1"))
    simulate(log, machine="4", out=log.parent / "out.swf")
    convert(log, log.parent / "same.swf")
    found = [
        [line.split()[10] for line in (log.parent / name).read_text().splitlines() if line[0] != ";"]
        for name in ("out.swf", "same.swf")
    ]
    assert found == [["1", "0"], ["1", "5"]]


@pytest.mark.parametrize("name", ["run-0.95", "run.v2", "run.2026-11", "plain", "a.run"])
def test_a_name_with_a_number_at_its_end_is_a_folder(log: Path, name: str) -> None:
    simulate(log, machine="4", out=log.parent / name)
    assert check_run(log.parent / name) == []


@pytest.mark.parametrize("name", ["run.xlsx", "run.json", "run.swf.zip"])
def test_a_file_of_an_unknown_kind_is_refused(log: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot write a run as"):
        simulate(log, machine="4", out=log.parent / name)


def test_neither_run_nor_state_takes_the_place_of_the_usage(log: Path) -> None:
    usage = log.parent / "usage.csv"
    usage.write_text("account,user,usage\n")
    for names in ({"out": usage}, {"save_state": usage}):
        with pytest.raises(InputError, match="overwrite"):
            simulate(log, machine="4", usage=usage, **names)
    assert usage.read_text() == "account,user,usage\n"


def test_an_instant_beyond_the_clock_is_refused(log: Path) -> None:
    with pytest.raises(InputError, match="--until"):
        simulate(log, machine="4", until=1e30)


def test_times_beyond_the_clock_are_refused(log: Path) -> None:
    log.write_text(LOG.replace(" 900 2 -1", " 1e30 2 -1"))
    with pytest.raises(InputError, match="too large"):
        simulate(log, machine="4")


def test_a_folder_whose_manifest_lost_its_hashes_is_found(log: Path, tmp_path: Path) -> None:
    simulate(log, machine="4", out=tmp_path / "run")
    manifest = tmp_path / "run" / "manifest.toml"
    assert check_run(tmp_path / "run") == []
    manifest.write_text(manifest.read_text().split("[files]", maxsplit=1)[0])
    assert "jobs.parquet: manifest.toml has no hash of it" in check_run(tmp_path / "run")


def test_placements_are_counts_where_nodes_have_no_names(log: Path, tmp_path: Path) -> None:
    simulate(log, machine="4", out=tmp_path / "run")
    rows = pq.read_table(tmp_path / "run" / "placements.parquet").to_pylist()
    assert [(row["job_id"], row["cores"], row["node"], row["end_s"]) for row in rows] == [
        ("1", 2.0, None, 10),
        ("2", 2.0, None, 905),
    ]


def test_a_conversion_never_takes_the_place_of_its_input(log: Path) -> None:
    with pytest.raises(InputError, match="overwrite its own input"):
        convert(log, log.parent / "." / "log.swf")
    assert log.read_text() == LOG


def test_the_offered_load_leaves_out_what_cannot_run(log: Path, tmp_path: Path) -> None:
    log.write_text(LOG + "3 10 -1 900 99 -1 -1 99 900 -1 1 1 1 -1 1 1 -1 -1\n")
    simulate(log, machine="4", out=tmp_path / "run")
    load = json.loads((tmp_path / "run" / "summary.json").read_text())["load"]
    assert load["offered_load"] == (10 * 2 + 900 * 2) / (4 * 10)


def test_the_version_is_said() -> None:
    said = CliRunner().invoke(app, ["--version"], catch_exceptions=False)
    assert (said.exit_code, said.stdout) == (0, f"timonier {timonier.__version__}\n")
