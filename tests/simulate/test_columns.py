"""What a job table becomes in ticks: nothing is rounded, cut off or left out without a word."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from timonier.cli.summary import summarise
from timonier.describe import read_machine
from timonier.kit.errors import InputError
from timonier.policy import read_profile
from timonier.policy.profile import Order, Profile
from timonier.simulate import Run, check_run, simulate, write_run
from timonier.workload import Jobs, read_workload, write_table

MACHINE = read_machine("1")


def table(**columns: list[Any]) -> Jobs:
    count = len(next(iter(columns.values())))
    usual: dict[str, Any] = {
        "job_id": [f"{row + 1}" for row in range(count)],
        "submit_s": list(range(count)),
        "runtime_s": [10] * count,
    }
    return Jobs(pa.table(usual | columns), "a table")


def starts(run: Run) -> list[int | None]:
    found: list[int | None] = run.table.column("start_s").to_pylist()
    return found


def test_decimals_of_a_priority_count() -> None:
    priority = [9, 0.2, 0.7, 0.9, -0.5, 1e-9, 2.0**53]
    run = simulate(table(priority=priority), MACHINE, Profile("p", order=Order("priority")))
    assert starts(run) == [0, 40, 30, 20, 60, 50, 10]


def test_fractions_of_think_time_are_rounded_and_counted() -> None:
    jobs = table(dependency=[None, "afterany:1", "afterany:1"], think_s=[0.5, 0.4, 2.5])
    run = simulate(jobs, read_machine("4"), read_profile("easy"))
    assert starts(run) == [0, 10, 13]
    assert run.assumed["think_s rounded to whole seconds"] == 2  # the first waits for nobody


@pytest.mark.parametrize("think_s", [1e15, 2.0**31])
def test_a_think_time_beyond_the_clock_is_refused(think_s: float) -> None:
    jobs = table(dependency=[None, "afterany:1"], think_s=[0.0, think_s])
    with pytest.raises(InputError, match="think_s of job '2' is beyond 68 years"):
        simulate(jobs, MACHINE, read_profile("easy"))


def test_fractions_of_forecasts_are_rounded_and_counted() -> None:
    jobs = table(predicted_s=[4.5, 5.0, 1e15], time_limit_s=[20, 20, 20])
    profile = read_profile("easy", ["estimate.use=predicted"])
    assert simulate(jobs, MACHINE, profile).assumed["predicted_s rounded to whole seconds"] == 1
    assert "predicted_s rounded to whole seconds" not in simulate(jobs, MACHINE, read_profile("easy")).assumed


JOINED = {
    "doomed": ["maybe", None, "yes", "1"],
    "eligible_s": [5000, 7, None, 9],
    "promised_s": ["zz", "7", None, "1.50"],
    "start_seq": ["a", "b", "c", "d"],
}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_columns_of_a_log_that_are_called_as_those_of_states_pass_through(
    tmp_path: Path, suffix: str
) -> None:
    plain = table(dependency=[None, "afterok:1", None, None], time_limit_s=[20] * 4)
    joined = plain.table
    for name, values in JOINED.items():
        joined = joined.append_column(name, pa.array(values))
    write_table(replace(plain, table=joined), tmp_path / f"log{suffix}")
    jobs = read_workload(tmp_path / f"log{suffix}")
    for name, values in JOINED.items():
        assert jobs.table.column(name).to_pylist() == values
    for profile in ("easy", "conservative", "fcfs"):
        wanted = simulate(plain, read_machine("2"), read_profile(profile))
        run = simulate(jobs, read_machine("2"), read_profile(profile))
        assert run.table.equals(wanted.table)
        write_run(run, tmp_path / f"run{profile}", summarise(run, 0.0), {})
        assert check_run(tmp_path / f"run{profile}") == []


def test_columns_of_a_state_are_checked(tmp_path: Path) -> None:
    rows = "job_id,submit_s,runtime_s,state,start_s,doomed,eligible_s,start_seq\n"
    rows += "a,0,50,running,10,maybe,x,1.5\n"
    (tmp_path / "s.csv").write_text(rows)
    with pytest.raises(InputError) as error:
        read_workload(tmp_path / "s.csv", now=20)
    for said in ("doomed = 'maybe'", "eligible_s = 'x'", "start_seq = 1.5: must be a whole number"):
        assert said in str(error.value)


def test_every_demand_that_needs_nodes_is_told_on_a_counted_machine() -> None:
    asked: dict[str, Any] = {
        "gpus": [1.0, 0.5, None],
        "gpu_memory_bytes": [0, 5, None],
        "memory_bytes": [0, 0, 7],
        "gpu_types": ["t4", None, None],
        "mig": [None, "1g.5gb", None],
        "features": ["ib", "ib", None],
        "tasks_per_node": [1, None, None],
        "within": ["node", "rack", "switch"],
        "whole_nodes": [True, False, None],
        "res.nvme_bytes": [0, 5, 5],
        "res.licence_ansys": [0, 0, 0],
    }
    wanted = {"gpus": 2, "gpu_memory_bytes": 1, "memory_bytes": 1, "gpu_types": 1, "mig": 1, "features": 2}
    wanted |= {"tasks_per_node": 1, "within": 3, "whole_nodes": 1, "res.nvme_bytes": 2}
    told = " asked for, not modelled on a counted machine"
    run = simulate(table(**asked), MACHINE, read_profile("easy"))
    assert {fact.removesuffix(told): rows for fact, rows in run.assumed.items() if told in fact} == wanted


def test_independent_pods_are_rows_before_they_are_simulated() -> None:
    pods = table(tasks=[2, 1, 3], gang=[True, False, False])
    with pytest.raises(InputError, match="several independent pods") as error:
        simulate(pods, MACHINE, read_profile("easy"))
    assert "row 3" in str(error.value)
