"""A state that goes on under other rules, and one that is written by hand: an instant at now, and nobody is forgotten."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.reference.engine import simulate as slow
from tests.reference.jobs import Job
from tests.simulate.cases import as_row, counting_profiles, engine_table, kernel_families, profile_of
from tests.simulate.workloads import FAMILIES, Workload, small, to_jobs

from timonier.cli.summary import summarise
from timonier.describe import Machine, read_machine
from timonier.describe.machine import Partition
from timonier.kit.errors import InputError
from timonier.policy import Profile, read_profile, shipped_profiles
from timonier.policy.profile import Limits, Queue
from timonier.simulate import check_run, forecast, simulate, state_of, write_run
from timonier.workload import Jobs, StateHeader

MACHINES = {"counted": "8", "nodes": "school-lab"}


def steps(jobs: int, size: int) -> Jobs:
    """Jobs that come one by one while the first holds all; the last come when nobody else does any more."""
    rng = random.Random(size)
    rows = [Job("first", 0, 500, 500, size=size)]
    rows += [
        Job(f"j{j}", 3 * j, rng.randint(5, 60), rng.randint(60, 90), size=rng.randint(1, size), user="u")
        for j in range(1, jobs)
    ]
    return to_jobs(rows)


@pytest.mark.parametrize("kind", MACHINES)
def test_no_job_is_left_pending_when_a_state_goes_on_under_another_profile(kind: str) -> None:
    machine = read_machine(MACHINES[kind])
    names = shipped_profiles() if kind == "nodes" else counting_profiles()
    jobs = steps(30, 8)
    left: list[tuple[str, str, int]] = []
    for before in names:
        state = state_of(simulate(jobs, machine, read_profile(before), until_s=60), 60)
        for after in names:
            states = simulate(state, machine, read_profile(after)).table.column("state").to_pylist()
            left += [(before, after, states.count("pending"))] if "pending" in states else []
    assert left == []


def reference_of_state(state: Jobs, workload: Workload, profile: Profile, settled: bool) -> list[Any]:
    """What the reference makes of a state."""
    rows = state.table.to_pylist()
    jobs = [
        Job(
            row["job_id"],
            row["submit_s"],
            row["runtime_s"],
            row["time_limit_s"],
            row["predicted_s"],
            row["tasks"],
            row["user"],
            row["queue"],
            row["partition"],
            row["priority"],
            row["dependency"],
            row["think_s"],
            row["state"],
            row["start_s"],
            row["reserved_s"],
            row.get("eligible_s"),
            row.get("start_seq") or 0,
            bool(row.get("doomed")),
            row.get("done_s") or 0,
        )
        for row in rows
    ]
    assert state.state is not None
    outcomes = slow(
        jobs,
        replace(profile, queues=workload.queues),
        workload.processors,
        workload.partitions,
        workload.default_partition,
        now=int(state.state.now_s),
        settled=settled,
    )
    return [as_row(job, out) for job, out in zip(jobs, outcomes, strict=True)]


def states(family: str, kernel: tuple[str, str, str], seed: int) -> Iterator[tuple[Workload, Profile, Jobs]]:
    """A workload, the profile under which it goes on, and a state of it that was taken under another."""
    rng = random.Random(f"{family} {kernel} {seed}")
    workload = small(family, f"state {'-'.join(kernel)} {seed}")
    before = replace(profile_of(*rng.choice(kernel_families()), rng.randrange(42)), queues=workload.queues)
    after = replace(profile_of(*kernel, seed), queues=workload.queues)
    jobs = to_jobs(workload.jobs)
    last = simulate(jobs, workload.machine, before).last_s
    for at in {rng.randint(0, max(last, 1)) for _ in range(2)}:
        state = state_of(simulate(jobs, workload.machine, before, until_s=at), at)
        yield workload, after, state


@pytest.mark.parametrize("kernel", kernel_families(), ids="-".join)
@pytest.mark.parametrize("family", FAMILIES)
def test_both_engines_go_on_alike_under_another_profile(family: str, kernel: tuple[str, str, str]) -> None:
    for seed in (0, 2, 5, 16, 23):
        for workload, profile, state in states(family, kernel, seed):
            assert state.state is not None
            by_hand = replace(state, state=StateHeader(state.state.now_s))
            wanted = reference_of_state(state, workload, profile, settled=False)
            found = engine_table(simulate(by_hand, workload.machine, profile))
            different = [(f, w) for f, w in zip(found, wanted, strict=True) if f != w]
            assert not different, (
                f"{family} {kernel} {seed} at {state.state.now_s}: {different[0]}\n{profile}"
            )


def by_hand(now: float, *rows: tuple[Any, ...]) -> Jobs:
    """A state of (job_id, submit_s, runtime_s, tasks, start_s or None, reserved_s or None)."""
    names = ("job_id", "submit_s", "runtime_s", "tasks", "start_s", "reserved_s")
    table = pa.table(dict(zip(names, zip(*rows, strict=True), strict=True)))
    kinds = pa.array(["pending" if row[4] is None else "running" for row in rows])
    return Jobs(table.append_column("state", kinds), "by hand", state=StateHeader(now))


def starts(state: Jobs, profile: str, processors: int = 4) -> dict[str, int]:
    table = simulate(state, read_machine(str(processors)), read_profile(profile)).table
    return dict(zip(table.column("job_id").to_pylist(), table.column("start_s").to_pylist(), strict=True))


def test_a_state_by_hand_starts_everybody_under_conservative() -> None:
    state = by_hand(10, ("a", 0, 100, 4, 0, None), ("b", 1, 50, 4, None, None), ("d", 3, 10, 1, None, None))
    assert starts(state, "conservative") == {"a": 0, "b": 100, "d": 150}


def test_a_promise_by_hand_is_kept_where_it_still_fits() -> None:
    """c was promised 100, ahead of b, which came first; d's promise is in the way of c's, and is not kept."""
    state = by_hand(
        10,
        ("a", 0, 100, 4, 0, None),
        ("b", 1, 50, 4, None, None),
        ("c", 2, 20, 4, None, 100.0),
        ("d", 3, 30, 1, None, 110.0),
        ("e", 4, 30, 1, None, math.inf),
    )
    assert starts(state, "conservative") == {"a": 0, "b": 120, "c": 100, "d": 170, "e": 170}


def test_a_job_that_fits_now_starts_now_under_another_profile() -> None:
    machine, jobs = (
        read_machine("4"),
        to_jobs([Job("a", 0, 100, 100, size=3), Job("b", 1, 50, 50, size=4), Job("c", 2, 50, 50, size=1)]),
    )
    state = state_of(simulate(jobs, machine, read_profile("fcfs"), until_s=10), 10)
    assert starts(state, "fcfs") == {"a": 0, "b": 100, "c": 150}
    assert starts(state, "easy") == {"a": 0, "b": 100, "c": 10}


def test_a_lifted_limit_lets_a_held_job_start_at_once() -> None:
    """It was held back by its queue; without the limit it need not wait for an end."""
    jobs = to_jobs([Job("a", 0, 100, 100, queue="q"), Job("b", 1, 50, 50, queue="q")])
    for name in ("conservative", "easy", "fcfs"):
        free = read_profile(name)
        tight = replace(free, queues=(Queue("q", limits=Limits(jobs=1)),))
        state = state_of(simulate(jobs, read_machine("4"), tight, until_s=10), 10)
        assert starts(state, name) == {"a": 0, "b": 10}


def test_a_larger_machine_lets_a_waiting_job_start_at_once() -> None:
    jobs = to_jobs([Job("a", 0, 100, 100, size=4), Job("b", 1, 50, 50, size=4)])
    for name in ("conservative", "easy", "fcfs"):
        state = state_of(simulate(jobs, read_machine("4"), read_profile(name), until_s=10), 10)
        assert starts(state, name, 8) == {"a": 0, "b": 10}


def test_whoever_waits_for_a_job_that_a_smaller_machine_refuses_is_told_at_once() -> None:
    jobs = to_jobs(
        [
            Job("a", 0, 100, 100, size=2),
            Job("b", 1, 50, 50, size=8),
            Job("c", 2, 50, 50, dependency="afterany:b"),
            Job("d", 3, 50, 50, dependency="afterok:b"),
        ]
    )
    state = state_of(simulate(jobs, read_machine("8"), read_profile("easy"), until_s=10), 10)
    table = simulate(state, read_machine("4"), read_profile("easy")).table
    said = {row["job_id"]: (row["state"], row["start_s"]) for row in table.to_pylist()}
    assert said["b"] == ("unrunnable", None)
    assert said["c"] == ("completed", 10)
    assert said["d"] == ("cancelled", None)


PARTED = Machine("p", processors=10, partitions=(Partition("p", processors=4), Partition("q")))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"tasks": 20}], "hold 20 processors; the machine has 10"),
        ([{"tasks": 3}, {"tasks": 20}], "hold 23 processors; the machine has 10"),
        ([{"tasks": 6}, {"tasks": 5}], "hold 11 processors; the machine has 10"),
        (
            [{"tasks": 3, "partition": "p"}, {"tasks": 3, "partition": "p"}],
            "6 processors; partition 'p' has 4",
        ),
        ([{"tasks": 1, "partition": "x"}], "1 processors; partition 'x' has 0"),
    ],
)
def test_running_jobs_that_hold_more_than_there_is_are_one_error(
    rows: list[dict[str, Any]], said: str
) -> None:
    names = ("tasks", "partition")
    table = pa.table({name: [row.get(name) for row in rows] for name in names})
    count = len(rows)
    more: dict[str, Any] = {"job_id": [f"r{row}" for row in range(count)], "submit_s": [0] * count}
    more |= {"runtime_s": [100] * count, "start_s": [5] * count, "state": ["running"] * count}
    for name, values in more.items():
        table = table.append_column(name, pa.array(values))
    for profile in ("easy", "fcfs", "conservative"):
        with pytest.raises(InputError, match=said):
            simulate(Jobs(table, "s.csv", state=StateHeader(10)), PARTED, read_profile(profile))
    if "partition" not in said:
        with pytest.raises(InputError, match=said):
            simulate(Jobs(table, "s.csv", state=StateHeader(10)), read_machine("10"), read_profile("easy"))


def test_what_runs_already_is_not_called_unrunnable() -> None:
    """A limit on the size of a job, or on its time, that came later does not stop who runs."""
    state = by_hand(10, ("a", 0, 100, 3, 0, None), ("b", 1, 100, 3, None, None), ("c", 2, 5, 1, None, None))
    table = state.table.append_column("queue", pa.array(["q"] * 3))
    for name in ("easy", "fcfs", "conservative"):
        tight = replace(read_profile(name), queues=(Queue("q", limits=Limits(job_processors=2)),))
        run = simulate(replace(state, table=table), read_machine("8"), tight)
        assert run.table.column("state").to_pylist() == ["completed", "unrunnable", "completed"]


def test_limits_that_were_lowered_bind_only_those_who_start(tmp_path: Path) -> None:
    rows = [("a", 0, 100, 3, 0, None), ("b", 0, 60, 3, 0, None), ("c", 1, 100, 1, None, None)]
    state = by_hand(10, *rows)
    table = state.table.append_column("queue", pa.array(["q"] * 3))
    for name in ("easy", "conservative"):
        tight = replace(read_profile(name), queues=(Queue("q", limits=Limits(processors=4)),))
        run = simulate(replace(state, table=table), read_machine("8"), tight)
        assert run.table.column("start_s").to_pylist() == [0, 0, 60]
        write_run(run, tmp_path / name, summarise(run, 0.0), {"command": "simulate"})
        assert check_run(tmp_path / name) == []


def with_done(state: Jobs, seed: int) -> Jobs:
    """The same state, in which some jobs have done some of their work in earlier attempts."""
    rng = random.Random(seed)
    done = [
        rng.randrange(int(min(run, 99))) if rng.random() < 0.6 else None
        for run in state.table.column("runtime_s").to_pylist()
    ]
    return replace(state, table=state.table.append_column("done_s", pa.array(done, pa.int64())))


@pytest.mark.parametrize("kernel", [kernel for kernel in kernel_families() if kernel[0] != "dynamic"])
@pytest.mark.parametrize("family", ["ties", "over_limit", "missing_limit"])
def test_both_engines_take_off_what_is_done(
    family: str, kernel: tuple[str, str, str], tmp_path: Path
) -> None:
    for seed in range(7):  # every way to estimate
        for workload, profile, taken in states(family, kernel, seed):
            state = with_done(taken, seed)
            assert state.state is not None
            state = replace(state, state=StateHeader(state.state.now_s))
            run = simulate(state, workload.machine, profile)
            assert engine_table(run) == reference_of_state(state, workload, profile, settled=False)
            write_run(run, tmp_path / "run", summarise(run, 0.0), {"command": "simulate"})
            assert check_run(tmp_path / "run") == []


def test_work_that_is_done_is_taken_off_and_the_limit_counts_from_the_start() -> None:
    names = ("job_id", "submit_s", "runtime_s", "time_limit_s", "state", "start_s", "done_s")
    rows = [
        ("runs", 0, 100, 200, "running", 5, 60),
        ("killed", 0, 100, 30, "running", 5, 60),
        ("waits", 0, 100, 200, "pending", None, 90),
        ("fresh", 0, 100, 200, "pending", None, None),
    ]
    table = pa.table(dict(zip(names, zip(*rows, strict=True), strict=True)))
    run = simulate(Jobs(table, "s.csv", state=StateHeader(10)), read_machine("4"), read_profile("easy"))
    assert run.table.column("end_s").to_pylist() == [45, 35, 20, 110]
    assert run.table.column("state").to_pylist() == ["completed", "timeout", "completed", "completed"]
    short = read_machine("1")
    queue = Jobs(table.slice(2), "s.csv", state=StateHeader(10))
    told = forecast(queue, short, read_profile("easy", ["estimate.use=exact"]))
    assert told.column("start_s").to_pylist() == [10, 20]
    done = table.set_column(6, "done_s", pa.array([0, 100, 0, 0]))
    with pytest.raises(InputError, match="'killed' has done_s = 100 of 100 s: nothing is left"):
        simulate(Jobs(done, "s.csv", state=StateHeader(10)), short, read_profile("easy"))
