"""Machines: the contract's examples, and everything a machine file must not say."""

from __future__ import annotations

from pathlib import Path

import pytest

from timonier.describe import (
    Gpus,
    Machine,
    Nodes,
    Owner,
    Partition,
    Prices,
    Switch,
    read_machine,
    write_machine,
)
from timonier.kit.errors import InputError

LAB = Path(__file__).with_name("school-lab.toml")  # the example of the contract, word for word


def file_with(tmp_path, text, header='schema = "timonier/machine/1"\n'):
    path = tmp_path / "mine.toml"
    path.write_text(header + text)
    return path


def refused(tmp_path, text):
    with pytest.raises(InputError) as caught:
        read_machine(file_with(tmp_path, text))
    return caught.value


def test_a_plain_number_is_a_counted_machine():
    assert read_machine("338") == Machine(name="338", processors=338)
    assert read_machine(338) == read_machine("338")
    assert read_machine("338").is_counted
    assert read_machine("338").total_cores == 338
    assert read_machine("338").total_gpus == 0


@pytest.mark.parametrize("number", ["0", "-3", "99999999999999999999"])
def test_a_number_that_is_no_machine_is_refused(number):
    with pytest.raises(InputError):
        read_machine(number)


def test_the_smallest_machine_of_the_contract(tmp_path):
    assert read_machine(file_with(tmp_path, 'name = "kth-sp2"\nprocessors = 100\n')) == Machine(
        "kth-sp2", 100
    )


def test_partitions_of_a_counted_machine_are_caps_that_may_sum_to_more(tmp_path):
    text = 'processors = 100\n[[partition]]\nname="a"\nprocessors=80\ndefault=true\n[[partition]]\nname="b"\nprocessors=60'
    machine = read_machine(file_with(tmp_path, text))
    assert machine.partitions == (Partition("a", 80, default=True), Partition("b", 60))
    assert machine.name == "mine"


def test_the_lab_of_the_contract_is_read_to_the_last_entry():
    gpu = tuple(f"gpu0{i}" for i in range(1, 5))
    old = ("old1", "old2")
    first = Nodes(
        gpu, 64_000, 512 * 2**30, (Gpus("a100-40gb", 4, "mig"),), cpu="epyc-9354", rack="r1", features=("ib",)
    )
    cards = (Gpus("gtx-1080-ti", 3), Gpus("titan-x", 1, "fraction", max_sharers=4))
    second = Nodes(old, 20_000, 128 * 2**30, cards, weight=10, resources={"nvme_bytes": 960_000_000_000})
    machine = read_machine(LAB)
    assert machine == Machine(
        name="school-lab",
        nodes=(first, second),
        switches=(Switch("leaf1", gpu, 25_000_000_000),),
        partitions=(Partition("gpu", nodes=gpu + old, default=True, max_time_s=172_800),),
        owners=(Owner("vision", gpu[:2]),),
        licences={"ansys": 20},
        prices=Prices("CHF", 0.27),
    )
    assert not machine.is_counted
    assert (machine.total_nodes, machine.total_cores, machine.total_gpus) == (6, 296, 24)


def test_a_machine_written_reads_back_the_same(tmp_path):
    path = tmp_path / "written.toml"
    fixed = Machine(
        "m",
        nodes=(Nodes(("n1",), 11_300, gpus=(Gpus("a100-40gb", 2, "mig", layout=("3g.20gb", "4g.20gb")),)),),
    )
    counted = Machine("c", 100, partitions=(Partition("a", 60, default=True), Partition("b", 50)))
    for machine in (read_machine(LAB), read_machine("7"), fixed, counted):
        write_machine(machine, path)
        assert read_machine(path) == machine


def test_cores_may_have_three_decimals_and_no_more(tmp_path):
    assert (
        read_machine(file_with(tmp_path, '[[node]]\nnames="a"\ncores=11.3\n')).nodes[0].core_thousandths
        == 11_300
    )
    assert "three decimals" in refused(tmp_path, '[[node]]\nnames="a"\ncores=1.2345\n').what


