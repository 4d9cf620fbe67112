"""A run on nodes that is stopped, saved and gone on with elsewhere is the run that was never stopped."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.simulate.node_workloads import FAMILIES, small, to_jobs
from tests.simulate.test_nodes_agree import BACKFILLS, profile_of

from timonier.cli.summary import summarise
from timonier.describe import Gpus, Machine, Nodes
from timonier.kit.errors import InputError
from timonier.policy import read_profile
from timonier.policy.profile import Profile
from timonier.simulate import Run, check_run, simulate, state_of, write_run
from timonier.simulate.unpack import placements_table
from timonier.workload import Jobs, read_workload, write_table


def rows_of(run: Run) -> dict[str, Any]:
    """The run table and the placements of each job."""
    found: dict[str, Any] = {row["job_id"]: [row] for row in run.table.to_pylist()}
    for row in placements_table(run.table, run.packed).to_pylist():
        found[row["job_id"]].append(row)
    return found


def check_cut(jobs: Jobs, machine: Machine, profile: Profile, at: int, folder: Path, seed: int = 0) -> None:
    whole = rows_of(simulate(jobs, machine, profile, seed=seed))
    part = simulate(jobs, machine, profile, seed=seed, until_s=at)
    write_table(state_of(part, at), folder / "state.parquet")
    rest = rows_of(simulate(read_workload(folder / "state.parquet"), machine, profile, seed=seed))
    found = rows_of(part) | rest
    different = [(found[name], whole[name]) for name in whole if found[name] != whole[name]]
    assert not different, f"cut at {at}, {len(different)} of {len(whole)}, first: {different[0]}\n{profile}"


@pytest.mark.parametrize("fill", BACKFILLS)
@pytest.mark.parametrize("family", FAMILIES)
def test_small_workloads_of_every_family(family: str, fill: str, tmp_path: Path) -> None:
    cut_block(family, fill, range(4, 60, 14), tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("fill", BACKFILLS)
@pytest.mark.parametrize("family", FAMILIES)
def test_many_small_workloads(family: str, fill: str, tmp_path: Path) -> None:
    cut_block(family, fill, range(100), tmp_path)


def cut_block(family: str, fill: str, seeds: range, folder: Path) -> None:
    for each in ("instant", "event"):
        for seed in seeds:
            work = small(family, f"cut {fill} {each} {seed}")
            profile = replace(profile_of(fill, each, seed), queues=work.queues)
            jobs = to_jobs(work.jobs)
            last = simulate(jobs, work.machine, profile, seed=seed).last_s
            rng = random.Random(seed)
            for at in sorted({rng.randint(0, max(last, 1)) for _ in range(3)}):
                check_cut(jobs, work.machine, profile, at, folder, seed)


LAB = Machine(
    "lab",
    nodes=(
        Nodes(("g1", "g2"), 8000, 64 << 30, (Gpus("a100-40gb", 1, "mig"),)),
        Nodes(("c1", "c2"), 4000, 32 << 30),
    ),
)


def lab_jobs(rows: list[dict[str, Any]], folder: Path, now: float | None = None) -> Jobs:
    import pyarrow as pa

    names = dict.fromkeys(name for row in rows for name in row)
    table = pa.table({name: [row.get(name) for row in rows] for name in names})
    write_table(Jobs(table, "lab"), folder / "lab.parquet")
    return read_workload(folder / "lab.parquet", now=now)


@pytest.mark.parametrize("profile", ["easy", "fcfs", "conservative"])
def test_cut_while_a_gang_waits_and_while_slices_are_cut_anew(profile: str, tmp_path: Path) -> None:
    """A gang of both GPUs waits behind slices; when they end one by one, other slices come where they were."""
    times = {"runtime_s": 100, "time_limit_s": 200}
    rows = [{"job_id": f"s{i}", "submit_s": i, "mig": "1g.5gb", "cores": 1.0, **times} for i in range(6)]
    rows += [
        {"job_id": f"t{i}", "submit_s": 20 + i, "mig": "3g.20gb", "cores": 1.0, **times} for i in range(3)
    ]
    rows += [{"job_id": "gang", "submit_s": 30, "tasks": 2, "gpus": 1.0, "cores": 4.0, **times}]
    rows += [
        {"job_id": f"u{i}", "submit_s": 40 + i, "mig": "2g.10gb", "cores": 1.0, **times} for i in range(4)
    ]
    rows += [{"job_id": "cpu", "submit_s": 50, "tasks": 2, "cores": 4.0, "runtime_s": 30, "time_limit_s": 30}]
    jobs = lab_jobs(rows, tmp_path)
    for at in range(0, 420, 7):
        check_cut(jobs, LAB, read_profile(profile), at, tmp_path)


def state(rows: list[dict[str, Any]], folder: Path) -> Jobs:
    return lab_jobs(rows, folder, 10.0)


def test_a_state_by_hand_names_nodes_and_the_rules_choose_the_gpus(tmp_path: Path) -> None:
    row = {"job_id": "a", "submit_s": 0, "runtime_s": 50, "cores": 1.0, "gpus": 1.0, "state": "running"}
    run = simulate(state([{**row, "start_s": 5, "placement": "g2"}], tmp_path), LAB, read_profile("easy"))
    (placed,) = placements_table(run.table, run.packed).to_pylist()
    assert (placed["node"], placed["gpu"], placed["end_s"]) == ("g2", 0, 55)


@pytest.mark.parametrize(
    ("placement", "said"),
    [
        (None, "does not say where it runs"),
        ("g3", "no node 'g3'"),
        ("c1", "cannot run where its placement says"),
        ('[["g1",[[1]]]]', "has no GPU 1"),
        ('[["g1",[]]]', "it asks for 1"),
        ('[["g1",[[0,2]]]]', "no place for this at 2"),
        ("[1]", "not a placement"),
    ],
)
def test_a_wrong_placement_is_one_clear_error(placement: str | None, said: str, tmp_path: Path) -> None:
    row = {"job_id": "a", "submit_s": 0, "runtime_s": 50, "cores": 1.0, "gpus": 1.0, "state": "running"}
    jobs = state(
        [{**row, "start_s": 5, "placement": placement}, {**row, "job_id": "b", "state": "pending"}], tmp_path
    )
    with pytest.raises(InputError, match=said):
        simulate(jobs, LAB, read_profile("easy"))


def test_two_running_jobs_on_one_gpu_are_an_error(tmp_path: Path) -> None:
    row = {"submit_s": 0, "runtime_s": 50, "cores": 1.0, "gpus": 1.0, "state": "running", "start_s": 5}
    jobs = state([{**row, "job_id": name, "placement": '[["g1",[[0]]]]'} for name in "ab"], tmp_path)
    with pytest.raises(
        InputError, match=r"job 'b' cannot run where .*: GPU 0 of node 'g1' is held by job 'a'"
    ):
        simulate(jobs, LAB, read_profile("easy"))


def clash(rows: list[dict[str, Any]], folder: Path) -> InputError:
    base = {"submit_s": 0, "runtime_s": 50, "cores": 1.0, "state": "running", "start_s": 5}
    with pytest.raises(InputError) as error:
        simulate(state([{**base, **row} for row in rows], folder), LAB, read_profile("easy"))
    return error.value


def test_an_error_of_a_state_by_hand_says_who_is_in_the_way_and_what_to_write(tmp_path: Path) -> None:
    slices = [
        {"job_id": name, "mig": "3g.20gb", "placement": f'[["g1",[[0,{start}]]]]'}
        for name, start in (("a", 4), ("b", 0), ("c", 4))
    ]
    error = clash(slices, tmp_path)
    assert error.what.endswith(
        "job 'c' cannot run where its placement says: GPU 0 of node 'g1' is held by job 'a'"
    )
    assert error.fix.startswith("name other nodes or GPUs, or leave out the job that has ended")
    full = [{"job_id": name, "cores": 9000.0 if name == "b" else 1.0, "placement": "g1"} for name in "ab"]
    assert clash(full, tmp_path).what.endswith("node 'g1' cannot hold it beside job 'a'")
    assert clash(full[1:], tmp_path).what.endswith("node 'g1' cannot hold what it asks for, even empty")
    twice = [{"job_id": "a", "gpus": 2.0, "placement": '[["g1",[[0],[0]]]]'}]
    assert clash(twice, tmp_path).what.endswith("it names GPU 0 of node 'g1' more than once")


def test_a_slice_begins_only_where_one_may(tmp_path: Path) -> None:
    row = {"submit_s": 0, "runtime_s": 50, "cores": 1.0, "mig": "3g.20gb", "state": "running", "start_s": 5}
    fine = state([{**row, "job_id": "a", "placement": '[["g1",[[0,4]]]]'}], tmp_path)
    assert simulate(fine, LAB, read_profile("easy")).table.column("end_s").to_pylist() == [55]
    for start in (1, 9, -1):
        wrong = state([{**row, "job_id": "a", "placement": f'[["g1",[[0,{start}]]]]'}], tmp_path)
        with pytest.raises(InputError, match="no place for this"):
            simulate(wrong, LAB, read_profile("easy"))


@pytest.mark.parametrize("now_under", ["conservative", "easy", "fcfs"])
def test_a_state_may_go_on_under_other_rules(now_under: str, tmp_path: Path) -> None:
    """Who runs runs on where it is; reservations on named nodes are void; all ends, and no node is taken twice."""
    times = {"runtime_s": 100, "time_limit_s": 200, "cores": 2.0}
    rows = [{"job_id": f"j{i}", "submit_s": i, "gpus": 1.0, "tasks": 1 + i % 2, **times} for i in range(8)]
    rows += [{"job_id": f"m{i}", "submit_s": i, "mig": "2g.10gb", **times} for i in range(4)]
    part = simulate(lab_jobs(rows, tmp_path), LAB, read_profile("conservative"), until_s=150)
    write_table(state_of(part, 150), tmp_path / "state.parquet")
    running = [row for row in part.table.to_pylist() if row["state"] == "running"]
    assert running
    rules = read_profile(now_under, ["order.rule=sjf", "place.device.rule=first"])
    run = simulate(read_workload(tmp_path / "state.parquet"), LAB, rules)
    after = {row["job_id"]: row for row in run.table.to_pylist()}
    assert {row["state"] for row in after.values()} == {"completed"}
    assert all(after[row["job_id"]]["start_s"] == row["start_s"] for row in running)
    write_run(run, tmp_path / "run", summarise(run, 0.0), {})
    assert check_run(tmp_path / "run") == []
