"""The page on many small problems: its files are made, its commands are run, and its table is what they find."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.cli.command import timonier

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "many-small-problems.md"


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Folder of each run, by its name in the page."""
    folder = tmp_path_factory.mktemp("many")
    text = PAGE.read_text()
    make, run = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    subprocess.run(["sh", "-c", make], cwd=folder, check=True)
    (node,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    for sharing in ("exclusive", "fraction", "mig"):
        (folder / f"{sharing}.toml").write_text(node.replace('"exclusive"', f'"{sharing}"'))
    for line in run.strip().splitlines():
        program, *words = line.split()
        assert program == "timonier"
        done = timonier(*words, cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


def rows():
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text().splitlines()
        if line.startswith(("| whole", "| shares", "| slices"))
    ]


def test_the_table_is_what_the_runs_find(ran):
    assert [row[0].split()[0] for row in rows()] == ["whole", "shares", "slices"]
    for (_, at_once, makespan, used), name in zip(rows(), ("whole", "shares", "slices"), strict=True):
        metrics = json.loads((ran / name / "summary.json").read_text())["metrics"]
        assert f"{metrics['makespan_s']:,.0f}" == makespan
        assert f"{100 * metrics['utilisation_gpus']:.0f} %" == used
        assert most_at_once(ran / name) == int(at_once)


def most_at_once(folder):
    table = pq.read_table(folder / "jobs.parquet")
    changes = Counter(table.column("start_s").to_pylist())
    changes.subtract(Counter(table.column("end_s").to_pylist()))
    running = most = 0
    for at in sorted(changes):
        running += changes[at]
        most = max(most, running)
    return most


def test_cores_are_stranded_behind_whole_gpus_only(ran):
    stranded = {
        name: json.loads((ran / name / "summary.json").read_text())["metrics"]["stranded_cores"]
        for name in ("whole", "shares", "slices")
    }
    assert stranded["whole"] > stranded["shares"] > stranded["slices"]
    metrics = json.loads((ran / "whole" / "summary.json").read_text())["metrics"]
    assert metrics["short_first_gpus"] == 1.0


def test_shares_where_nothing_is_shared_are_told_before_the_run(ran):
    done = timonier("simulate", "shares.csv", "--machine", "exclusive.toml", "-o", "refused/", cwd=ran)
    assert done.returncode == 0, done.stderr
    table = pq.read_table(ran / "refused" / "jobs.parquet")
    assert set(table.column("state").to_pylist()) == {"unrunnable"}
    assert all(note.endswith("nearest possible: gpus = 1") for note in table.column("note").to_pylist())