PART = '[[package]]\nnodes = "a1"\nname = "package0"\n'
NODE = '[[node]]\nnames = "a[1-3]"\n'


@pytest.mark.parametrize(
    ("text", "what", "where", "fix"),
    [
        ("", "neither processors nor nodes", "", "[[node]]"),
        ("processors = 3\n" + NODE, "both processors and nodes", "processors", ""),
        ("processors = 0", "below 1", "processors", ""),
        ('processors = "3"', "not a whole number", "processors", "without quotes"),
        ("processors = true", "not a whole number", "processors", ""),
        (
            "procesors = 3\nprocessors = 3",
            "unknown key 'procesors'",
            "procesors",
            "did you mean 'processors'",
        ),
        ("processors = 3\npool = []", "not simulate it yet", "pool", ""),
        ('processors = 3\n[unknown]\npower = "no counter"\nlink = []', "not a text", "unknown", ""),
        (NODE + '[[package]]\nname = "p"', "'nodes' is missing", "package[0]", ""),
        (NODE + '[[package]]\nnodes = "b"\nname = "p"', "there is no node 'b'", "package[0].nodes", "a1"),
        (NODE + PART + PART, "a second 'package0' in node 'a1'", "package[1].name", "once"),
        (
            NODE + PART + '[[device]]\nnodes = "a1"\nname = "gpu0"\nkind = "gup"',
            "unknown value 'gup'",
            "device[0].kind",
            "gpu",
        ),
        (
            NODE + PART + '[[device]]\nnodes = "a1"\nname = "gpu0"\nkind = "gpu"\nparent = "package"',
            "node 'a1' has no part 'package'",
            "device[0].parent",
            "did you mean 'package0'",
        ),
        (
            NODE + PART + '[[link]]\nnodes = "a1"\nfrom = "package0"\nto = "gpu1"\nkind = "nvlink"',
            "node 'a1' has no part 'gpu1'",
            "link[0].to",
            "package0",
        ),
        ("processors = 3\n[[partition]]\nprocessors = 3", "'name' is missing", "partition[0]", ""),
        ('processors = 3\n[[partition]]\nname = "a"', "'processors' is missing", "partition[0]", ""),
        (
            'processors = 3\n[[partition]]\nname = "a"\nprocessors = 3\nmax_time = "2d"',
            "not simulate it yet",
            "partition[0].max_time",
            "job_time",
        ),
        (
            'processors = 3\n[[owner]]\naccount = "a"\nprocessors = 1\nnodes = "b"',
            "takes processors here",
            "owner[0].nodes",
            "",
        ),
        (
            'processors = 3\n[[owner]]\naccount = "a"\nprocessors = 4',
            "the owners have 4 processors, the machine 3",
            "owner",
            "",
        ),
        (
            NODE + '[[owner]]\naccount = "a"\nnodes = "a1"\n[[owner]]\naccount = "b"\nnodes = "a1"',
            "two owners",
            "owner",
            "",
        ),
        ("[[node]]\ncores = 3", "'names' is missing", "node[0]", ""),
        ('[[node]]\nnames = "a["', "not a hostlist", "node[0].names", "gpu[01-04]"),
        ('[[node]]\nnames = "a[3-1]"', "counts down", "node[0].names", ""),
        ('[[node]]\nnames = "a[1-99999999]"', "more than", "node[0].names", ""),
        ('[[node]]\nnames = "a,a"', "described twice", "node[0].names", ""),
        (NODE + NODE, "'a1' is described twice", "node[1].names", ""),
        (NODE + 'memory = "12 parsecs"', "not a number of bytes", "node[0].memory", "GiB"),
        (NODE + "cores = -1", "below 0", "node[0].cores", ""),
        (NODE + "cores = nan", "not a number", "node[0].cores", ""),
        (NODE + 'gpus = [{ type = "a", count = "4" }]', "not a whole number", "node[0].gpus[0].count", ""),
        (NODE + "gpus = [{ count = 4 }]", "'type' is missing", "node[0].gpus[0]", ""),
        (NODE + "gpus = 4", "not a list of tables", "node[0].gpus", ""),
        (
            NODE + 'gpus = [{ type = "a", sharing = "mg" }]',
            "'mg'",
            "node[0].gpus[0].sharing",
            "did you mean 'mig'",
        ),
        (NODE + 'gpus = [{ type = "a", max_sharers = 2 }]', "no effect", "node[0].gpus[0].max_sharers", ""),
        (NODE + 'gpus = [{ type = "a", layout = "dynamic" }]', "no effect", "node[0].gpus[0].layout", "mig"),
        (NODE + "resources = { nvme = 1.5 }", "not a whole number", "node[0].resources", ""),
        (NODE + '[[switch]]\nname = "s"\nnodes = "b1"', "there is no node 'b1'", "switch[0].nodes", "a1"),
        (NODE + '[[partition]]\nname = "p"', "'nodes' is missing", "partition[0]", ""),
        (NODE + '[[partition]]\nname = "p"\nnodes = "a1"\nprocessors = 3', "takes nodes", "processors", ""),
        (
            NODE + '[[partition]]\nname="p"\nnodes="a1"\n' * 2,
            "a second partition 'p'",
            "partition[1].name",
            "",
        ),
        (NODE + '[[owner]]\nnodes = "a1"', "'account' is missing", "owner[0]", ""),
        (NODE + "licences = 3", "unknown key 'licences'", "node[0].licences", ""),
        ("licences = 3\n" + NODE, "not a table", "licences", ""),
        (NODE + "[licences]\nansys = -1", "below 0", "licences", ""),
        (NODE + "[prices]\nper_kwh = 0.3", "without its currency", "prices", "CHF"),
        (
            NODE + "idle_power = 300\nbusy_power = 10",
            "idle_power 300 W (given here) is above busy_power 10 W (given here)",
            "node[0].idle_power",
            "give both",
        ),
        (
            NODE + 'cores = 64\ncpu = "epyc-9354"\nidle_power = 5000',
            "is above busy_power 560 W (the catalogue's for the sockets of epyc-9354)",
            "node[0].idle_power",
            "give both",
        ),
        (
            NODE + 'gpus = [{ type = "a100-40gb", idle_power = 400, busy_power = 50 }]',
            "idle_power 400 W (given here) is above busy_power 50 W",
            "node[0].gpus[0].idle_power",
            "give both",
        ),
        (
            NODE + 'gpus = [{ type = "a100-40gb", busy_power = 20 }]',
            "W (the catalogue's for a100-40gb) is above busy_power 20 W (given here)",
            "node[0].gpus[0].busy_power",
            "give both",
        ),
        ("node = 3", "not a list of tables", "node", ""),
        ("node = [3]", "not a list of tables", "node", ""),
    ],
)
def test_a_wrong_entry_says_what_where_and_how_to_fix_it(tmp_path, text, what, where, fix):
    error = refused(tmp_path, text)
    assert what in error.what
    assert where in error.where
    assert fix in error.fix


def test_two_default_partitions_are_one_too_many(tmp_path):
    part = '[[partition]]\nname = "{}"\nprocessors = 3\ndefault = true\n'
    error = refused(tmp_path, "processors = 3\n" + part.format("a") + part.format("b"))
    assert error.where.endswith("partition[1].default")


def test_every_wrong_entry_is_named_at_once(tmp_path):
    error = refused(tmp_path, 'procesors = 1\n[[node]]\nnames = "a["\ncore = 1\ngpus = [{ count = "x" }]\n')
    assert error.what.startswith("5 entries are wrong")
    for place in ("procesors", "node[0].names", "node[0].core", "node[0].gpus[0].count", "node[0].gpus[0]"):
        assert f"  {place}: " in error.what


def test_a_file_must_say_its_schema(tmp_path):
    with pytest.raises(InputError, match="schema"):
        read_machine(file_with(tmp_path, "processors = 3\n", header=""))
    with pytest.raises(InputError, match="timonier/profile/1"):
        read_machine(file_with(tmp_path, "processors = 3\n", header='schema = "timonier/profile/1"\n'))
