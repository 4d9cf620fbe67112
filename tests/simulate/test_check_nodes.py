"""`check` on nodes: it finds nothing on our runs, and finds what was spoilt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.simulate.node_workloads import FAMILIES, small, to_jobs
from tests.simulate.test_nodes_agree import BACKFILLS, profile_of

from timonier.cli.summary import summarise
from timonier.describe import Gpus, Machine, Nodes
from timonier.policy import read_profile
from timonier.simulate import check_run, simulate, write_run
from timonier.simulate.check import HASHED
from timonier.workload import Jobs


def check(run: Any, folder: Path) -> list[str]:
    write_run(run, folder, summarise(run, 0.0), {})
    return check_run(folder)


@pytest.mark.parametrize("family", FAMILIES)
def test_our_runs_keep_their_promises(family: str, tmp_path: Path) -> None:
    for seed in range(4):
        check_seed(family, seed, tmp_path)


@pytest.mark.long
def test_a_thousand_mixed_runs_keep_their_promises(tmp_path: Path) -> None:
    for seed in range(4, 1004):
        check_seed("mixed", seed, tmp_path)


def check_seed(family: str, seed: int, folder: Path) -> None:
    fill, each = BACKFILLS[seed % 3], ("instant", "event")[seed // 3 % 2]
    work = small(family, f"check {seed}")
    profile = replace(profile_of(fill, each, seed), queues=work.queues)
    run = simulate(to_jobs(work.jobs), work.machine, profile, seed=seed)
    broken = check(run, folder / f"{family}-{seed}")
    assert broken == [], f"{family} {seed} {profile}"


LAB = Machine(
    "lab",
    nodes=(
        Nodes(("g1", "g2"), 8000, 64 << 30, (Gpus("a100-40gb", 2, "mig"), Gpus("t4", 1, "fraction", 2))),
        Nodes(("c1",), 4000, 32 << 30),
    ),
)


def lab_run(tmp_path: Path) -> Path:
    rows = [
        {"job_id": "s", "mig": "3g.20gb", "gpus": 2.0, "cores": 1.0},
        {"job_id": "t", "gpus": 0.5, "cores": 1.0},
        {"job_id": "u", "gpus": 0.5, "cores": 1.0},
        {"job_id": "w", "gpus": 1.0, "cores": 1.0, "gpu_types": "a100-40gb", "tasks": 2},
        {"job_id": "c", "cores": 4.0, "whole_nodes": True},
    ]
    names = dict.fromkeys(name for row in rows for name in row)
    columns: dict[str, Any] = {name: [row.get(name) for row in rows] for name in names}
    columns |= {"submit_s": [0] * len(rows), "runtime_s": [100] * len(rows)}
    run = simulate(Jobs(pa.table(columns), "lab"), LAB, read_profile("easy"))
    assert check(run, tmp_path / "run") == []
    return tmp_path / "run"


def spoil(folder: Path, job: str, **cells: Any) -> list[str]:
    """Change the first placement of a job, and make the manifest agree."""
    import hashlib

    table = pq.read_table(folder / "placements.parquet")
    rows = table.to_pylist()
    row = next(row for row in rows if row["job_id"] == job)
    row.update(cells)
    pq.write_table(pa.Table.from_pylist(rows, table.schema), folder / "placements.parquet")
    manifest = folder / "manifest.toml"
    text = manifest.read_text().split("[files]")[0] + "[files]\n"
    for name in HASHED:
        text += f'"{name}" = "{hashlib.sha256((folder / name).read_bytes()).hexdigest()}"\n'
    manifest.write_text(text)
    return check_run(folder)


@pytest.mark.parametrize(
    ("job", "cells", "said"),
    [
        ("s", {"mig_start": 2}, "cannot be cut like this"),
        ("s", {"mig_start": 0}, "one GPU twice|memory slice"),
        ("s", {"mig_start": None}, "cannot be cut like this"),
        ("t", {"gpu_share": 0.7}, "another share"),
        ("t", {"gpu": 0}, "another share|runs on a GPU|has another share"),
        ("u", {"node": "g2"}, "task on two nodes|None"),
        ("w", {"gpu": 2}, "other types"),
        ("w", {"gpu": 7}, "does not have"),
        ("c", {"cores": 3.0}, "other cores or memory"),
        ("c", {"node": "g1"}, "asked for whole nodes"),
        ("w", {"node": "c1"}, "does not have"),
        ("w", {"start_s": 50}, "at other times"),
    ],
)
def test_what_is_spoilt_is_found(job: str, cells: dict[str, Any], said: str, tmp_path: Path) -> None:
    import re

    broken = " ".join(spoil(lab_run(tmp_path), job, **cells)) or "None"
    assert re.search(said, broken), broken


def test_too_many_cores_are_found(tmp_path: Path) -> None:
    folder = lab_run(tmp_path)
    broken = " ".join(spoil(folder, "c", cores=9.0))
    assert "thousandths of a core in use" in broken
