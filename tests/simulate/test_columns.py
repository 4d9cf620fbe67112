"""What a job table becomes in ticks: nothing is rounded, cut off or left out without a word."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from timonier.describe import read_machine
from timonier.kit.errors import InputError
from timonier.policy import read_profile
from timonier.policy.profile import Order, Profile
from timonier.simulate import Run, simulate
from timonier.workload import Jobs

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
