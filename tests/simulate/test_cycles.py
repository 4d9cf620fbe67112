"""Backfill by reservations, knob by knob, on a plan small enough to follow by hand."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from timonier.describe import Machine, Nodes
from timonier.kit.errors import InputError
from timonier.policy import Profile, read_profile
from timonier.simulate import simulate
from timonier.workload import Jobs

NODE = Machine("node", nodes=(Nodes(("n1",), 2000),))
RULE = "backfill.rule=reservations"


def profile(*settings: str) -> Profile:
    return read_profile("fcfs", [RULE, *(f"backfill.{setting}" for setting in settings)])


def jobs(users: str = "wxyz") -> Jobs:
    """a runs on one core of two until 100; b wants both for 50; c one for 60; d one for 200."""
    rows = [(0, 1.0, 100), (1, 2.0, 50), (2, 1.0, 60), (3, 1.0, 200)]
    columns = {
        "job_id": list("abcd"),
        "submit_s": [row[0] for row in rows],
        "cores": [row[1] for row in rows],
        "runtime_s": [row[2] for row in rows],
        "time_limit_s": [row[2] for row in rows],
        "user": list(users),
    }
    return Jobs(pa.table(columns), "by hand")


def starts(profile: Profile, users: str = "wxyz") -> list[int]:
    found: list[int] = simulate(jobs(users), NODE, profile).table.column("start_s").to_pylist()
    return found


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ([], [0, 100, 2, 150]),  # c ends before b's plan begins, d would not
        (["every=30"], [0, 100, 30, 150]),  # c waits for a cycle
        (["depth=1"], [0, 100, 150, 150]),  # only b is looked at
        (["window=30"], [0, 262, 2, 62]),  # b is never in reach when there is a choice, and blocks nobody
        (["window=98"], [0, 100, 2, 150]),  # just in reach
        (["resolution=60"], [0, 100, 150, 150]),  # b is planned from 60 on, so that c does not end before it
    ],
    ids=str,
)
def test_a_knob_does_what_its_page_says(settings: list[str], wanted: list[int]) -> None:
    assert starts(profile(*settings)) == wanted


def test_of_one_user_only_so_many_jobs_are_looked_at() -> None:
    assert starts(profile("user_jobs=1"), "wxyz") == [0, 100, 2, 150]
    assert starts(profile("user_jobs=1"), "wuuu") == [0, 100, 150, 150]
    assert starts(profile("user_jobs=2"), "wuuu") == [0, 100, 2, 150]


def test_a_plan_is_forgotten_and_promises_nothing() -> None:
    run = simulate(jobs(), NODE, profile())
    assert run.table.column("promised_s").null_count == len(run.table)


def test_a_blocked_head_may_block_its_partition_only() -> None:
    by_partition = profile("every=1000")
    by_partition = replace(by_partition, cycle=replace(by_partition.cycle, blocked="partition"))
    assert starts(by_partition)[1] == 100
    skipping = replace(by_partition, cycle=replace(by_partition.cycle, blocked="skip"))
    with pytest.raises(InputError, match="reserves behind a head"):
        starts(skipping)


def test_a_count_has_no_names_to_plan() -> None:
    with pytest.raises(InputError, match="'two' is a count"):
        simulate(jobs(), Machine("two", 2), profile())
