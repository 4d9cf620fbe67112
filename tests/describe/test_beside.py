"""Measured values beside what the makers say."""

from __future__ import annotations

import tomllib

import pytest

from timonier.describe import Figure, measured_rows, parse_machine

LAB = parse_machine(
    tomllib.loads(
        'schema = "timonier/machine/1"\n[[node]]\nnames = "n"\ncpu = "EPYC-9354"\ncores = 64\n'
        'gpus = [{ type = "A100-40GB", count = 4 }]\n'
        + "".join(f'[[package]]\nnodes = "n"\nname = "package{k}"\ncores = 32\n' for k in (0, 1))
    )
)


def row(name="stream.triad", label="all cores", value=7.3728e11, machine=LAB, node="n"):
    (one,) = measured_rows(machine, [Figure(node, name, label, "B/s", value)])
    return one


def test_bandwidth_is_a_share_of_all_sockets():
    assert row()["catalogue"] == 2 * 460.8e9
    assert row()["share"] == pytest.approx(0.8)


def test_peak_of_the_processors_and_of_one_gpu():
    assert row("gemm.float64", value=1.664e12)["share"] == pytest.approx(0.5)
    assert row("gemm.bfloat16", label="gpu", value=156e12)["share"] == pytest.approx(0.5)


def test_a_part_is_not_compared_with_the_whole():
    assert row(label="one core")["catalogue"] is None
    assert row("graph500.bfs")["catalogue"] is None


def test_what_cannot_be_compared_says_why():
    guest = parse_machine(
        tomllib.loads(
            'schema = "timonier/machine/1"\n[[node]]\nnames = "n"\ncpu = "epyc-9354"\n'
            '[[package]]\nnodes = "n"\nname = "package0"\ncores = 2\n'
        )
    )
    bare = parse_machine(
        tomllib.loads('schema = "timonier/machine/1"\n[[node]]\nnames = "n"\ncpu = "epyc-9354"\n')
    )
    plain = parse_machine(tomllib.loads('schema = "timonier/machine/1"\n[[node]]\nnames = "n"\n'))
    assert "a part of its processors" in row(machine=guest)["why"]
    assert "how many processors" in row(machine=bare)["why"]
    assert "does not have its type" in row(machine=plain)["why"]
    assert row("gemm.float8", label="gpu")["why"] == "its maker gives none"


def test_a_value_that_is_missing_has_no_share_and_figures_of_strangers_are_told():
    assert row(value=None)["share"] is None
    assert row(node="m") == {
        "kind": "unknown",
        "name": "measurements of m",
        "why": "the machine has no such node",
    }
