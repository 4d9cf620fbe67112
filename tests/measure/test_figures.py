"""From events to figures, to the store and to the page."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest
from scipy import stats

from timonier.kit.errors import InputError
from timonier.measure.conditions import Meter, parse_stat
from timonier.measure.document import render_page
from timonier.measure.events import Report, check, read_events
from timonier.measure.fold import fold
from timonier.measure.interval import LEAST, interval, interval_of_median, is_narrow, student
from timonier.measure.measurement import Check, Measurement, Sample
from timonier.measure.metrics import known_metrics
from timonier.measure.outliers import outliers
from timonier.measure.page import page_of
from timonier.measure.recipe import BENCHMARKS, WEIGHTS, benchmark
from timonier.measure.repeat import Budget, repeat
from timonier.measure.store import merged, read_store, write_store
from timonier.publish.measured import measured_html
from timonier.publish.measured.figures import figures

BEGIN = {
    "event": "begin",
    "benchmark": "stream",
    "label": "one core",
    "node": "n1",
    "settings": {"n": 5},
    "versions": {},
}


def sample(value, **more):
    return {"event": "sample", "values": {"stream.triad": value}, "at_s": 1.0, "wall_s": 0.5, **more}


# ---- intervals


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 9, 10, 31, 100, 999])
def test_student_is_that_of_scipy(freedom):
    assert student(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-8)


def test_the_interval_of_the_mean_is_that_of_scipy():
    rng = random.Random(1)
    values = [rng.gauss(10, 2) for _ in range(9)]
    wanted = stats.t.interval(0.95, 8, loc=sum(values) / 9, scale=stats.sem(values))
    assert interval(values) == pytest.approx(wanted)
    assert interval([1.0]) is None


def test_the_interval_of_the_median_holds_it_nineteen_times_of_twenty():
    rng = random.Random(2)
    hits = 0
    for _ in range(2000):
        low, high = interval_of_median([rng.expovariate(1.0) for _ in range(15)])
        hits += low <= math.log(2) <= high
    assert hits / 2000 > 0.94


def test_narrow_means_two_per_cent_of_the_mean():
    assert not is_narrow([100.0] * (LEAST - 1))
    assert is_narrow([100.0, 100.1, 99.9])
    assert not is_narrow([100.0, 103.0, 97.0])


# ---- repeats


def test_repeats_end_when_the_interval_is_narrow(tmp_path):
    report = Report(tmp_path / "events")
    values = iter([10.0, 10.0, 10.0, 99.0])
    assert repeat(report, Budget(60.0), lambda: {"stream.triad": next(values)}) == "interval"
    report.close()
    events = read_events(tmp_path / "events")
    assert [e["event"] for e in events].count("sample") == 3
    assert events[-1] == {"event": "stop", "why": "interval"}


def test_repeats_end_with_the_budget_or_as_planned():
    rng = random.Random(1)

    def draw():
        return {"stream.triad": rng.uniform(1, 9)}

    assert repeat(Report(None), Budget(1e-4), lambda: [draw(), sum(range(100_000))][0]) == "budget"
    assert repeat(Report(None), Budget(60.0), draw, most=4) == "planned"


def test_a_budget_that_is_used_up_is_refused():
    with pytest.raises(InputError, match="too small"):
        repeat(Report(None), Budget(0.0), dict)


# ---- conditions


def test_foreign_processors_are_what_is_busy_and_not_ours(monkeypatch):
    texts = iter(["cpu  0 0 0 1000 0 0 0 0 0 0\n", "cpu  150 0 0 1040 0 0 0 10 0 0\n"])
    own = iter([0.0, 0.5])
    monkeypatch.setattr("timonier.measure.conditions.Path.read_text", lambda _: next(texts))
    clock = iter([0.0, 1.0])
    monkeypatch.setattr("timonier.measure.conditions.time.perf_counter", lambda: next(clock))
    wall, foreign, steal = Meter(lambda: next(own)).read()
    assert wall == 1.0
    assert foreign == pytest.approx(1.0)
    assert steal == pytest.approx(10 / 200)


def test_what_cannot_be_read_is_blank(monkeypatch):
    def missing(_):
        raise FileNotFoundError

    monkeypatch.setattr("timonier.measure.conditions.Path.read_text", missing)
    assert Meter().read()[1:] == (None, None)


def test_waiting_for_a_disk_is_not_busy():
    assert parse_stat("cpu  0 0 0 0 500 0 0 0 0 0", 100).busy_s == 0


# ---- folding


def test_a_figure_is_what_its_statistic_says_of_its_samples():
    (one,) = fold([BEGIN, sample(1.0), sample(2.0), sample(6.0), {"event": "stop", "why": "budget"}])
    assert (one.value, one.repeats, one.stopped, one.state) == (3.0, 3, "budget", "measured")
    teps = [{**sample(0), "values": {"graph500.bfs": v}} for v in (2.0, 4.0)]
    assert fold([BEGIN, *teps])[0].value == pytest.approx(8 / 3)
    trips = [{**sample(0), "values": {"network.sum": v}} for v in (1.0, 9.0, 2.0)]
    assert fold([BEGIN, *trips])[0].value == 2.0


def test_no_interval_goes_below_zero():
    (one,) = fold([BEGIN, sample(1.0), sample(9.0)])
    assert one.low == 0.0
    assert one.high == pytest.approx(interval([1.0, 9.0])[1])


def test_a_failed_check_leaves_the_value_blank_and_says_which():
    failed = {
        "event": "check",
        "name": "residual",
        "value": 20.0,
        "limit": 16.0,
        "must": "below",
        "passed": False,
        "what": "",
    }
    (one,) = fold([BEGIN, sample(1.0), failed])
    assert (one.value, one.low, one.state) == (None, None, "invalid")
    assert "residual is 20, must be below 16" in one.reason
    assert one.samples[0].value == 1.0


def test_what_was_cut_short_is_partial():
    (one,) = fold([BEGIN, sample(1.0)], was_cut="interrupted")
    assert (one.state, one.stopped, one.reason) == ("partial", "interrupted", "interrupted")


def test_a_skipped_figure_is_blank_with_its_reason():
    (one,) = fold([BEGIN, {"event": "skip", "metric": "gemm.float8", "text": "no library"}])
    assert (one.value, one.state, one.reason) == (None, "skipped", "no library")


def test_no_events_are_no_figures():
    assert fold([]) == []


def test_a_torn_last_line_is_left_out(tmp_path):
    path = tmp_path / "events"
    path.write_text(json.dumps(BEGIN) + "\n" + '{"event": "sam')
    assert read_events(path) == [BEGIN]
    assert read_events(tmp_path / "none") == []


def test_nan_passes_no_check():
    for must in ("below", "at most", "equal", "at least"):
        assert not check("x", math.nan, must, 1.0).passed


# ---- store


def figure(node, name="stream.triad", value=10.0, **more):
    return Measurement(
        name, known_metrics()[name].benchmark, "one core", known_metrics()[name].unit, "measured", value,
        samples=(Sample(9.0, 0.1, 0.5, 0.0, None), Sample(11.0, 0.2, 0.5, 0.05, 0.0)),
        checks=(Check("values", 0.0, 1e-13, "at most", True, "error"),), node=node, settings={"n": 5},
        versions={"numpy": "2"}, stopped="budget", **more,
    )  # fmt: skip


def test_what_is_written_is_read_again(tmp_path):
    found = [figure("a"), figure("b", value=None, reason="because")]
    write_store(tmp_path / "s", found)
    assert read_store(tmp_path / "s") == found


def test_the_newer_figure_stays():
    old, new = figure("a", value=1.0), figure("a", value=2.0)
    assert merged([old, figure("b")], [new]) == [figure("b"), new]


def test_a_store_of_another_schema_is_refused(tmp_path):
    write_store(tmp_path / "s", [figure("a")])
    manifest = tmp_path / "s" / "manifest.toml"
    manifest.write_text(manifest.read_text().replace("measurements/1", "measurements/9"))
    with pytest.raises(InputError, match="measurements/9"):
        read_store(tmp_path / "s")
    with pytest.raises(InputError, match="not a folder of measurements"):
        read_store(tmp_path)


def test_clean_means_nobody_else_was_there():
    assert figure("a").is_clean is True
    assert Measurement("a", "a", "", "", "measured", samples=(Sample(1, 1, 1, 0.5, 0.0),)).is_clean is False
    assert Measurement("a", "a", "", "", "measured", samples=(Sample(1, 1, 1),)).is_clean is None


@pytest.mark.parametrize(
    ("samples", "why"),
    [
        ((Sample(1, 1, 1.0),), "/proc/stat cannot be read"),
        ((Sample(1, 1, 0.1),), "shorter than the 0.2 s"),
        ((Sample(1, 1, 0.0),), "measured once"),
        ((), "nothing was measured"),
    ],
)
def test_unknown_conditions_have_their_reason_in_the_record_the_store_and_the_page(samples, why, tmp_path):
    import pyarrow.parquet as pq

    one = Measurement("stream.triad", "stream", "one core", "B/s", "measured", 1.0, samples=samples, node="a")
    assert (one.foreign_cores, one.steal, one.is_clean) == (None, None, None)
    assert why in one.conditions_reason
    write_store(tmp_path / "s", [one])
    (row,) = pq.read_table(tmp_path / "s" / "measurements.parquet").to_pylist()
    assert (row["foreign_cores"], row["conditions_reason"]) == (None, one.conditions_reason)
    shown = {"shorter than the 0.2 s": "too short", "measured once": "once"}.get(why, why)
    assert f"<td>{shown}</td>" in measured_html(page_of([one]))
    known = Measurement("a", "a", "", "", "measured", samples=(Sample(1, 1, 1, 0.0, None),))
    assert (known.conditions_reason, known.steal, known.is_clean) == ("", None, True)


# ---- page


def test_three_nodes_alike_and_one_slow_one():
    nodes = {f"n{k}": 100.0 + k for k in range(8)} | {"slow": 80.0}
    assert [one.node for one in outliers(nodes)] == ["slow"]
    assert outliers({"a": 1.0, "b": 9.0}) == []
    assert outliers(dict.fromkeys("abcd", 5.0)) == []


def test_the_page_names_the_slow_node_and_draws_the_others():
    found = [figure(f"n{k}", value=10e9 + k * 1e7) for k in range(7)] + [figure("slow", value=5e9)]
    page = page_of(found)
    assert [(row["node"], row["is_worse"]) for row in page["outliers"]] == [("slow", True)]
    html = measured_html(page)
    assert "slow" in html
    assert "0.50 times the median" in html
    assert figures(page) == figures(page_of(found))


def test_a_point_stands_on_the_roof_where_memory_is_all_that_counts():
    found = [
        figure("a", value=24e9),
        figure("a", "gemm.float64", 100e9),
        figure("a", "hpcg.rating", 2e9),
        figure("a", "hpcg.bandwidth", 16e9),
    ]
    line = page_of(found)["rooflines"][0]
    points = {point["label"]: point for point in line["points"]}
    assert points["STREAM triad"]["rate"] == pytest.approx(2e9)
    assert points["HPCG, one core"]["intensity"] == pytest.approx(1 / 8)
    assert [roof["kind"] for roof in line["roofs"]] == ["memory", "compute"]


def test_blanks_stand_on_the_page_with_their_reasons():
    blank = Measurement("gpu.triad", "gpu", "gpu", "B/s", "skipped", reason="no <GPU>", node="a")
    html = measured_html(page_of([blank]))
    assert "no &lt;GPU&gt;" in html
    assert "No roof was measured" in html


# ---- tables


def test_every_benchmark_has_its_share_of_the_budget_and_its_metrics():
    assert set(BENCHMARKS) == set(WEIGHTS)
    assert {metric.benchmark for metric in known_metrics().values()} == set(BENCHMARKS)
    for metric in known_metrics().values():
        assert metric.better in ("higher", "lower")
        assert metric.statistic in ("mean", "median", "harmonic mean")
        assert metric.meaning
    for name in BENCHMARKS:
        assert benchmark(name).__doc__.startswith(f"{name}: ")


def test_the_page_of_measurements_is_fresh():
    """Make it again with: python -m timonier.measure.document > docs/reference/measurements.md."""
    page = Path(__file__).parents[2] / "docs" / "reference" / "measurements.md"
    assert page.read_text() == render_page()


# ---- peaks


def test_the_share_of_the_peak_is_of_the_whole_node_only():
    whole = {"name": "AMD EPYC 7763 64-Core Processor", "cores": 64, "sockets": 1}
    (one,) = fold([{**BEGIN, "processor": whole}, sample(102.4e9)])
    assert (one.peak, one.share, one.peak_reason) == (204.8e9, 0.5, "")
    (one,) = fold([{**BEGIN, "processor": {**whole, "cores": 2}}, sample(102.4e9)])
    assert (one.peak, one.share, one.peak_reason) == (None, None, "the task used 2 of 64 cores")
    (one,) = fold([{**BEGIN, "processor": {**whole, "name": "abacus"}}, sample(1.0)])
    assert "calls itself 'abacus'" in one.peak_reason


def test_the_peak_of_a_gpu_is_that_of_its_type():
    events = [BEGIN, {"event": "device", "name": "NVIDIA A100-SXM4-40GB"}]
    (one,) = fold([*events, {**sample(0), "values": {"gemm.float16": 156e12}}])
    assert one.share == pytest.approx(0.5)
    (one,) = fold([BEGIN, {"event": "device", "name": "?"}, {**sample(0), "values": {"gemm.float16": 1.0}}])
    assert (one.peak, one.peak_reason) == (None, "the catalogue has no GPU that calls itself '?'")
