"""Slices of owners: whole processors, in proportion, summing to the machine."""

from __future__ import annotations

import numpy as np
import pytest

from timonier.compare.private import pool_gain, simulate_private, slices
from timonier.describe import read_machine
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
    assert slices(np.array([3.0, 1.0]), 10).tolist() == [7, 3]


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
