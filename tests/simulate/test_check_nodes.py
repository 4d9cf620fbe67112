"""`check` on nodes: it finds nothing on our runs, and finds each fault that is planted in one."""

from __future__ import annotations

import hashlib
import json
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.simulate.node_workloads import FAMILIES, small, to_jobs
from tests.simulate.test_nodes_agree import BACKFILLS, profile_of

from timonier.cli.summary import summarise
from timonier.describe import Gpus, Machine, Nodes, Partition, Prices, Switch, read_machine
from timonier.kit.errors import InputError
from timonier.policy import read_profile
from timonier.simulate import check_run, simulate, state_of, write_run
from timonier.simulate.check import HASHED
from timonier.workload import Jobs, read_workload, write_table


def check(run: Any, folder: Path) -> list[str]:
    write_run(run, folder, summarise(run, 0.0), {})
    return check_run(folder)


@pytest.mark.parametrize("family", FAMILIES)
def test_our_runs_keep_their_promises(family: str, tmp_path: Path) -> None:
    for seed in range(6):
        check_seed(family, seed, tmp_path)


def test_slices_of_a_whole_node_that_round_to_more_than_a_gpu_count_as_one(tmp_path: Path) -> None:
    check_seed("mixed", 345, tmp_path)


@pytest.mark.long
def test_a_thousand_mixed_runs_keep_their_promises(tmp_path: Path) -> None:
    for seed in range(6, 1006):
        check_seed("mixed", seed, tmp_path)


def check_seed(family: str, seed: int, folder: Path) -> None:
    fill, each = BACKFILLS[seed % len(BACKFILLS)], ("instant", "event")[seed // 3 % 2]
    work = small(family, f"check {seed}")
    profile = replace(profile_of(fill, each, seed), queues=work.queues)
    run = simulate(to_jobs(work.jobs), work.machine, profile, seed=seed)
    broken = check(run, folder / f"{family}-{seed}")
    assert broken == [], f"{family} {seed} {profile}"


# ---- one small run in which everything occurs

LAB = Machine(
    "lab",
    nodes=(
        Nodes(
            ("g1", "g2"),
            8000,
            64 << 30,
            (
                Gpus("a100-40gb", 2, "mig", idle_w=50.0, busy_w=400.0),
                Gpus("t4", 1, "fraction", 2),
                Gpus("v100", 2, idle_w=40.0, busy_w=300.0),
                Gpus("a30", 1, "mig", layout=("2g.12gb", "1g.6gb")),
            ),
            rack="r1",
            features=("ib",),
            resources={"disk": 4},
            idle_w=100.0,
            busy_w=300.0,
            per_hour=3.0,
        ),
        Nodes(("c1", "c2"), 4000, 32 << 30, idle_w=80.0, busy_w=200.0, per_hour=1.0),
    ),
    switches=(Switch("s1", ("g1",)),),
    partitions=(
        Partition("all", nodes=("g1", "g2", "c1", "c2"), default=True),
        Partition("cpu", nodes=("c1", "c2")),
    ),
    licences={"ansys": 1},
    prices=Prices("CHF"),
)
JOBS: list[dict[str, Any]] = [
    {"job_id": "slices", "mig": "3g.20gb", "gpus": 2.0, "cores": 1.0},
    {"job_id": "fixed", "mig": "1g.6gb", "gpus": 1.0, "cores": 1.0},
    {"job_id": "half", "gpus": 0.5, "cores": 1.0, "gpu_types": "T4"},
    {"job_id": "twin", "gpus": 0.5, "cores": 1.0, "gpu_types": "t4"},
    {"job_id": "whole", "gpus": 1.0, "cores": 1.0, "gpu_types": "v100", "tasks": 2},
    {"job_id": "big", "gpus": 1.0, "cores": 1.0, "gpu_types": "v100|a100-40gb", "memory_bytes": 1 << 30},
    {"job_id": "alone", "cores": 4.0, "whole_nodes": True, "partition": "cpu"},
    {"job_id": "licensed", "cores": 1.0, "res.licence_ansys": 1, "res.disk": 1},
    {"job_id": "later", "cores": 1.0, "res.licence_ansys": 1, "res.disk": 1},
]  # fmt: skip


def lab_run(tmp_path: Path) -> Path:
    names = dict.fromkeys(name for row in JOBS for name in row)
    columns: dict[str, Any] = {name: [row.get(name) for row in JOBS] for name in names}
    columns |= {
        "submit_s": [0] * len(JOBS),
        "runtime_s": [100] * len(JOBS),
        "time_limit_s": [100] * len(JOBS),
    }
    run = simulate(Jobs(pa.table(columns), "lab"), LAB, read_profile("easy"))
    assert check(run, tmp_path / "run") == []
    return tmp_path / "run"


def sign(folder: Path) -> None:
    """Make the manifest agree, so that only the rules can see what was changed."""
    manifest = folder / "manifest.toml"
    text = manifest.read_text().split("[files]")[0] + "[files]\n"
    for name in HASHED:
        text += f'"{name}" = "{hashlib.sha256((folder / name).read_bytes()).hexdigest()}"\n'
    manifest.write_text(text)


def spoil(folder: Path, name: str, job: str, **cells: Any) -> str:
    """Change the first row of a job in a table of the run; returns what check says."""
    table = pq.read_table(folder / name)
    rows = table.to_pylist()
    row = next(row for row in rows if row["job_id"] == job)
    row.update({cell.replace("__", "."): value for cell, value in cells.items()})
    schema = table.schema
    for cell, value in cells.items():
        if cell not in schema.names and "__" not in cell:
            schema = schema.append(pa.field(cell, pa.scalar(value).type))
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / name)
    sign(folder)
    return " | ".join(check_run(folder)) or "nothing"


