"""Machines that ship: the school lab that an admin edits, and openb's nodes."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from timonier.describe import machine_to_toml, parse_machine, read_machine, shipped_file, shipped_machines
from timonier.describe.devices import device
from timonier.kit.errors import InputError
from timonier.kit.toml import parse_toml

TRACES = Path(__file__).parents[3] / "shared" / "traces"
NODES = TRACES / "gpu-alibaba-2023"


def gpus_of(machine):
    counts = Counter()
    for group in machine.nodes:
        for gpus in group.gpus:
            counts[gpus.type] += gpus.count * len(group.names)
    return counts


def test_every_shipped_machine_is_read_by_its_name():
    for name in shipped_machines():
        assert read_machine(name).name == name


def test_the_school_lab_is_what_it_says():
    lab = read_machine("school-lab")
    modes = {gpus.sharing for group in lab.nodes for gpus in group.gpus}
    assert modes == {"exclusive", "mig", "fraction"}
    assert len(gpus_of(lab)) == 5
    for group in lab.nodes:
        assert device(group.cpu) is not None
        assert group.price is not None
        assert all(device(gpus.type) is not None for gpus in group.gpus)


def test_the_school_lab_has_a_comment_wherever_an_admin_asks_what_is_this():
    text = shipped_file("school-lab").read_text()
    assert len([line for line in text.splitlines() if "#" in line]) > 20
    assert "timonier describe school-lab --toml > my-lab.toml" in text


def test_a_machine_with_watts_and_prices_reads_back_the_same():
    lab = read_machine("school-lab")
    assert parse_machine(parse_toml(machine_to_toml(lab).encode(), "")) == lab


def test_openb_has_the_published_gpus():
    """The counts stated with the trace."""
    openb = read_machine("openb")
    assert openb.total_nodes == 1523
    assert openb.total_gpus == 6212
    published = {"G2": 4392, "T4": 842, "G3": 312, "P100": 265, "V100M32": 204, "V100M16": 195, "A10": 2}
    assert gpus_of(openb) == published
    assert read_machine("openb-gpu").total_nodes == 1213


@pytest.mark.skipif(not NODES.is_dir(), reason="needs the public logs in ../shared/traces")
@pytest.mark.parametrize(
    ("name", "file"),
    [("openb", "openb_node_list_all_node.csv"), ("openb-gpu", "openb_node_list_gpu_node.csv")],
)
def test_openb_has_the_node_shapes_of_the_trace(name, file):
    rows = csv.DictReader((NODES / file).read_text().splitlines())
    real = Counter(
        (int(row["cpu_milli"]), int(row["memory_mib"]) << 20, int(row["gpu"]), row["model"]) for row in rows
    )
    ours = Counter()
    for group in read_machine(name).nodes:
        gpus = group.gpus[0] if group.gpus else None
        shape = (
            group.core_thousandths,
            group.memory_bytes,
            gpus.count if gpus else 0,
            gpus.type if gpus else "",
        )
        ours[shape] += len(group.names)
    assert ours == real


def test_a_name_that_does_not_ship_is_told_with_the_nearest():
    with pytest.raises(InputError) as caught:
        read_machine("schol-lab")
    assert "did you mean 'school-lab'" in str(caught.value)


def test_a_file_goes_before_a_shipped_machine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("openb").write_text('schema = "timonier/machine/1"\nprocessors = 5\n')
    assert read_machine("openb").processors == 5
