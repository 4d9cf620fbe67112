"""The page of `workload show` and its numbers."""

from __future__ import annotations

import pyarrow as pa
import pytest

from timonier.describe import Gpus, Machine, Nodes
from timonier.workload import Jobs, read_workload
from timonier.workload.demand import loads_on
from timonier.workload.page import render_page
from timonier.workload.summary import summarise


def jobs(**columns) -> Jobs:
    return Jobs(pa.table(columns), "built", processors=4)


FOUR = {
    "job_id": ["1", "2", "3", "4"],
    "submit_s": [0, 3600, 7200, 100_000],
    "runtime_s": [3600, 50, 3600, 7200],
    "time_limit_s": [7200, 100, None, 3600],
    "tasks": [1, 2, 3, 8],
    "user": ["ana", "ben", "ana", None],
}


def test_the_offered_load_is_work_over_capacity_from_first_to_last_submission() -> None:
    work = 3600 + 2 * 50 + 3 * 3600 + 8 * 7200
    assert work / (4 * 100_000) == summarise(jobs(**FOUR)).offered_load
    assert work / (16 * 100_000) == summarise(jobs(**FOUR), 16).offered_load


def test_the_numbers_of_a_small_workload() -> None:
    summary = summarise(jobs(**FOUR))
    assert summary.size_histogram == {"1": 1, "2": 1, "3-4": 1, "5-8": 1}
    assert (summary.runtime_histogram["<1m"], summary.runtime_histogram["<4h"] - 1) == (1, 2)
    assert (summary.larger_than_machine, summary.user_count) == (1, 2)
    assert tuple(summary.users[0][key] for key in ("user", "jobs", "processor_hours")) == ("ana", 2, 4.0)
    assert {label: rows for label, rows in summary.estimate_accuracy.items() if rows} == {"0.5": 2, "over": 1}
    assert (summary.arrivals_by_day["day 1"], summary.arrivals_by_day["day 2"]) == (3, 1)


def test_days_are_named_when_the_epoch_is_known() -> None:
    table = pa.table({"job_id": ["1"], "submit_s": [3600], "runtime_s": [5]})
    summary = summarise(Jobs(table, "", epoch="2024-01-01T06:00:00Z"))
    assert [day for day, rows in summary.arrivals_by_day.items() if rows] == ["Mon"]
    assert [hour for hour, rows in summary.arrivals_by_hour.items() if rows] == ["07"]


def test_ctc_offers_the_published_load(trace) -> None:
    """The archive says 0.84 for CTC-SP2 on its 338 processors."""
    assert pytest.approx(summarise(read_workload(trace("swf-ctc-sp2/*.gz"))).offered_load, abs=0.005) == 0.84


@pytest.mark.parametrize(
    "columns",
    [
        {"job_id": pa.array([], pa.string()), "submit_s": pa.array([], pa.int64()), "runtime_s": pa.array([], pa.int64())},
        {"job_id": ["1"], "submit_s": [5], "runtime_s": [float("inf")]},
        {"job_id": ["1", "2"], "submit_s": [5, 6], "runtime_s": [float("inf"), 1.0], "time_limit_s": [5, None]},
    ],
)  # fmt: skip
def test_odd_workloads_have_a_page_too(columns) -> None:
    summary = summarise(jobs(**columns))
    assert summary.offered_load is None
    assert "jobs kept" in render_page(summary)


def test_the_page_is_plain_text_of_80_columns() -> None:
    page = render_page(summarise(jobs(**FOUR)))
    assert "\x1b" not in page
    assert max(map(len, page.splitlines())) <= 90
    for word in ("offered load", "jobs by processors", "arrivals by hour", "2 users", "run time / limit"):
        assert word in page


def test_on_a_machine_with_nodes_each_resource_has_its_load() -> None:
    """By hand: 100 s from first to last; 10 cores, 64 GiB, an A100 in slices and a T4."""
    machine = Machine(
        "small",
        nodes=(Nodes(("a",), 10_000, 64 * 2**30, (Gpus("a100-40gb", 1, "mig"), Gpus("t4", 1, "fraction"))),),
    )
    asked = {
        "job_id": ["1", "2", "3", "4"],
        "submit_s": [0, 0, 50, 100],
        "runtime_s": [100.0, 100.0, 50.0, float("inf")],
        "tasks": [2, 1, 1, 1],
        "cores": [1.5, 1.0, 2.0, 9.0],
        "gpus": [0.0, 0.5, 2.0, 1.0],
        "mig": [None, None, "1g.5gb", None],
    }
    cores, gpus = 2 * 1.5 * 100 + 100 + 2 * 50, 0.5 * 100 + 2 / 7 * 50
    loads = summarise(jobs(**asked), machine=machine).loads
    assert loads == {"cores": pytest.approx(cores / 1000), "gpus": pytest.approx(gpus / 200)}
    page = render_page(summarise(jobs(**asked), machine=machine))
    assert "10 cores, 2 GPUs" in page
    assert f"{cores / 1000:.4f} of the cores, {gpus / 200:.4f} of the GPUs" in page


def test_a_counted_machine_has_one_load() -> None:
    assert summarise(jobs(**FOUR), 16).loads == {}
    assert loads_on(jobs(**FOUR), Machine("c", processors=4)) == {}