PLANTED: list[tuple[str, dict[str, Any], str]] = [
    ("slices", {"mig_start": 2}, "cannot be cut like this"),
    ("slices", {"mig_start": None}, "cannot be cut like this"),
    ("slices", {"mig_start": 0}, "has one GPU twice in a task"),
    ("slices", {"gpu_share": 0.5}, "another gpu_share than its compute slices"),
    ("slices", {"gpu": 2}, "cannot be cut like this"),
    ("fixed", {"mig_start": 3}, "not in the fixed layout"),
    ("half", {"gpu_share": 0.7}, "another share of its GPU"),
    ("half", {"gpu": 3}, "of other types"),
    ("half", {"node": "g2"}, "on other nodes than the column 'nodes'"),
    ("half", {"node": "c1"}, "does not have"),
    ("whole", {"gpu": 2}, "of other types"),
    ("whole", {"gpu": 17}, "does not have"),
    ("whole", {"gpu": -3}, "does not have"),
    ("whole", {"gpu": None}, "other GPUs, shares or slices"),
    ("whole", {"mig_start": 0}, "a MIG slice that it did not ask for"),
    ("whole", {"gpu_share": 0.5}, "another share of its GPU"),
    ("whole", {"task": 5}, "a task placed that it does not have"),
    ("whole", {"task": 1}, "not as many tasks placed"),
    ("whole", {"start_s": 50}, "at other times"),
    ("whole", {"end_s": 99}, "at other times"),
    ("big", {"cores": 3.0}, "other cores or memory"),
    ("big", {"memory_bytes": 2 << 30}, "other cores or memory"),
    ("big", {"cores": 9.0}, "thousandths of a core in use"),
    ("big", {"memory_bytes": 80 << 30}, "bytes of memory in use"),
    ("alone", {"node": "g1"}, "asked for whole nodes"),
    ("alone", {"node": "g1"}, "outside its partition"),
    ("alone", {"job_id": "who"}, "names a job or a node"),
    ("alone", {"node": "c9"}, "names a job or a node"),
    ("alone", {"job_id": "big"}, "started, but has no placement"),
]  # fmt: skip


@pytest.mark.parametrize(("job", "cells", "said"), PLANTED)
def test_a_planted_placement_is_found(job: str, cells: dict[str, Any], said: str, tmp_path: Path) -> None:
    broken = spoil(lab_run(tmp_path), "placements.parquet", job, **cells)
    assert said in broken, broken


