"""Every order and every backfill rule has its words."""

from __future__ import annotations

from timonier.policy import known_knobs, read_profile, shipped_profiles
from timonier.policy.say import BACKFILLS, BLOCKED, ORDERS, say_profile


def test_every_word_of_the_knobs_has_a_phrase():
    knobs = known_knobs()
    assert set(ORDERS) == set(knobs["order"]["rule"].allowed)
    assert set(BACKFILLS) == set(knobs["backfill"]["rule"].allowed)
    assert set(BLOCKED) == set(knobs["cycle"]["blocked"].allowed)


def test_who_leaves_or_steps_aside_is_said():
    assert "; a job that does not fit leaves (" in say_profile(read_profile("fgd"))
    assert "; whoever fits passes those that do not fit yet (" in say_profile(
        read_profile("kubernetes-default")
    )
    assert "planned in order" in say_profile(read_profile("slurm-like"))


def test_every_shipped_profile_says_something_of_its_own():
    said = [say_profile(read_profile(name)) for name in shipped_profiles()]
    assert len(set(said)) == len(said)
