"""A machine that can be simulated as it is, but hardly is meant so."""

from __future__ import annotations

import pytest

from timonier.describe import (
    Gpus,
    Machine,
    Nodes,
    machine_doubts,
    machine_table,
    read_machine,
    shipped_machines,
)


def machine_of(*gpus):
    return Machine("m", nodes=(Nodes(("a",), gpus=gpus),))


def test_a_type_that_is_nearly_one_of_the_catalogue_is_told():
    (told,) = machine_doubts(machine_of(Gpus("A100-40bg")))
    assert told.startswith("GPU type 'A100-40bg' is not in the catalogue")
    assert "its memory (no job with gpu_memory_bytes comes to it) and its watts (energy stays empty)" in told
    assert told.endswith("did you mean 'a100-40gb'?")


def test_a_type_of_its_own_is_no_doubt_but_what_is_not_known_of_it_is_said():
    machine = machine_of(Gpus("zork", memory_bytes=1 << 30), Gpus("zork-2"))
    assert machine_doubts(machine) == []
    unknown = {row["name"]: row["why"] for row in machine_table(machine) if row["kind"] == "unknown"}
    assert set(unknown) == {"GPU type zork", "GPU type zork-2"}
    assert "memory" not in unknown["GPU type zork"]
    assert "its watts" in unknown["GPU type zork"]


def test_a_type_that_the_file_describes_is_known():
    machine = machine_of(Gpus("a100-40bg", memory_bytes=1 << 30, idle_w=10.0, busy_w=20.0))
    assert machine_doubts(machine) == []
    assert not [row for row in machine_table(machine) if row["kind"] == "unknown"]


def test_more_gpus_in_a_node_than_any_has_are_told():
    (told,) = machine_doubts(machine_of(Gpus("t4", 999_999), Gpus("a30", 1)))
    assert told.startswith("node 'a' has 1,000,000 GPUs")
    assert machine_doubts(machine_of(Gpus("t4", 72))) == []


@pytest.mark.parametrize("name", shipped_machines())
def test_machines_that_ship_leave_no_doubt(name):
    assert machine_doubts(read_machine(name)) == []