ASKED: list[tuple[str, dict[str, Any], str]] = [
    ("half", {"features": "nvlink"}, "without the features 'nvlink'"),
    ("alone", {"features": "ib|big"}, "without the features"),
    ("half", {"partition": "cpu"}, "outside its partition"),
    ("half", {"within": "switch"}, None),  # type: ignore[list-item]
    ("alone", {"within": "switch"}, "inside one switch"),
    ("alone", {"within": "rack"}, "inside one rack"),
    ("whole", {"tasks_per_node": 1}, "more tasks on a node"),
    ("half", {"gpu_types": "h100-80gb"}, "of other types"),
    ("whole", {"gpu_types": "a100-40gb>t4"}, "of other types"),
    ("whole", {"gpu_memory_bytes": 1 << 40}, "less memory"),
    ("whole", {"tasks": 3}, "not as many tasks"),
    ("big", {"gpus": 2.0}, "other GPUs, shares or slices"),
    ("half", {"gpus": 0.6}, "another share"),
    ("slices", {"mig": "7g.40gb"}, "cannot be cut like this"),
    ("big", {"whole_nodes": True}, "asked for whole nodes"),
    ("licensed", {"res__licence_ansys": 2}, "licences 'ansys' in use"),
    ("licensed", {"res__disk": 9}, "of 'disk' in use"),
    ("half", {"gpus": 9.0}, "not called unrunnable"),
]


@pytest.mark.parametrize(("job", "cells", "said"), ASKED)
def test_a_placement_that_is_not_what_was_asked_for_is_found(
    job: str, cells: dict[str, Any], said: str | None, tmp_path: Path
) -> None:
    """The demand is changed after the run.  g1 lies in the switch, so that the one without a word is fine."""
    broken = spoil(lab_run(tmp_path), "workload.parquet", job, **cells)
    assert (said or "nothing") in broken, broken


def test_what_two_have_at_once_is_found(tmp_path: Path) -> None:
    """One GPU, one share, one memory slice, one licence for two; more sharers than allowed."""
    folder = lab_run(tmp_path)
    whole = folder / "placements.parquet"
    kept = whole.read_bytes()
    rows = {row["job_id"]: row for row in pq.read_table(whole).to_pylist()}
    same = {name: rows["whole"][name] for name in ("node", "gpu")}
    assert "1500 thousandths of itself" not in spoil(folder, "placements.parquet", "big", **same)
    whole.write_bytes(kept)
    broken = spoil(folder, "placements.parquet", "big", node=rows["whole"]["node"], gpu=rows["whole"]["gpu"])
    assert "2000 thousandths of itself in use" in broken
    whole.write_bytes(kept)
    broken = spoil(folder, "placements.parquet", "twin", gpu_share=0.7)
    assert "1200 thousandths of itself in use" in broken
    whole.write_bytes(kept)
    slices = [row for row in pq.read_table(whole).to_pylist() if row["job_id"] == "slices"]
    broken = spoil(folder, "placements.parquet", "slices", mig_start=slices[1]["mig_start"])
    assert re.search(r"has 2 jobs on memory slice \d in use", broken)
    whole.write_bytes(kept)
    text = (folder / "machine.toml").read_text()
    (folder / "machine.toml").write_text(text.replace("max_sharers = 2", "max_sharers = 1"))
    sign(folder)
    assert "2 jobs on it in use" in " | ".join(check_run(folder))
    (folder / "machine.toml").write_text(text.replace("ansys = 1", "ansys = 0"))
    sign(folder)
    assert "has 1 licences 'ansys' in use" in " | ".join(check_run(folder))


def test_a_licence_taken_twice_is_found(tmp_path: Path) -> None:
    """`later` waits for the licence; here it starts beside `licensed`."""
    folder = lab_run(tmp_path)
    for name in ("placements.parquet", "segments.parquet"):
        spoil(folder, name, "later", start_s=0, end_s=100)
    broken = spoil(folder, "jobs.parquet", "later", start_s=0, end_s=100, wait_s=0)
    assert "the machine has 2 licences 'ansys' in use at 0 s; it has 1" in broken


def test_a_head_that_starts_later_than_promised_is_found(tmp_path: Path) -> None:
    folder = lab_run(tmp_path)
    rows = {row["job_id"]: row for row in pq.read_table(folder / "jobs.parquet").to_pylist()}
    assert rows["later"]["promised_s"] == 100
    for name in ("placements.parquet", "segments.parquet"):
        spoil(folder, name, "later", start_s=150, end_s=250)
    broken = spoil(folder, "jobs.parquet", "later", start_s=150, end_s=250, wait_s=150)
    assert "later than it was promised" in broken


@pytest.mark.parametrize(
    ("state", "said"),
    [("unrunnable", "the empty machine could run it"), ("cancelled", "never ran, but has a start_s")],
)
def test_a_wrong_state_is_found(state: str, said: str, tmp_path: Path) -> None:
    assert said in spoil(lab_run(tmp_path), "jobs.parquet", "big", state=state)


