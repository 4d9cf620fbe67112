"""Blocks of weeks keep what they promise to keep: hours, days of the week, what stands side by side, load."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from timonier.compare.blocks import DAY_S, BlockResampler
from timonier.compare.copies import original_id
from timonier.compare.repeats import repeats_of_log
from timonier.compare.resample import TOLERANCE, WEEK_S
from timonier.kit.errors import InputError
from timonier.workload import Jobs
from timonier.workload.make.workload import make_workload


def nameless(days, jobs=4000):
    made = make_workload("lab", jobs, seed=5, processors=64, days=days)
    return replace(made, table=made.table.drop_columns(["user"]))


@pytest.fixture(scope="module")
def weeks():
    return nameless(100)


def load(jobs):
    submit = jobs.numbers("submit_s", 0)
    work = jobs.numbers("runtime_s", 0) * jobs.numbers("tasks", 1) * jobs.numbers("cores", 1)
    return work.sum() / np.ptp(submit)


@pytest.mark.parametrize(("days", "unit_s"), [(100, WEEK_S), (25, WEEK_S), (20, DAY_S), (4, DAY_S)])
def test_jobs_move_by_whole_units_and_the_load_stays(days, unit_s):
    log = nameless(days)
    resampler = BlockResampler(log)
    assert resampler.unit_s == unit_s
    was = dict(zip(log.table.column("job_id").to_pylist(), log.table.to_pylist(), strict=True))
    first, last = log.numbers("submit_s", 0).min(), log.numbers("submit_s", 0).max()
    for repeat in (1, 2, 3):
        jobs = resampler.draw(0, repeat).jobs
        assert load(jobs) == pytest.approx(load(log), rel=TOLERANCE * 1.0001)
        rows = jobs.table.to_pylist()
        assert len({row["job_id"] for row in rows}) == len(rows)
        for row in rows:
            before = was[original_id(row["job_id"])]
            assert (row["submit_s"] - before["submit_s"]) % unit_s == 0
            assert row["runtime_s"] == before["runtime_s"]
            assert first <= row["submit_s"] <= last


def test_the_same_two_numbers_give_the_same_jobs_and_others_do_not(weeks):
    drawn = [BlockResampler(weeks).draw(*numbers) for numbers in ((0, 1), (0, 1), (0, 2), (1, 1))]
    assert drawn[0].jobs.table.equals(drawn[1].jobs.table)
    assert drawn[0].rejected == drawn[1].rejected
    assert not drawn[0].jobs.table.equals(drawn[2].jobs.table)
    assert not drawn[0].jobs.table.equals(drawn[3].jobs.table)


def test_a_week_comes_whole_and_weeks_stand_in_blocks(weeks):
    resampler = BlockResampler(weeks)
    rng = np.random.default_rng(1)
    drawn = [resampler._draw(rng) for _ in range(2000)]
    assert min(map(min, drawn)) == 0
    assert max(source[:-1].max() for source in drawn) == resampler.units - 2  # the short one only at the end
    assert max(source[-1] for source in drawn) == resampler.units - 1
    whole_weeks = resampler.units - 1
    going_on = np.mean([np.diff(source[:-1]) % whole_weeks == 1 for source in drawn])
    by_chance = 1 / resampler.mean_block / whole_weeks
    assert going_on == pytest.approx(1 - 1 / resampler.mean_block + by_chance, abs=0.01)
    whole = Counter((weeks.numbers("submit_s", 0) - weeks.numbers("submit_s", 0).min()) // WEEK_S)
    jobs = resampler.draw(0, 1).jobs
    per_week = Counter((jobs.numbers("submit_s", 0) - weeks.numbers("submit_s", 0).min()) // WEEK_S)
    assert set(list(per_week.values())[:-1]) <= set(whole.values())


def test_weeks_of_equal_load_are_all_drawn_alike():
    """Every week is as likely as any other in the mean of many draws."""
    table = pa.table(
        {
            "job_id": [str(k) for k in range(70)],
            "submit_s": [k * DAY_S for k in range(70)],  # nine weeks and the rest of one
            "runtime_s": [100] * 70,
        }
    )
    resampler = BlockResampler(Jobs(table, "made"))
    seen = Counter(
        int(original_id(name)) // 7
        for repeat in range(400)
        for name in resampler.draw(0, repeat).jobs.table.column("job_id").to_pylist()
    )
    counts = [seen[week] for week in range(9)]  # the tenth is short: it ends with the log
    assert min(counts) > 0.85 * max(counts)


def test_dependencies_point_to_jobs_that_are_there():
    names = range(300)
    table = pa.table(
        {
            "job_id": [str(k) for k in names],
            "submit_s": [k * DAY_S // 4 for k in names],
            "runtime_s": [100] * len(names),
            "dependency": [f"afterok:{k - 1}" if k % 2 else None for k in names],
        }
    )
    jobs = BlockResampler(Jobs(table, "made")).draw(0, 1).jobs
    ids = jobs.table.column("job_id").to_pylist()
    kept = [text.split(":")[1] for text in jobs.table.column("dependency").to_pylist() if text]
    assert len(kept) > 100
    assert set(kept) <= set(ids)


def test_less_than_three_days_are_refused():
    with pytest.raises(InputError, match="too short") as refused:
        BlockResampler(nameless(2.5))
    assert "--repeats 1" in refused.value.fix


def test_users_are_drawn_where_there_are_enough_and_weeks_where_not(weeks):
    lab = make_workload("lab", 2000, seed=2, processors=64, load=0.8)
    assert "users with replacement" in repeats_of_log(lab, 2, 0).said
    assert "names no users" in repeats_of_log(weeks, 2, 0).said
    few = weeks.table.append_column("user", pa.array(["a", "b"] * (len(weeks) // 2)))
    drawn = repeats_of_log(replace(weeks, table=few), 2, 0)
    assert "2 users" in drawn.said
    assert set(drawn.draw(1).jobs.table.column("user").to_pylist()) == {"a", "b"}
    assert repeats_of_log(nameless(1), 1, 0).draw(0).rejected == 0
