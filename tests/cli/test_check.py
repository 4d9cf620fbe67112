"""`timonier check`: exit 0 for a good run, 1 and a line for every broken promise."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.cli.command import swf
from typer.testing import CliRunner

from timonier.cli.app import app
from timonier.kit.errors import InputError

RUNNER = CliRunner()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "log.swf").write_text(swf([(0, 100, 3, 100), (10, 50, 4, 60)], "; MaxProcs: 4\n"))
    words = ["simulate", str(tmp_path / "log.swf"), "-o", str(tmp_path / "run"), "--warmup", "0.5"]
    assert RUNNER.invoke(app, words, catch_exceptions=False).exit_code == 0
    return tmp_path / "run"


def check(*words):
    return RUNNER.invoke(app, ["check", *map(str, words)], catch_exceptions=False)


def test_a_good_run(folder):
    result = check(folder)
    assert (result.exit_code, result.stdout) == (0, f"{folder}: every promise kept\n")


def test_a_run_whose_table_was_changed(folder):
    table = pq.read_table(folder / "jobs.parquet")
    starts = pa.array([0, 20], pa.int64())
    pq.write_table(
        table.set_column(table.column_names.index("start_s"), "start_s", starts), folder / "jobs.parquet"
    )
    result = check(folder, "--output", "json")
    assert result.exit_code == 1
    assert len(json.loads(result.stdout)["broken"]) >= 2
    assert check(folder, "--output", "quiet").exit_code == 1


def test_what_is_no_run_folder(tmp_path):
    with pytest.raises(InputError, match="run folder"):
        check(tmp_path / "nothing")
