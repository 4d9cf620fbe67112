"""Who leaves jobs out that others run is not ranked: it would win by what it does not do."""

from __future__ import annotations

import math

from timonier.compare.experiment import Cell
from timonier.compare.metrics import known_metrics
from timonier.compare.table import Results, front_csv, paired_csv, scores_csv


def results(unrunnable):
    """`easy`, `sjf` and `private`; private waits least and cannot run some of the jobs."""
    cells = {}
    for repeat in range(4):
        for name, wait in (("easy", 50.0), ("sjf", 40.0), ("private", 1.0)):
            scores = dict.fromkeys(known_metrics(), wait + repeat)
            scores["jobs_unrunnable"] = unrunnable if name == "private" else 0.0
            cells[name, repeat] = Cell(scores, 0.9, 0.5, 3)
    return Results(["easy", "sjf", "private"], cells, seed=0)


def test_a_profile_that_runs_fewer_jobs_is_on_no_front_and_in_no_pair():
    found = results(unrunnable=7.0)
    assert list(found.unranked) == ["private"]
    assert "7 of the jobs" in found.unranked["private"]
    front = found.front(["wait_mean_s"])
    assert front.on_front == (False, True, False)
    assert front.probability[:2] == (0.0, 1.0)
    assert math.isnan(front.probability[2])
    assert "private,wait_mean_s,false,,\n" in front_csv(found, [front])
    assert "private" not in paired_csv(found)


def test_a_profile_that_runs_the_same_jobs_is_ranked():
    found = results(unrunnable=0.0)
    assert found.unranked == {}
    assert found.front(["wait_mean_s"]).on_front == (False, False, True)
    assert "private" in paired_csv(found)


def test_an_interval_ends_where_the_possible_values_end():
    """Long-tailed waits of 12 repeats reach below 0 s, shares that are nearly 1 reach above 1."""
    waits = [0.0] * 9 + [1.0, 3.0, 2000.0]
    shares = [0.999] * 6 + [0.2] * 6
    cells = {}
    for repeat, (wait, share) in enumerate(zip(waits, shares, strict=True)):
        scores = dict.fromkeys(known_metrics(), 0.0)
        scores |= {"wait_mean_s": wait, "utilisation_gpus": share, "stranded_gpus": 1.0 - share}
        scores |= {"bsld_mean": 1.0 + wait}
        cells["easy", repeat] = Cell(scores, 0.9, 0.5, 3)
    found = Results(["easy"], cells, seed=0)
    for name, metric in known_metrics().items():
        _, low, high = found.interval("easy", name)
        assert low >= min(metric.least, 0.0), name
        assert high <= metric.most, name
    assert found.interval("easy", "wait_mean_s")[1] == 0.0
    assert found.interval("easy", "bsld_mean")[1] == 1.0


def test_every_metric_says_what_it_can_be():
    for name, metric in known_metrics().items():
        assert 0.0 <= metric.least < metric.most, name
    most = {name: metric.most for name, metric in known_metrics().items()}
    assert most["utilisation_gpus"] == most["wait_below_run_share"] == 1.0
    assert most["wait_mean_s"] == most["allocated_over_asked_cores"] == float("inf")


def test_cost_has_the_currency_of_the_machine():
    scores = dict.fromkeys(known_metrics(), 1.0)
    bill = {"bill": {"currency": "CHF"}}
    found = Results(["easy"], {("easy", 0): Cell(scores, 0.9, 0.5, 3, nodes=bill)}, seed=0)
    assert "easy,0,cost,1,CHF\n" in scores_csv(found)
    assert "easy,0,wait_mean_s,1,s\n" in scores_csv(found)
    assert Results(["easy"], {("easy", 0): Cell(scores, 0.9, 0.5, 3)}, seed=0).units["cost"] == ""
