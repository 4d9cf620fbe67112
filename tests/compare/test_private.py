"""Slices of owners: whole processors, in proportion, summing to the machine."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from timonier.compare.owners import default_kind, owners_of, slices
from timonier.compare.private import pool_gain, simulate_private
from timonier.describe import parse_machine, read_machine
from timonier.kit.errors import InputError
from timonier.policy import read_profile
from timonier.simulate import simulate
from timonier.workload.make.workload import make_workload


def test_slices_sum_to_the_machine_and_leave_nobody_out():
    rng = np.random.default_rng(1)
    for _ in range(300):
        owners = int(rng.integers(1, 30))
        processors = owners + int(rng.integers(0, 200))
        work = rng.lognormal(0, 3, owners)
        given = slices(work, processors)
        assert given.sum() == processors
        assert given.min() >= 1
        assert (np.diff(given[np.argsort(work, kind="stable")]) >= -1).all()  # more work, no less
    assert slices(np.array([3.0, 1.0]), 10).tolist() == [8, 2]  # 7.5 and 2.5: the tie goes to the first
    assert (
        slices(np.array([50.0] + [50 / 49] * 49), 100).tolist() == [50, *[2] + [1] * 48][:1] + [2] + [1] * 48
    )


def test_more_owners_than_processors_are_refused():
    with pytest.raises(InputError, match="owners cannot share"):
        slices(np.ones(5), 4)


def test_the_pool_helps_and_what_only_the_pool_can_do_is_counted_apart():
    jobs = make_workload("lab", 1500, seed=3, processors=64, load=0.7)
    machine, easy = read_machine("64"), read_profile("easy")
    alone = simulate_private(jobs, machine, easy, "user")
    pool = simulate(jobs, machine, easy)
    assert alone.table.column("job_id").equals(pool.table.column("job_id"))
    gain = pool_gain(pool.table, alone.table)
    assert 0.0 < gain["pool_gain_share"] < 1.0
    unrunnable = sum(
        state == "unrunnable" for state in alone.table.column("state").cast("string").to_pylist()
    )
    assert gain["pool_only_jobs"] == unrunnable
    assert pool_gain(pool.table, pool.table)["pool_gain_share"] == 0.0


def accounted(jobs):
    """The same jobs, each user's in one of three accounts; every tenth job has none."""
    users = jobs.texts("user").to_pylist()
    accounts = [
        None if j % 10 == 0 else "abc"[len(user) % 2 + (user[-1] in "05")] for j, user in enumerate(users)
    ]
    table = jobs.table.drop_columns("account") if "account" in jobs.table.column_names else jobs.table
    return replace(jobs, table=table.append_column("account", pa.array(accounts, pa.string())))


def machine_of(owned):
    tables = "".join(f'[[owner]]\naccount = "{name}"\nprocessors = {n}\n' for name, n in owned.items())
    return parse_machine(tomllib.loads(f'schema = "timonier/machine/1"\nprocessors = 64\n{tables}'))


def test_the_machine_file_says_who_owns_what_and_the_rest_is_for_everybody_else():
    jobs = accounted(make_workload("lab", 600, seed=3, processors=16, load=0.7))
    machine = machine_of({"a": 20, "c": 24})
    assert default_kind(machine) == "machine"
    owners = owners_of(jobs, machine, "machine")
    assert [own.processors for own in owners.slices] == [20, 24, 20]
    names = [("a", "c", "")[code] for code in owners.code]
    assert names == [a if a in ("a", "c") else "" for a in jobs.texts("account").to_pylist()]
    run = simulate_private(jobs, machine, read_profile("easy"), "machine")
    assert run.table.column("job_id").equals(jobs.table.column("job_id").cast(pa.string()))
    for who, most in (("a", 20), ("c", 24), ("", 20)):
        mine = run.table.filter(pa.array([name == who for name in names]))
        assert most_at_once(mine) <= most


def test_who_owns_nothing_of_a_machine_that_is_all_owned_can_only_run_in_the_pool():
    jobs = accounted(make_workload("lab", 600, seed=3, processors=16, load=0.7))
    machine, easy = machine_of({"a": 40, "c": 24}), read_profile("easy")
    alone = simulate_private(jobs, machine, easy, "machine").table
    guests = pa.array([account not in ("a", "c") for account in jobs.texts("account").to_pylist()])
    assert set(alone.filter(guests).column("state").to_pylist()) == {"unrunnable"}
    assert "owns nothing" in alone.filter(guests).column("note")[0].as_py()
    only = pool_gain(simulate(jobs, machine, easy).table, alone)["pool_only_jobs"]
    assert only >= sum(guests.to_pylist())


def test_a_machine_without_owners_is_not_asked_for_them():
    jobs = accounted(make_workload("lab", 200, seed=3, processors=16, load=0.7))
    with pytest.raises(InputError, match="names no owners"):
        owners_of(jobs, read_machine("64"), "machine")


def most_at_once(run):
    """Most processors in use at once, by a sweep over starts and ends."""
    rows = [row for row in run.to_pylist() if row["start_s"] is not None]
    moves = [(row["start_s"], row["size"]) for row in rows] + [(row["end_s"], -row["size"]) for row in rows]
    used = most = 0
    for _, change in sorted(moves):
        used += change
        most = max(most, used)
    return most


NODES = """
schema = "timonier/machine/1"
name = "lab"
[[node]]
names = "n[1-4]"
cores = 16
[[switch]]
name = "s"
nodes = "n[1-4]"
[[partition]]
name = "all"
nodes = "n[1-4]"
default = true
[[owner]]
account = "a"
nodes = "n1"
[[owner]]
account = "c"
nodes = "n[2-3]"
"""


def test_owners_of_nodes_run_on_their_own_nodes_only():
    jobs = make_workload("lab", 400, seed=3, processors=16, load=0.7)
    jobs = accounted(replace(jobs, table=jobs.table.drop_columns(["tasks", "memory_bytes", "gpus"])))
    machine = parse_machine(tomllib.loads(NODES))
    run = simulate_private(jobs, machine, read_profile("easy"), "machine").table
    nodes = {"a": {"n1"}, "c": {"n2", "n3"}}
    seen = {}
    for account, node in zip(jobs.texts("account").to_pylist(), run.column("nodes").to_pylist(), strict=True):
        seen.setdefault(account if account in nodes else "", set()).add(node)
    assert seen.keys() == {"a", "c", ""}
    assert all(seen[who] <= own for who, own in {**nodes, "": {"n4"}}.items())
    with pytest.raises(InputError, match="not cut by work"):
        owners_of(jobs, machine, "account")
