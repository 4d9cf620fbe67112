"""Every order and every backfill rule has its words."""

from __future__ import annotations

from timonier.policy import known_knobs, read_profile, shipped_profiles
from timonier.policy.say import BACKFILLS, ORDERS, say_profile


def test_every_word_of_the_knobs_has_a_phrase():
    knobs = known_knobs()
    assert set(ORDERS) == set(knobs["order"]["rule"].allowed)
    assert set(BACKFILLS) == set(knobs["backfill"]["rule"].allowed)


def test_every_shipped_profile_says_something_of_its_own():
    said = [say_profile(read_profile(name)) for name in shipped_profiles()]
    assert len(set(said)) == len(said)
