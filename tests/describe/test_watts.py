"""Power is the file's, else the catalogue's, each figure by itself, and says which."""

from __future__ import annotations

from timonier.describe import Gpus, Nodes
from timonier.describe.devices import device
from timonier.describe.watts import Watts, watts_of_gpu, watts_of_node


def test_a_figure_of_the_file_goes_before_the_catalogue():
    known = device("a100-40gb")
    assert watts_of_gpu(Gpus("a100-40gb", idle_w=60.0)) == Watts(60.0, known.busy_w, "file", "catalogue")
    assert watts_of_gpu(Gpus("A100-40gb")).pair == (known.idle_w, known.busy_w)


def test_a_node_has_as_many_sockets_as_its_cores_need():
    known = device("epyc-9354")
    watts = watts_of_node(Nodes(("a",), 33_000, cpu="epyc-9354"))
    assert watts.pair == (2 * known.idle_w, 2 * known.busy_w)
    assert watts.idle_from == watts.busy_from == "catalogue"


def test_what_nobody_says_is_not_known():
    assert watts_of_gpu(Gpus("g2", busy_w=70.0)) == Watts(None, 70.0, "", "file")
    assert watts_of_gpu(Gpus("g2", busy_w=70.0)).pair is None
    assert watts_of_node(Nodes(("a",))) == Watts(None, None, "", "")


def test_less_power_at_work_than_without_is_a_contradiction():
    assert Watts(2.0, 1.0, "file", "file").is_contradiction
    assert not Watts(1.0, 1.0, "file", "file").is_contradiction
    assert not Watts(2.0, None, "file", "").is_contradiction
