"""Whatever is rich, set to nothing, is the counting engine byte for byte, and through it the published schedules.

A machine of P processors is also: P nodes of one core, one node of P cores, P / 2 GPUs for halves, GPUs of two types
that will both do; and seven processors are the seven slices of one A100.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.simulate.test_golden import EVENT, ORACLE, PLAIN, PROCESSORS, logged_waits
from tests.simulate.workloads import large, to_jobs

from timonier.describe import Gpus, Machine, Nodes, Partition
from timonier.policy import Profile, read_profile
from timonier.policy.profile import Backfill
from timonier.simulate import simulate
from timonier.workload import Jobs, read_workload, write_table

SAME = [
    "job_id",
    "submit_s",
    "start_s",
    "end_s",
    "wait_s",
    "run_s",
    "size",
    "state",
    "attempts",
    "promised_s",
]
PROFILES = ("easy", "easy-sjbf", "conservative")
LOGS = ("KTH-SP2", "SDSC-SP2")


def names(count: int) -> tuple[str, ...]:
    return tuple(f"n{i}" for i in range(count))


def of_cores(processors: int) -> Machine:
    return Machine("of cores", nodes=(Nodes(names(processors), 1000),))


def one_node(processors: int) -> Machine:
    return Machine("one node", nodes=(Nodes(("all",), 1000 * processors),))


def halves(processors: int) -> Machine:
    """Cores there are plenty; what is short is GPUs."""
    return Machine("halves", nodes=(Nodes(names(processors // 2), 9000, 0, (Gpus("t4", 1, "fraction"),)),))


def two_types(processors: int) -> Machine:
    """Nodes of four GPUs, two of each type."""
    gpus = (Gpus("a", 2), Gpus("b", 2))
    return Machine("two types", nodes=(Nodes(names(processors // 4), 9000, 0, gpus),))


def slices(processors: int) -> Machine:
    assert processors == 7
    return Machine("slices", nodes=(Nodes(("one",), 9000, 0, (Gpus("a100-40gb", 1, "mig"),)),))


MACHINES: dict[str, tuple[Any, dict[str, Any]]] = {
    "nodes of one core": (of_cores, {}),
    "one node": (one_node, {}),
    "halves of GPUs": (halves, {"gpus": 0.5}),
    "two types, any": (two_types, {"gpus": 1.0}),
    "two types, named": (two_types, {"gpus": 1.0, "gpu_types": "a|b"}),
}


def asking(jobs: Jobs, asks: dict[str, Any]) -> Jobs:
    """The same jobs, each task with this besides."""
    table = jobs.table
    for name, value in asks.items():
        table = table.append_column(name, pa.array([value] * len(table)))
    return replace(jobs, table=table)


def settings_of(each: str) -> list[str]:
    return [EVENT] if each == "event" else []


def bytes_of(jobs: Jobs, machine: Machine, profile: str, each: str, folder: Path) -> bytes:
    """The run table as it is written, without the names of nodes and without sizes that nobody is short of."""
    run = simulate(jobs, machine, read_profile(profile, settings_of(each)))
    table = run.table.select(SAME)
    state = table.column_names.index("state")
    table = table.set_column(state, "state", table.column("state").cast(pa.string()))
    write_table(replace(run.jobs, table=table, state=None, epoch=None, processors=None), folder / "run.csv")
    return (folder / "run.csv").read_bytes()


def oracle_jobs(log: str, count: int | None = None) -> Jobs:
    jobs = read_workload(ORACLE / f"{log}.res_{PLAIN}.swf.gz")
    return jobs if count is None else replace(jobs, table=jobs.table.slice(0, count))


def compare(log: str, count: int | None, profile: str, each: str, folder: Path) -> None:
    jobs = oracle_jobs(log, count)
    processors = PROCESSORS[log]
    wanted = bytes_of(jobs, Machine("count", processors), profile, each, folder)
    for name, (build, asks) in MACHINES.items():
        found = bytes_of(asking(jobs, asks), build(processors), profile, each, folder)
        assert found == wanted, f"{log} {profile} {each}: {name}, not the count"


def seven_processors(jobs: Jobs, processors: int) -> Jobs:
    """The log for seven processors: sizes in proportion, rounded up; submissions as far apart as keeps the load."""
    size = jobs.numbers("tasks", 1).astype(np.int64)
    scaled = -(-size * 7 // processors)
    work = jobs.numbers("runtime_s", 0).astype(float)
    stretch = np.sum(scaled * work) / 7 / (np.sum(size * work) / processors)
    submit = np.floor(jobs.numbers("submit_s", 0) * stretch).astype(np.int64)
    table = jobs.table
    for name, values in (("tasks", scaled), ("submit_s", submit)):
        table = table.set_column(table.column_names.index(name), name, pa.array(values))
    return replace(jobs, table=table, processors=7)


def compare_seven(log: str, count: int | None, profile: str, each: str, folder: Path) -> None:
    jobs = seven_processors(oracle_jobs(log, count), PROCESSORS[log])
    wanted = bytes_of(jobs, Machine("count", 7), profile, each, folder)
    cut = asking(jobs, {"mig": "1g.5gb", "gpus": 1.0})
    assert bytes_of(cut, slices(7), profile, each, folder) == wanted, f"{log} {profile} {each}"


needs_logs = pytest.mark.skipif(not ORACLE.is_dir(), reason="needs the public logs in ../shared/traces")


@needs_logs
@pytest.mark.parametrize("each", ["instant", "event"])
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("log", LOGS)
def test_the_first_jobs_of_a_log(log: str, profile: str, each: str, tmp_path: Path) -> None:
    compare(log, 1500, profile, each, tmp_path)
    compare_seven(log, 1500, profile, each, tmp_path)


@needs_logs
@pytest.mark.long
@pytest.mark.parametrize("each", ["instant", "event"])
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("log", LOGS)
def test_the_whole_log(log: str, profile: str, each: str, tmp_path: Path) -> None:
    compare(log, None, profile, each, tmp_path)
    compare_seven(log, None, profile, each, tmp_path)


@needs_logs
@pytest.mark.long
@pytest.mark.parametrize("machine", ["nodes of one core", "one node"])
@pytest.mark.parametrize("log", LOGS)
def test_the_published_schedule_on_nodes(log: str, machine: str) -> None:
    """Every wait of the Pyss oracle, on named nodes, without the counting engine in between."""
    build, _ = MACHINES[machine]
    run = simulate(oracle_jobs(log), build(PROCESSORS[log]), read_profile("easy", [EVENT]))
    wanted = logged_waits(ORACLE / f"{log}.res_{PLAIN}.swf.gz")
    rows = run.table.select(["job_id", "wait_s"]).to_pylist()
    assert [row for row in rows if row["wait_s"] != wanted[row["job_id"]]] == []


# ---- backfill by reservations, and what a blocked job blocks

YIELDING: dict[str, list[str]] = {
    "slurm-like": [],
    "coarse": ["backfill.every=10m", "backfill.resolution=1h", "backfill.window=12h", "backfill.user_jobs=3"],
    "shallow": ["backfill.depth=10", "estimate.over=extend"],
    "skip": ["backfill.rule=none", "cycle.blocked=skip"],
    "drop": ["backfill.rule=none", "cycle.blocked=drop"],
}
ALIKE = ("nodes of one core", "one node")


def yielding(name: str, each: str) -> Profile:
    """The profile of this name; what has no effect without reservations is left out."""
    profile = read_profile("slurm-like", settings_of(each) + [s for s in YIELDING[name] if "none" not in s])
    return replace(profile, backfill=Backfill()) if "backfill.rule=none" in YIELDING[name] else profile


def compare_yielding(jobs: Jobs, processors: int, profile: Profile) -> None:
    wanted = simulate(jobs, Machine("count", processors), profile).table.select(SAME)
    for name in ALIKE:
        found = simulate(jobs, MACHINES[name][0](processors), profile).table.select(SAME)
        assert found.equals(wanted), f"{name}, not the count: {profile}"
    named = simulate(as_one_task(jobs), one_node(processors), profile)
    assert not named.packed.on_counts
    assert named.table.select(SAME).equals(wanted), f"one node, its cores by name: {profile}"


def as_one_task(jobs: Jobs) -> Jobs:
    """The same jobs, each one task with many cores: no equal slots, so that the engine on nodes plans them."""
    table = jobs.table.append_column("cores", jobs.table.column("tasks").cast(pa.float64()))
    at = table.column_names.index("tasks")
    return replace(jobs, table=table.set_column(at, "tasks", pa.array([1] * len(table))))


@pytest.mark.parametrize("each", ["instant", "event"])
@pytest.mark.parametrize("name", YIELDING)
def test_who_yields_on_nodes_of_one_core_yields_on_a_count(name: str, each: str) -> None:
    for seed in range(3):
        work = large(400, 32, 1.0, seed)
        compare_yielding(to_jobs(work.jobs), 32, yielding(name, each))


@needs_logs
@pytest.mark.parametrize("name", YIELDING)
def test_the_first_jobs_of_a_log_under_who_yields(name: str) -> None:
    compare_yielding(oracle_jobs("KTH-SP2", 1500), 100, yielding(name, "instant"))


@needs_logs
@pytest.mark.long
@pytest.mark.parametrize("name", YIELDING)
@pytest.mark.parametrize("log", LOGS)
def test_the_whole_log_under_who_yields(log: str, name: str) -> None:
    compare_yielding(oracle_jobs(log), PROCESSORS[log], yielding(name, "instant"))


def test_where_partitions_block_apart_names_are_planned() -> None:
    """Equal slots are counted where the queue is one; else a blocked job blocks those of its partition."""
    nodes = one_node(4).nodes
    parts = (Partition("p", nodes=("all",)), Partition("q", nodes=("all",)))
    machine = Machine("parts", nodes=nodes, partitions=parts)
    jobs = to_jobs([replace(job, partition="pq"[j % 2]) for j, job in enumerate(large(60, 4, 1.0, 1).jobs)])
    profile = read_profile("slurm-like")
    assert not simulate(jobs, machine, profile).packed.on_counts
    assert simulate(jobs, Machine("whole", nodes=nodes), profile).packed.on_counts
