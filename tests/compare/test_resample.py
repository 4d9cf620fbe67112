"""Resamples keep what they promise to keep: users, days of the week, hours, load."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from timonier.compare.copies import original_id
from timonier.compare.resample import TOLERANCE, WEEK_S, Resampler
from timonier.kit.errors import InputError
from timonier.workload import Jobs
from timonier.workload.make.workload import make_workload


@pytest.fixture(scope="module")
def lab():
    return make_workload("lab", 4000, seed=2, processors=64, load=0.8)


def load(jobs):
    submit = jobs.numbers("submit_s", 0)
    work = jobs.numbers("runtime_s", 0) * jobs.numbers("tasks", 1) * jobs.numbers("cores", 1)
    return work.sum() / np.ptp(submit)


def test_a_resample_is_another_one_of_the_same_load(lab):
    resampler = Resampler(lab)
    drawn = [resampler.draw(0, repeat).jobs for repeat in (1, 2)]
    for jobs in drawn:
        assert load(jobs) == pytest.approx(load(lab), rel=TOLERANCE * 1.2)
        assert np.all(np.diff(jobs.numbers("submit_s", 0)) >= 0)
        ids = jobs.table.column("job_id").to_pylist()
        assert len(set(ids)) == len(ids)
    assert not drawn[0].table.equals(drawn[1].table)
    assert drawn[0].table.equals(resampler.draw(0, 1).jobs.table)


def test_every_job_keeps_its_weekday_its_hour_and_its_user_whole(lab):
    jobs = Resampler(lab).draw(3, 1).jobs
    was = dict(zip(lab.table.column("job_id").to_pylist(), lab.table.to_pylist(), strict=True))
    shifts = {}
    first = min(row["submit_s"] for row in was.values())
    for row in jobs.table.to_pylist():
        before = was[original_id(row["job_id"])]
        assert (row["submit_s"] - before["submit_s"]) % WEEK_S == 0
        assert row["runtime_s"] == before["runtime_s"]
        assert row["user"].split("~")[0] == before["user"]
        week = (before["submit_s"] - first) // WEEK_S
        shifts.setdefault((row["user"], week), set()).add((row["submit_s"] - before["submit_s"]) // WEEK_S)
    per_user = Counter(lab.table.column("user").to_pylist())
    for user, count in Counter(jobs.table.column("user").to_pylist()).items():
        assert count == per_user[user.split("~")[0]]
    assert all(len(moved) == 1 for moved in shifts.values())


def test_dependencies_stay_inside_a_copy():
    names = [(user, k) for user in range(10) for k in range(6)]
    table = pa.table(
        {
            "job_id": [f"{user}-{k}" for user, k in names],
            "submit_s": [k * WEEK_S + user for user, k in names],
            "runtime_s": [100] * len(names),
            "user": [f"u{user}" for user, _ in names],
            "dependency": [f"afterok:{user}-{k - 1}" if k else None for user, k in names],
        }
    )
    jobs = Resampler(Jobs(table, "made")).draw(0, 1).jobs
    place = {name: row for row, name in enumerate(jobs.table.column("job_id").to_pylist())}
    kept = 0
    for row, text in enumerate(jobs.table.column("dependency").to_pylist()):
        if text is not None:
            parent = text.split(":")[1]
            assert place[parent] < row
            assert jobs.table.column("user")[place[parent]] == jobs.table.column("user")[row]
            kept += 1
    assert kept > 10


def test_a_log_without_users_is_refused():
    with pytest.raises(InputError, match="users"):
        Resampler(make_workload("lublin", 100, seed=0, processors=8))


@pytest.mark.parametrize("days", [10, 17, 30])
def test_short_logs_are_resampled_within_their_span(days):
    jobs = make_workload("lab", 600, seed=3, processors=64, days=days)
    span = np.ptp(jobs.numbers("submit_s", 0))
    sampler = Resampler(jobs)
    for repeat in range(1, 6):
        drawn = sampler.draw(0, repeat)
        submit = drawn.jobs.numbers("submit_s", 0)
        assert submit.min() >= jobs.numbers("submit_s", 0).min()
        assert np.ptp(submit) <= span
        assert drawn.rejected < 500
