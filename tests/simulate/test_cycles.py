"""Backfill by reservations, and what a blocked job blocks, on plans small enough to follow by hand."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest
from tests.simulate.cases import engine_table
from tests.simulate.test_golden import ORACLE, PLAIN
from tests.simulate.workloads import FAMILIES, small, to_jobs

from timonier.describe import Machine, Nodes, Partition
from timonier.kit.errors import InputError
from timonier.policy import Profile, read_profile
from timonier.simulate import simulate
from timonier.workload import Jobs, read_workload

MACHINES = {
    "a count": Machine("two", 2),
    "one node": Machine("node", nodes=(Nodes(("n1",), 2000),)),
    "nodes of one core": Machine("nodes", nodes=(Nodes(("n1", "n2"), 1000),)),
}
RULE = "backfill.rule=reservations"


def profile(*settings: str) -> Profile:
    return read_profile("fcfs", [RULE, *(f"backfill.{setting}" for setting in settings)])


def jobs(users: str = "wxyz") -> Jobs:
    """a runs on one core of two until 100; b wants both for 50; c one for 60; d one for 200."""
    rows = [(0, 1, 100), (1, 2, 50), (2, 1, 60), (3, 1, 200)]
    columns = {
        "job_id": list("abcd"),
        "submit_s": [row[0] for row in rows],
        "tasks": [row[1] for row in rows],
        "runtime_s": [row[2] for row in rows],
        "time_limit_s": [row[2] for row in rows],
        "user": list(users),
    }
    return Jobs(pa.table(columns), "by hand")


def starts(profile: Profile, users: str = "wxyz") -> list[int]:
    """The same on every machine of two cores."""
    found = {
        name: simulate(jobs(users), machine, profile).table.column("start_s").to_pylist()
        for name, machine in MACHINES.items()
    }
    first: list[int] = found["a count"]
    assert list(found.values()) == [first] * len(found), found
    return first


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ([], [0, 100, 2, 150]),  # c ends before b's plan begins, d would not
        (["every=30"], [0, 100, 30, 150]),  # c waits for a cycle
        (["depth=1"], [0, 100, 150, 150]),  # only b is looked at
        (["window=30"], [0, 262, 2, 62]),  # b is never in reach when there is a choice, and blocks nobody
        (["window=98"], [0, 100, 2, 150]),  # just in reach
        (["resolution=60"], [0, 100, 150, 150]),  # b is seen from 60 on, so that c does not end before it
        (["resolution=50"], [0, 100, 2, 150]),
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
    for machine in MACHINES.values():
        run = simulate(jobs(), machine, profile())
        assert run.table.column("promised_s").null_count == len(run.table)


def test_a_blocked_head_may_block_its_partition_only() -> None:
    by_partition = profile("every=1000")
    by_partition = replace(by_partition, cycle=replace(by_partition.cycle, blocked="partition"))
    assert starts(by_partition)[1] == 100
    skipping = replace(by_partition, cycle=replace(by_partition.cycle, blocked="skip"))
    with pytest.raises(InputError, match="reserves behind a head"):
        starts(skipping)


# ---- a count with partitions

PARTS = Machine("parts", 4, partitions=(Partition("p", processors=3), Partition("q", processors=3)))


def in_partitions() -> Jobs:
    """a runs on two of p until 100; b wants two of p, c one of p, d one of q, e one; f waits for b; g three of q."""
    rows = [("p", 2, 100), ("p", 2, 50), ("p", 1, 60), ("q", 1, 200), (None, 1, 70), ("q", 1, 5), ("q", 3, 9)]
    columns = {
        "job_id": list("abcdefg"),
        "submit_s": list(range(7)),
        "partition": [row[0] for row in rows],
        "tasks": [row[1] for row in rows],
        "runtime_s": [row[2] for row in rows],
        "time_limit_s": [row[2] for row in rows],
        "dependency": [None, None, None, None, None, "afterany:b", None],
    }
    return Jobs(pa.table(columns), "by hand")


@pytest.mark.parametrize(
    ("blocked", "wanted"),
    [
        ("queue", [0, 100, 100, 100, 150, 309, 300]),
        ("partition", [0, 100, 100, 3, 4, 212, 203]),  # d and e pass, c does not; nor does f pass g
        ("skip", [0, 100, 2, 3, 62, 150, 203]),
        ("nothing", [0, 100, 2, 3, 62, 150, 203]),
        ("drop", [0, None, 2, 3, None, None, None]),  # f came at once, as b had left, and found no room
    ],
)
def test_what_a_blocked_job_blocks_on_a_count(blocked: str, wanted: list[int | None]) -> None:
    run = simulate(in_partitions(), PARTS, read_profile("fcfs", [f"cycle.blocked={blocked}"]))
    assert run.table.column("start_s").to_pylist() == wanted
    states = run.table.column("state").to_pylist()
    assert [state == "dropped" for state in states] == [start is None for start in wanted]


def test_a_cap_is_planned_beside_the_machine() -> None:
    """b and g are planned in their partitions, and d passes neither of them where it would delay one."""
    run = simulate(
        in_partitions(), PARTS, replace(profile(), cycle=replace(profile().cycle, blocked="partition"))
    )
    assert run.table.column("start_s").to_pylist() == [0, 100, 2, 3, 62, 150, 203]


def test_without_partitions_a_blocked_job_blocks_the_queue() -> None:
    for machine in MACHINES.values():
        run = simulate(jobs(), machine, read_profile("fcfs", ["cycle.blocked=partition"]))
        assert run.table.column("start_s").to_pylist() == [0, 100, 150, 150]


@pytest.mark.parametrize("rule", ["easy", "conservative"])
def test_who_reserves_behind_a_head_needs_one_on_every_machine(rule: str) -> None:
    for machine in MACHINES.values():
        with pytest.raises(InputError, match="reserves behind a head") as caught:
            simulate(jobs(), machine, read_profile(rule, ["cycle.blocked=skip"]))
        assert 'cycle.blocked = "queue"' in str(caught.value)


def test_a_reservation_takes_nothing_before_its_hole() -> None:
    """Rounded down to the grid it lies beside the job whose end it waits for; who runs past both is not in the way."""
    rows = [(0, 3, 110), (1, 3, 50), (2, 1, 300)]
    columns = {
        "job_id": list("abc"),
        "submit_s": [row[0] for row in rows],
        "tasks": [row[1] for row in rows],
        "runtime_s": [row[2] for row in rows],
        "time_limit_s": [row[2] for row in rows],
    }
    for machine in (Machine("four", 4), Machine("node", nodes=(Nodes(("n1",), 4000),))):
        run = simulate(Jobs(pa.table(columns), "by hand"), machine, profile("resolution=60"))
        assert run.table.column("start_s").to_pylist() == [0, 110, 2]


# ---- what it equals


@pytest.mark.parametrize("each", ["instant", "event"])
@pytest.mark.parametrize("family", ["ties", "spread", "partitions"])
def test_unlimited_and_with_exact_estimates_it_is_conservative(family: str, each: str) -> None:
    """First come, first served, and a cycle after each pass: nothing ends early, so no plan can change."""
    waited = 0
    for seed in range(30):
        work = small(family, f"exact {seed}")
        settings = [f"cycle.each={each}", "estimate.use=exact"]
        found = [
            engine_table(simulate(to_jobs(work.jobs), work.machine, read_profile("fcfs", [*settings, rule])))
            for rule in (RULE, "backfill.rule=conservative")
        ]
        assert found[0] == found[1], f"{family} {seed}"
        waited += sum(row["start_s"] != job.submit for row, job in zip(found[0], work.jobs, strict=True))
    assert waited > 100


@pytest.mark.parametrize("order", ["fcfs", "saf", "wfp3"])
@pytest.mark.parametrize("family", FAMILIES)
def test_who_looks_at_the_head_alone_lets_nobody_pass(family: str, order: str) -> None:
    if family == "queues":
        pytest.skip("a head that is held is passed over: another one is looked at")
    for seed in range(10):
        work = small(family, f"depth {seed}")
        queues = work.queues if family != "mixed" else ()
        both = [
            replace(read_profile(order, more), queues=queues) for more in ([RULE, "backfill.depth=1"], [])
        ]
        found = [engine_table(simulate(to_jobs(work.jobs), work.machine, each)) for each in both]
        assert found[0] == found[1], f"{family} {seed}"


@pytest.mark.skipif(not ORACLE.is_dir(), reason="needs the public logs in ../shared/traces")
def test_with_exact_estimates_a_whole_log_is_conservative() -> None:
    jobs = read_workload(ORACLE / f"KTH-SP2.res_{PLAIN}.swf.gz")
    found = [
        simulate(jobs, Machine("kth", 100), read_profile("fcfs", ["estimate.use=exact", rule])).table
        for rule in (RULE, "backfill.rule=conservative")
    ]
    assert found[0].column("start_s") == found[1].column("start_s")
