"""Metrics against plain formulas, on tables small enough to check by hand and on random ones."""

from __future__ import annotations

import math
import random
import statistics
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from timonier.compare import bounded_slowdown, jain_index, known_metrics, score
from timonier.compare.document import render_page
from timonier.kit.errors import InputError


def table(rows):
    """Rows (submit, start, end, size, state) as a run table."""
    submit, start, end, size, state = zip(*rows, strict=True)
    return pa.table(
        {
            "submit_s": pa.array(submit, pa.int64()),
            "start_s": pa.array(start, pa.int64()),
            "end_s": pa.array(end, pa.int64()),
            "size": pa.array(size, pa.int64()),
            "state": pa.array(state).dictionary_encode(),
            "lost_s": pa.array([None if s is None else 0 for s in start], pa.int64()),
        }
    )


BY_HAND = [
    (0, 0, 100, 2, "completed"),
    (10, 100, 104, 4, "completed"),
    (20, 104, 304, 1, "timeout"),
    (30, None, None, 9, "unrunnable"),
]


def test_by_hand():
    found = score(table(BY_HAND), 4, users=pa.chunked_array([["a", "b", "a", "b"]]))
    work = 200 + 16 + 200
    expected = {
        "wait_mean_s": (0 + 90 + 84) / 3,
        "wait_median_s": 84,
        "wait_p95_s": 84 + 0.9 * 6,
        "wait_p99_s": 84 + 0.98 * 6,
        "wait_max_s": 90,
        "wait_work_weighted_s": (90 * 16 + 84 * 200) / work,
        "wait_below_run_share": 2 / 3,
        "wait_below_run_work_share": 400 / work,
        "tts_mean_s": (100 + 94 + 284) / 3,
        "bsld_mean": (1 + 9.4 + 1.42) / 3,
        "bsld_median": 1.42,
        "makespan_s": 304,
        "utilisation": work / (4 * 304),
        "jobs_per_hour": 3 * 3600 / 304,
        "jain_bsld_user": (1.21 + 9.4) ** 2 / (2 * (1.21**2 + 9.4**2)),
        "lost_work_s": 0,
        "jobs_scored": 3,
        "jobs_completed": 2,
        "jobs_timeout": 1,
        "jobs_unrunnable": 1,
        "jobs_pending": 0,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-12)


def test_every_metric_of_the_table_is_there_and_no_other():
    assert list(score(table(BY_HAND), 4)) == list(known_metrics())


def test_unknown_is_none():
    nothing = score(table([(0, None, None, 1, "pending")]), 4)
    assert nothing["wait_mean_s"] is None
    assert nothing["utilisation"] is None
    assert nothing["jobs_scored"] == 0
    running = score(table([(0, 5, None, 1, "running")]), 4)
    assert running["wait_mean_s"] == 5
    assert running["bsld_mean"] is None
    assert score(table(BY_HAND), 4)["jain_bsld_user"] is None
    assert score(table(BY_HAND), 4, users=pa.nulls(4, pa.string()))["jain_bsld_user"] is None


def test_the_empty_table():
    found = score(table(BY_HAND).slice(0, 0), 4)
    assert found["jobs_scored"] == 0
    assert found["wait_mean_s"] is None


def test_warmup_leaves_out_the_first_by_submit():
    rows = [(50, 60, 70, 1, "completed"), (0, 9, 10, 1, "completed"), (40, 40, 50, 1, "completed")]
    found = score(table(rows), 1, warmup=0.34)
    assert found["jobs_scored"] == 2
    assert found["wait_mean_s"] == 5
    assert found["makespan_s"] == 30
    assert found["jobs_completed"] == 3


@pytest.mark.parametrize("warmup", [-0.1, 1.0, math.nan])
def test_a_wrong_warmup_is_an_input_error(warmup):
    with pytest.raises(InputError):
        score(table(BY_HAND), 4, warmup=warmup)


@pytest.mark.parametrize("seed", range(20))
def test_random_tables_against_plain_python(seed):
    rng = random.Random(seed)
    rows = []
    for _ in range(rng.randint(2, 300)):
        submit = rng.randint(0, 1000)
        start = submit + rng.choice((0, 1, rng.randint(0, 10_000)))
        rows.append((submit, start, start + rng.randint(1, 5000), rng.randint(1, 64), "completed"))
    found = score(table(rows), 64)
    waits = [start - submit for submit, start, *_ in rows]
    slow = [max(1, (end - submit) / max(end - start, 10)) for submit, start, end, *_ in rows]
    assert found["wait_mean_s"] == pytest.approx(statistics.fmean(waits), rel=1e-12)
    assert found["bsld_mean"] == pytest.approx(statistics.fmean(slow), rel=1e-12)
    assert found["bsld_median"] == pytest.approx(statistics.median(slow), rel=1e-12)
    assert found["wait_p95_s"] == pytest.approx(
        statistics.quantiles(waits, n=20, method="inclusive")[-1], rel=1e-12
    )


def test_bounded_slowdown_and_jain():
    assert bounded_slowdown(np.array([0, 0, 30]), np.array([1, 100, 10])).tolist() == [1.0, 1.0, 4.0]
    assert jain_index(np.array([2.0, 2.0])) == 1.0
    assert jain_index(np.array([1.0, 0.0, 0.0, 0.0])) == 0.25
    assert jain_index(np.array([])) is None


def test_the_page_is_fresh():
    """Make it again with: python -m timonier.compare.document > docs/reference/metrics.md."""
    page = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
    assert page.read_text() == render_page()
