"""Are the intervals true? Known differences are covered as often as the intervals say."""

from __future__ import annotations

import numpy as np
import pytest

from timonier.compare.pareto import front_probability, hypervolume_shares, non_dominated
from timonier.compare.statistics import (
    bootstrap_draws,
    drawn_means,
    drop_rounding,
    mean_interval,
    median_interval,
)

REPEATS = 20
EXPERIMENTS = 1000


@pytest.mark.parametrize("spread", ["normal", "long-tailed"])
def test_paired_intervals_cover_a_known_difference(spread):
    """Two profiles on the same repeats: what a repeat does to both is taken out, the difference is known."""
    rng = np.random.default_rng(7)
    covered = 0
    for experiment in range(EXPERIMENTS):
        repeat = rng.lognormal(3.0, 1.0, REPEATS)
        noise = rng.normal(size=REPEATS) if spread == "normal" else rng.standard_t(2, size=REPEATS)
        a, b = repeat + 5.0 + noise, repeat
        _, low, high = median_interval(a - b, bootstrap_draws(REPEATS, experiment))
        covered += low <= 5.0 <= high
    assert 0.93 <= covered / EXPERIMENTS <= 0.97


@pytest.mark.parametrize(
    ("repeats", "spread", "least"),
    [
        *[(repeats, "normal", 0.93) for repeats in (20, 10, 9, 7, 5)],
        (20, "lognormal", 0.90),
    ],
)
def test_intervals_cover_a_known_mean(repeats, spread, least):
    """Of a skewed quantity no bootstrap covers fully at 20 repeats; the percentile interval covers 86 % here."""
    rng = np.random.default_rng(9)
    draw, mean = {"normal": (rng.standard_normal, 0.0), "lognormal": (rng.lognormal, np.exp(0.5))}[spread]
    covered = 0
    for experiment in range(EXPERIMENTS):
        _, low, high = mean_interval(draw(size=repeats), bootstrap_draws(repeats, experiment))
        covered += low <= mean <= high
    assert least <= covered / EXPERIMENTS <= 0.975


def test_of_few_repeats_the_range_is_told():
    few = np.array([3.0, 9.0, 4.0])
    assert mean_interval(few, bootstrap_draws(3, 0)) == (pytest.approx(16 / 3), 3.0, 9.0)
    assert median_interval(few, bootstrap_draws(3, 0)) == (4.0, 3.0, 9.0)


def test_of_five_repeats_no_interval_explodes():
    """Two nearly equal values and three others: a draw of those two alone has next to no spread to divide by."""
    rng = np.random.default_rng(2)
    for experiment in range(300):
        values = rng.normal(size=5)
        mean, low, high = mean_interval(values, bootstrap_draws(5, experiment))
        assert mean - low == pytest.approx(high - mean)
        assert high - low < 4 * np.ptp(values)


def test_between_few_and_many_repeats_the_interval_is_students():
    """By scipy.stats.t.interval(0.95, 4, 3, sem)."""
    mean, low, high = mean_interval(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), bootstrap_draws(5, 0))
    assert (mean, low, high) == pytest.approx((3.0, 1.0367568, 4.9632432), abs=1e-6)


def test_what_never_changes_has_an_interval_of_one_point():
    assert mean_interval(np.full(20, 0.3), bootstrap_draws(20, 0)) == (pytest.approx(0.3),) * 3


def test_intervals_narrow_with_the_root_of_the_repeats():
    rng = np.random.default_rng(3)

    def width(repeats):
        found = [
            mean_interval(rng.normal(size=repeats), bootstrap_draws(repeats, seed)) for seed in range(50)
        ]
        return np.mean([high - low for _, low, high in found])

    assert width(80) / width(20) == pytest.approx(0.5, rel=0.15)


def test_one_repeat_says_nothing_about_spread():
    assert np.isnan(median_interval(np.array([3.0]), bootstrap_draws(1, 0))[1:]).all()


def test_drawn_means_are_the_means_of_the_drawn():
    values = np.random.default_rng(0).normal(size=(3, 2, 7))
    draws = bootstrap_draws(7, 1, draws=50)
    assert np.allclose(drawn_means(values, draws), values[..., draws].mean(axis=-1))


def slow_front(points):
    return [
        not any(all(y <= x for x, y in zip(p, q, strict=True)) and p != q for q in points) for p in points
    ]


def test_the_front_is_that_of_the_definition():
    rng = np.random.default_rng(5)
    for _ in range(200):
        points = rng.integers(0, 5, size=(8, rng.integers(1, 4))).astype(float)
        assert non_dominated(points).tolist() == slow_front([tuple(p) for p in points.tolist()])


def test_an_unknown_cost_is_on_no_front_and_beats_nobody():
    assert non_dominated(np.array([[np.nan, 0.0], [1.0, 1.0]])).tolist() == [False, True]


def test_equal_profiles_are_each_on_the_front_half_the_time():
    """Equal in distribution on one objective, over many experiments; and twins share their place exactly."""
    rng = np.random.default_rng(11)
    found = []
    for experiment in range(400):
        values = rng.normal(size=(2, 1, REPEATS))
        drawn = drawn_means(values, bootstrap_draws(REPEATS, experiment, draws=200)).transpose(2, 0, 1)
        found.append(front_probability(drawn)[0])
    assert np.mean(found) == pytest.approx(0.5, abs=0.05)
    twins = np.ones((10, 2, 3))
    assert front_probability(twins).tolist() == [0.5, 0.5]


def test_the_hypervolume_share_of_a_dominated_point_is_nothing():
    shares = hypervolume_shares(np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [np.nan, 0.0]]))
    assert shares[2] == 0.0
    assert (shares[:2] > 0).all()
    assert np.isnan(shares[3])


def test_a_bad_scheduler_far_away_does_not_shrink_the_shares_of_the_others():
    front = [[0.0, 1.0], [0.4, 0.4], [1.0, 0.0]]
    alone, beside = hypervolume_shares(np.array(front)), hypervolume_shares(np.array([*front, [1e6, 1e6]]))
    assert beside[:3].tolist() == alone.tolist()
    assert beside[3] == 0.0


def test_rounding_does_not_decide_who_dominates():
    assert drop_rounding(np.array([0.1 + 0.2]))[0] == drop_rounding(np.array([0.3]))[0]
    assert drop_rounding(np.array([0.0, -2.5])).tolist() == [0.0, -2.5]
