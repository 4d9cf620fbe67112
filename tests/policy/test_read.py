"""Profiles: what ships, what a file may say, and what it may not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from timonier.kit.errors import InputError
from timonier.policy import (
    Backfill,
    Estimate,
    Limits,
    Profile,
    Queue,
    profile_to_toml,
    read_profile,
    shipped_profiles,
)

SHIPPED = {
    "fcfs": ("fcfs", "none", "queue"),
    "sjf": ("sjf", "none", "queue"),
    "ljf": ("ljf", "none", "queue"),
    "saf": ("saf", "none", "queue"),
    "wfp3": ("wfp3", "none", "queue"),
    "unicef": ("unicef", "none", "queue"),
    "f1": ("f1", "none", "queue"),
    "f2": ("f2", "none", "queue"),
    "f3": ("f3", "none", "queue"),
    "f4": ("f4", "none", "queue"),
    "easy": ("fcfs", "easy", "queue"),
    "easy-sjbf": ("fcfs", "easy", "shortest"),
    "conservative": ("fcfs", "conservative", "queue"),
}
SLURM = """
schema = "timonier/profile/1"
[cycle]
on = ["submit", "end"]
every = "60s"
depth = 100
blocked = "partition"
[order]
rule = "multifactor"
age = { weight = 1000, max = "7d" }
fair_share = { weight = 10_000, half_life = "7d", algorithm = "fair-tree" }
queue = { weight = 2000 }
[backfill]
rule = "reservations"
every = "30s"
depth = 500
window = "1d"
resolution = "60s"
[[place.score]]
rule = "node-weight"
weight = 1
[preempt]
rule = "queue"
[quota]
rule = "cohort"
[share]
rule = "fraction"
[[queue]]
name = "urgent"
priority = 1000
preempts = ["normal"]
limits = { gpus = 8 }
"""


def file_with(tmp_path, text, header='schema = "timonier/profile/1"\n'):
    path = tmp_path / "mine.toml"
    path.write_text(header + text)
    return path


# they place jobs on nodes
PLACEMENT = (
    "best-fit",
    "dot-product",
    "fgd",
    "gpu-clustering",
    "gpu-packing",
    "kubernetes-default",
    "random-fit",
)


def test_the_shipped_profiles_are_those_of_the_contract():
    assert set(shipped_profiles()) == {*SHIPPED, *PLACEMENT, "slurm-like"}


def test_slurm_like_has_the_defaults_that_slurm_documents():
    """slurm.conf(5) 22.05: bf_interval 30, bf_max_job_test 500, bf_window 1440 min, bf_resolution 60, sched_interval 60."""
    profile = read_profile("slurm-like")
    assert profile.backfill == Backfill("reservations", "queue", 30, 500, 86400, 60, None)
    assert profile.cycle == replace(read_profile("fcfs").cycle, every_s=60, blocked="partition")
    assert (profile.order.rule, profile.estimate) == ("fcfs", Estimate())
    assert "22.05" in profile.source
    assert "not exact" in profile.source


@pytest.mark.parametrize("name", PLACEMENT)
def test_a_shipped_placement_profile_says_what_it_is_and_scores_nodes(name):
    profile = read_profile(name)
    assert profile.name == name
    assert profile.place.score
    assert len(profile.source) > 5


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_profile_is_what_its_name_says_with_plain_defaults_and_a_source(name):
    profile = read_profile(name)
    assert (profile.order.rule, profile.backfill.rule, profile.backfill.order) == SHIPPED[name]
    assert profile.name == name
    assert profile.cycle.on == ("submit", "end")
    assert profile.cycle.each == "instant"
    assert profile.cycle.every_s is None
    assert profile.estimate == Estimate(use="limit", over="kill", missing_s=None)
    assert profile.queues == ()
    assert len(profile.source) > 5


@pytest.mark.parametrize("name", SHIPPED)
def test_a_profile_written_reads_back_the_same(tmp_path, name):
    settings = [
        "cycle.every=30s",
        "queue.short.priority=5",
        "queue.short.limits.job_time=3h",
        "cycle.on=[end]",
    ]
    for profile in (read_profile(name), read_profile(name, settings)):
        path = tmp_path / "written.toml"
        path.write_text(profile_to_toml(profile))
        assert read_profile(path) == profile


def test_an_empty_profile_is_the_plainest_scheduler_and_is_named_by_its_file(tmp_path):
    assert read_profile(file_with(tmp_path, "")) == Profile(name="mine")


def test_settings_override_and_the_last_one_wins():
    profile = read_profile(
        "easy", ["cycle.every=1m", "cycle.every=90", "estimate.missing=2h", "cycle.on=submit"]
    )
    assert profile.cycle.every_s == 90
    assert profile.estimate.missing_s == 7200
    assert profile.cycle.on == ("submit",)
    assert read_profile("easy", ["estimate.missing=2h", "estimate.missing=exact"]) == read_profile("easy")


def test_settings_reach_the_queues_by_name(tmp_path):
    path = file_with(tmp_path, '[[queue]]\nname = "a"\n[[queue]]\nname = "b"\npriority = 3\n')
    profile = read_profile(path, ["queue.b.limits.user_jobs=2", "queue.new.priority=9"])
    assert profile.queues == (Queue("a"), Queue("b", 3, Limits(user_jobs=2)), Queue("new", 9))


def test_every_limit_of_a_queue_is_read(tmp_path):
    limits = 'processors=1, jobs=2, user_processors=3, user_jobs=4, job_processors=5, job_time="6m"'
    profile = read_profile(file_with(tmp_path, f'[[queue]]\nname="q"\nlimits = {{ {limits} }}\n'))
    assert profile.queues[0].limits == Limits(1, 2, 3, 4, 5, 360)


@pytest.mark.parametrize(
    ("settings", "what", "where", "fix"),
    [
        (["backfil.rule=easy"], "unknown key 'backfil'", "backfil", "did you mean 'backfill'"),
        (["backfill.rul=easy"], "unknown key 'rul'", "backfill.rul", "did you mean 'rule'"),
        (["order.rule=sfj"], "unknown value 'sfj'", "order.rule", "did you mean 'sjf'"),
        (["backfill.rule=reservation"], "unknown value", "backfill.rule", "did you mean 'reservations'"),
        (["backfill.depth=3"], "'depth' has no effect", "backfill.depth", 'set rule = "reservations"'),
        (["backfill.rule=reservations", "backfill.depth=0"], "below 1", "backfill.depth", ""),
        (["order.rule=multifactor"], "not simulate it yet", "order.rule", "fcfs"),
        (["cycle.depth=100"], "not simulate it yet", "cycle.depth", ""),
        (["preempt.rule=queue"], "not simulate it yet", "preempt", ""),
        (["queue.a.limits.gpus=3"], "not simulate it yet", "queue[0].limits.gpus", ""),
        (["cycle.every=0.5s"], "whole number of seconds", "cycle.every", ""),
        (["cycle.every=0"], "below 1", "cycle.every", ""),
        (["cycle.every=-3"], "", "cycle.every", ""),
        (["cycle.every=soon"], "'soon' is not", "cycle.every", "30s"),
        (["cycle.every=inf"], "not finite", "cycle.every", ""),
        (["cycle.every=true"], "not a quantity", "cycle.every", ""),
        (["cycle.on=[]"], "nothing ever brings a pass", "cycle.on", "submit"),
        (["cycle.on=[submit, stop]"], "unknown value 'stop'", "cycle.on", "known: end, submit"),
        (["cycle=3"], "is not a table", "cycle", ""),
        (["order.rule.deep=3"], "is a value", "order.rule.deep=3", ""),
        (["order.rule"], "section.key=value", "", ""),
        (["queue.a=3"], "which knob", "queue.a=3", ""),
        (["queue=3"], "not a list of tables", "queue", ""),
        (["queue=3", "queue.a.priority=1"], "not a list of tables", "queue.a.priority=1", ""),
        (["queue=[3]", "queue.a.priority=1"], "not a list of tables", "queue.a.priority=1", ""),
        (["queue.a.limits.jobs=0"], "below 1", "queue[0].limits.jobs", ""),
        (["queue.a.limits.jobs=1.5"], "not a whole number", "queue[0].limits.jobs", ""),
        (["queue.a.name=b", "queue.c.name=b"], "a second queue 'b'", "queue[1].name", ""),
        (["backfill.order=shortest", "backfill.rule=none"], "has no effect", "backfill.order", "easy"),
        (["schema=x"], "not a knob", "schema", ""),
        (["name="], "not a text", "name", ""),
    ],
)
def test_a_wrong_setting_says_what_where_and_how_to_fix_it(settings, what, where, fix):
    with pytest.raises(InputError) as caught:
        read_profile("easy", settings)
    assert what in caught.value.what
    assert where in caught.value.where
    assert fix in caught.value.fix


def test_an_unknown_profile_offers_the_nearest():
    with pytest.raises(InputError) as caught:
        read_profile("conservativ")
    assert "did you mean 'conservative'" in caught.value.fix


def test_a_file_must_say_its_schema(tmp_path):
    with pytest.raises(InputError, match="schema"):
        read_profile(file_with(tmp_path, 'name = "x"\n', header=""))
    with pytest.raises(InputError) as caught:
        read_profile(file_with(tmp_path, "", header='schema = "timonier/profile/2"\n'))
    assert "timonier/profile/1" in caught.value.fix


def test_every_wrong_entry_of_a_file_is_named_at_once(tmp_path):
    path = file_with(
        tmp_path, '[cycle]\neach = "never"\nevery = "x"\n[order]\nrul = 1\n[[queue]]\npriority = "1"\n'
    )
    with pytest.raises(InputError) as caught:
        read_profile(path)
    assert caught.value.what.startswith("5 entries are wrong")
    for place in (
        "cycle.each",
        "cycle.every",
        "order.rul",
        "queue[0].priority",
        "queue[0]: 'name' is missing",
    ):
        assert place in caught.value.what
    assert str(path) in caught.value.where


def test_the_slurm_example_of_the_contract_is_known_by_name_and_refused_as_later(tmp_path):
    with pytest.raises(InputError) as caught:
        read_profile(file_with(tmp_path, SLURM, header=""))
    assert "unknown" not in caught.value.what
    for place in (
        "cycle.depth",
        "order.rule",
        "order.age",
        "order.fair_share",
        "order.queue",
    ):
        assert f"  {place}:" in caught.value.what
    for place in ("preempt", "quota", "share"):
        assert f"  {place}:" in caught.value.what
    assert "backfill" not in caught.value.what


def test_backfill_by_reservations_is_read_and_written_back(tmp_path):
    text = SLURM[SLURM.index("[backfill]") : SLURM.index("[preempt]")] + "[cycle]\nblocked = 'partition'\n"
    profile = read_profile(file_with(tmp_path, text))
    assert profile.backfill == Backfill("reservations", "queue", 30, 500, 86400, 60, None)
    assert read_profile(file_with(tmp_path, profile_to_toml(profile), header="")) == profile


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = ", b"[" * 5000, b"schema = 3"])
def test_a_file_that_is_no_profile_is_one_clear_error(tmp_path, content):
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_profile(path)
    assert str(path) in caught.value.where


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_profile(tmp_path / "none.toml")
