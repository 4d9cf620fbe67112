"""Several descriptions as one machine."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest

from timonier.describe import machine_template, machine_to_toml, merge_machines, parse_machine
from timonier.kit.errors import InputError

A = """schema = "timonier/machine/1"
[[node]]
names = "a1"
cores = 8
rack = "r1"
[[switch]]
name = "leaf"
nodes = "a1"
speed = "100Gbit/s"
[[partition]]
name = "all"
nodes = "a1"
default = true
[[package]]
nodes = "a1"
name = "package0"
cores = 8
[licences]
ansys = 20
[unknown]
power = "no counter"
"""
B = A.replace("a1", "b1")


def read(text, name="x"):
    return parse_machine(tomllib.loads(text), name, name)


def merged(*texts, name="lab"):
    return merge_machines([(f"{number}.toml", read(text)) for number, text in enumerate(texts)], name)


def refused(*texts):
    with pytest.raises(InputError) as caught:
        merged(*texts)
    return caught.value


def test_nodes_racks_switches_and_partitions_are_joined():
    lab = merged(A, B)
    (group,), (switch,), (partition,) = lab.nodes, lab.switches, lab.partitions
    assert (lab.name, group.names, group.rack) == ("lab", ("a1", "b1"), "r1")
    assert (switch.nodes, switch.speed_bytes_per_s) == (("a1", "b1"), 12_500_000_000)
    assert (partition.nodes, partition.default) == (("a1", "b1"), True)
    assert lab.licences == {"ansys": 20}, "one pool that both know"


def test_equal_insides_become_one_for_both_nodes_and_other_insides_stay_apart():
    lab = merged(A, B, A.replace("a1", "c1").replace("cores = 8", "cores = 4"))
    assert [(package.nodes, package.cores) for package in lab.topology.packages] == [
        (("a1", "b1"), 8),
        (("c1",), 4),
    ]
    assert lab.topology.unknown == {"a1,b1,c1: power": "no counter"}


def test_what_was_merged_reads_back_to_the_same_record():
    lab = merged(A, B)
    assert read(machine_to_toml(lab)) == lab


def test_a_node_in_both_is_told_with_both_places():
    error = refused(A, A)
    assert "node 'a1' is in 0.toml and in 1.toml" in error.what
    assert "rename" in error.fix


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('speed = "100Gbit/s"', 'speed = "200Gbit/s"', "switch 'leaf' is told twice"),
        ("ansys = 20", "ansys = 10", "licence 'ansys': 20 and 10"),
        ('name = "all"', 'name = "other"', "two default partitions: all, other"),
    ],
)
def test_one_name_with_two_meanings_is_told(old, new, what):
    assert what in refused(A, B.replace(old, new)).what


def test_all_collisions_are_told_at_once():
    error = refused(A, A, 'schema = "timonier/machine/1"\nprocessors = 3')
    assert error.what.startswith("2 entries are wrong")
    assert "counted machine" in error.what


def test_different_prices_are_told_and_one_price_is_kept():
    price = '[prices]\ncurrency = "CHF"\nper_kwh = 0.27\n'
    assert merged(A + price, B).prices.per_kwh == 0.27
    assert "different prices" in refused(A + price, B + price.replace("0.27", "0.3")).what


def test_merging_is_the_same_in_three_steps_as_in_one():
    c = A.replace("a1", "c1")
    pair = merged(A, B)
    stepwise = merge_machines([("pair", pair), ("c", read(c))], "lab")
    at_once = merged(A, B, c)
    assert replace(stepwise, topology=at_once.topology) == at_once
    assert stepwise.topology.packages == at_once.topology.packages


def test_the_template_is_a_machine():
    lab = read(machine_template())
    assert (lab.total_nodes, lab.total_gpus) == (9, 26)
    assert lab.partitions[1].default