def test_the_metrics_of_nodes_are_computed_again(tmp_path: Path) -> None:
    folder = lab_run(tmp_path)
    path = folder / "summary.json"
    whole = json.loads(path.read_text())
    names = [f"{what}_{of}" for what in ("utilisation", "allocated_over_asked") for of in ("cores", "memory")]
    for name in [*names, "utilisation_gpus", "energy_kwh", "idle_energy_kwh", "cost", "wait_mean_s"]:
        assert isinstance(whole["metrics"][name], float), name
        path.write_text(json.dumps({**whole, "metrics": {**whole["metrics"], name: 1234.5}}))
        sign(folder)
        assert f"says {name} = 1234.5" in " | ".join(check_run(folder))


def test_whole_nodes_count_as_held_in_the_metrics_that_are_computed_again(tmp_path: Path) -> None:
    columns = {
        "job_id": ["a", "b", "c"],
        "submit_s": [0] * 3,
        "runtime_s": [100, 50, 70],
        "tasks": [3, 1, 1],
        "cores": [1.0] * 3,
        "whole_nodes": [True, None, True],
        "gpus": [1.0, 0.0, 0.0],
    }
    jobs, machine = Jobs(pa.table(columns), "lab"), read_machine("school-lab")
    assert check(simulate(jobs, machine, read_profile("easy")), tmp_path) == []
    path = tmp_path / "summary.json"
    whole = json.loads(path.read_text())
    assert whole["metrics"]["allocated_over_asked_cores"] > 10
    assert whole["metrics"]["stranded_memory"] is None
    for name in ("allocated_over_asked_cores", "stranded_memory"):
        path.write_text(json.dumps({**whole, "metrics": {**whole["metrics"], name: 1.0}}))
        sign(tmp_path)
        assert f"says {name} = 1.0" in " | ".join(check_run(tmp_path))


def test_a_job_that_moves_when_a_run_goes_on_is_found(tmp_path: Path) -> None:
    columns = {"job_id": ["a"], "submit_s": [0], "runtime_s": [100], "cores": [1.0], "gpus": [1.0]}
    part = simulate(Jobs(pa.table(columns), "lab"), LAB, read_profile("easy"), until_s=10)
    write_table(state_of(part, 10), tmp_path / "state.parquet")
    run = simulate(read_workload(tmp_path / "state.parquet"), LAB, read_profile("easy"))
    assert check(run, tmp_path / "run") == []
    broken = spoil(tmp_path / "run", "placements.parquet", "a", gpu=4)
    assert "ran already in the state, but on other nodes or GPUs" in broken


def test_a_shipped_machine_passes(tmp_path: Path) -> None:
    """Its watts and prices are known: energy and cost are computed twice."""
    columns = {
        "job_id": ["a", "b"],
        "submit_s": [0, 5],
        "runtime_s": [100, 50],
        "cores": [1.0, 2.0],
        "gpus": [1.0, 0.0],
    }
    run = simulate(Jobs(pa.table(columns), "lab"), read_machine("school-lab"), read_profile("easy"))
    assert check(run, tmp_path / "run") == []


@pytest.mark.parametrize(
    "column", ["job_id", "task", "node", "gpu", "gpu_share", "mig_start", "cores", "start_s"]
)
def test_a_missing_column_is_an_input_error(tmp_path: Path, column: str) -> None:
    folder = lab_run(tmp_path)
    table = pq.read_table(folder / "placements.parquet")
    pq.write_table(table.drop_columns([column]), folder / "placements.parquet")
    with pytest.raises(InputError, match=column):
        check_run(folder)


@pytest.mark.parametrize("name", ["placements.parquet", "machine.toml", "workload.parquet"])
def test_random_damage_is_a_broken_promise_or_an_input_error(tmp_path: Path, name: str) -> None:
    folder = lab_run(tmp_path)
    whole = (folder / name).read_bytes()
    rng = random.Random(name)
    for trial in range(60):
        cut = bytearray(whole if trial % 2 else whole[: rng.randrange(len(whole))])
        for _ in range(rng.randint(0, 4) if cut else 0):
            cut[rng.randrange(len(cut))] = rng.randrange(256)
        if bytes(cut) == whole:
            continue
        (folder / name).write_bytes(bytes(cut))
        try:
            assert check_run(folder)
        except InputError:
            continue
