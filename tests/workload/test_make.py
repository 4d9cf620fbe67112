"""Models are seeded, hit the load that is asked for, and look like their source."""

from __future__ import annotations

import numpy as np
import pytest

from timonier.kit.errors import InputError
from timonier.workload import read_workload, write_table
from timonier.workload.make.lublin import BATCH, INTERACTIVE, WHOLE, daily_cycle
from timonier.workload.make.workload import GPU_MODELS, make_workload, models
from timonier.workload.summary import summarise

MODELS = ["lublin", "lublin-both", "lublin-whole", "lab"]


@pytest.mark.parametrize("model", [one for one in models() if one not in GPU_MODELS])
def test_the_same_seed_gives_the_same_bytes(tmp_path, model) -> None:
    for name in ("a.parquet", "b.parquet"):
        write_table(make_workload(model, 500, seed=7, processors=64), tmp_path / name)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    other = make_workload(model, 500, seed=8, processors=64)
    assert not other.table.equals(read_workload(tmp_path / "a.parquet").table)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("load", [0.5, 0.95])
def test_the_offered_load_is_reached_to_one_per_cent(model, load) -> None:
    jobs = make_workload(model, 3000, seed=1, processors=200, load=load)
    assert load == pytest.approx(summarise(jobs).offered_load, rel=0.01)


@pytest.mark.parametrize("model", MODELS)
def test_days_set_the_span(model) -> None:
    assert (
        pytest.approx(summarise(make_workload(model, 3000, seed=1, processors=200, days=30)).span_s, rel=0.01)
        == 30 * 86400
    )


@pytest.mark.parametrize("model", [one for one in models() if one not in GPU_MODELS])
@pytest.mark.parametrize("processors", [1, 3, 128, 5000])
def test_jobs_are_valid_and_fit_the_machine(tmp_path, model, processors) -> None:
    jobs = make_workload(model, 400, seed=3, processors=processors)
    write_table(jobs, tmp_path / "a.csv")
    assert jobs.table.equals(read_workload(tmp_path / "a.csv").table)
    summary = summarise(jobs)
    assert (summary.kept, summary.larger_than_machine) == (400, 0)


def test_lublin_has_the_published_shares_of_serial_and_power_of_two_jobs() -> None:
    size = make_workload("lublin", 50_000, seed=1, processors=128).numbers("tasks", 1)
    assert pytest.approx((size == 1).mean(), abs=0.01) == 0.2927
    powers = np.isin(size, 2 ** np.arange(1, 8)).mean()
    assert powers > 0.6686  # the others round to a power of two now and then
    assert size.max() == 128


def test_lublin_draws_what_the_authors_program_drew(trace) -> None:
    """lublin_256 is their program's output (all jobs alike, 256 processors): same run times."""
    theirs = read_workload(trace("swf-lublin/lublin_256.swf"))
    ours = make_workload("lublin-whole", 10_000, seed=1, processors=256)
    expected, got = (np.percentile(jobs.numbers("runtime_s", 0), [10, 25, 75, 90]) for jobs in (theirs, ours))
    assert expected == pytest.approx(got, rel=0.1)
    expected, got = (jobs.numbers("tasks", 1) for jobs in (theirs, ours))
    assert expected.mean() == pytest.approx(got.mean(), rel=0.05)
    assert (expected == 1).mean() == pytest.approx((got == 1).mean(), abs=0.02)


@pytest.mark.parametrize("kind", [BATCH, INTERACTIVE, WHOLE])
def test_the_daily_cycle_peaks_in_working_hours(kind) -> None:
    weights = daily_cycle(kind).weights
    assert pytest.approx(weights.mean()) == 1.0
    assert 8 <= weights.argmax() / 2 <= 16
    assert weights.argmin() / 2 < 8


def test_a_lab_has_week_ends_users_and_long_limits() -> None:
    summary = summarise(make_workload("lab", 20_000, seed=1, processors=512, days=56))
    days = list(summary.arrivals_by_day.values())
    assert max(days[5:]) < 0.6 * min(days[:5])
    assert summary.user_count > 50
    assert summary.limit_over_runtime_median > 1.5
    assert 0.02 < summary.estimate_accuracy["over"] / summary.kept < 0.15


@pytest.mark.parametrize(
    ("model", "more", "said"),
    [
        ("lublim", {}, "did you mean 'lublin'"),
        ("lab", {"jobs": 0}, "--jobs"),
        ("lab", {"processors": 0}, "--machine"),
        ("lab", {"load": 0.0}, "--load"),
        ("lab", {"load": float("nan")}, "--load"),
        ("lab", {"days": -1.0}, "--days"),
        ("lab", {"days": 1.0, "load": 1.0}, "not both"),
        ("lab", {"jobs": 1, "load": 1.0}, "at least 2 jobs"),
        ("lab", {"seed": -1}, "--seed"),
    ],
)
def test_impossible_requests_are_refused(model, more, said) -> None:
    asked = {"jobs": 100, "seed": 0, "processors": 64} | more
    with pytest.raises(InputError) as error:
        make_workload(model, asked.pop("jobs"), **asked)
    assert said in str(error.value)
