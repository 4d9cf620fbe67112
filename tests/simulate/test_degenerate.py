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

from timonier.describe import Gpus, Machine, Nodes
from timonier.policy import read_profile
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
