"""Every order, every backfill rule, what blocks and how nodes are chosen have their words."""

from __future__ import annotations

import pytest

from timonier.policy import known_knobs, read_profile, shipped_profiles
from timonier.policy.say import BACKFILLS, BLOCKED, DEVICES, ORDERS, SCORES, TIES, say_profile


def test_every_word_of_the_knobs_has_a_phrase():
    knobs = known_knobs()
    assert set(ORDERS) == set(knobs["order"]["rule"].allowed)
    assert set(BACKFILLS) == set(knobs["backfill"]["rule"].allowed)
    assert set(BLOCKED) == set(knobs["cycle"]["blocked"].allowed)
    assert set(SCORES) == set(knobs["place.score"]["rule"].allowed)
    assert set(TIES) == set(knobs["place"]["ties"].allowed)
    assert set(DEVICES) == set(knobs["place.device"]["rule"].allowed)


def test_shipped_profiles_say_who_leaves_steps_aside_or_is_planned():
    assert "; one that does not fit at once is turned away" in say_profile(read_profile("fgd"))
    assert "; a job that does not fit yet steps aside" in say_profile(read_profile("kubernetes-default"))
    assert "planned in order" in say_profile(read_profile("slurm-like"))


def test_every_shipped_profile_says_something_of_its_own():
    said = [say_profile(read_profile(name)) for name in shipped_profiles()]
    assert len(set(said)) == len(said)


@pytest.mark.parametrize(
    ("blocked", "said"),
    [
        ("queue", "nobody passes a job that does not fit yet"),
        ("partition", "holds up its partition only"),
        ("skip", "steps aside, and all others may pass it"),
        ("nothing", "steps aside, and all others may pass it"),
        (
            "drop",
            "Jobs are looked at in the order of submission; one that does not fit at once is turned away",
        ),
    ],
)
def test_what_a_blocked_job_blocks_is_said_as_it_is(blocked, said):
    sentence = say_profile(read_profile("fcfs", [f"cycle.blocked={blocked}"]))
    assert said in sentence
    assert ("nobody passes" in sentence) == (blocked == "queue")


def test_reservations_say_what_blocks_between_their_cycles():
    sentence = say_profile(
        read_profile("fcfs", ["backfill.rule=reservations", "cycle.blocked=partition"]), on_nodes=False
    )
    assert "planned in order" in sentence
    assert "between cycles a job that does not fit holds up its partition only" in sentence


def test_the_choice_of_nodes_is_said_with_every_rule_and_weight():
    sentence = say_profile(read_profile("kubernetes-default"))
    assert sentence.endswith(
        "A task goes to the node with the highest score among a sample of the nodes, as kube-scheduler draws it: "
        "1 x least-allocated (most left of cores and memory) + 1 x balanced-allocation (cores and memory filled most "
        "evenly), each cut to a whole number up to 100; of equal ones any of them. "
        "A share or slice of a GPU comes from the GPU of the node with least left."
    )


def test_a_profile_without_scores_takes_the_first_node_with_room():
    assert "A task goes to a node with room: the first by name." in say_profile(read_profile("easy"))


def test_on_a_count_nothing_is_said_of_nodes():
    assert "node" not in say_profile(read_profile("fgd"), on_nodes=False)
