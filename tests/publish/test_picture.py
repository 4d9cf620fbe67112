"""Pictures of machines: well-formed, complete, the same bytes every time."""

from __future__ import annotations

import tomllib
from xml.etree import ElementTree as ET

import pytest
from tests.describe.hardware import files

from timonier.describe import machine_template, parse_machine
from timonier.describe.discover.file import read_found
from timonier.publish.picture import draw_inside, draw_racks

SVG = "{http://www.w3.org/2000/svg}"
FILES = (
    files("hw-hwloc", "*.xml") + files("hw-rccl-topo", "*.xml") + files("hw-cloud-nccl-topo", "*.xml")
    + files("hw-nvidia-topo", "*.txt", "*.md")
)  # fmt: skip


def words(svg):
    """The texts of a picture; it fails where the picture is not XML."""
    return [text.text or "" for text in ET.fromstring(svg).iter(f"{SVG}text")]  # noqa: S314


def marks(svg):
    return [(float(box.get("x", 0)), float(box.get("y", 0)), float(box.get("width")), float(box.get("height")))
            for box in ET.fromstring(svg).iter(f"{SVG}rect")]  # noqa: S314  # fmt: skip


@pytest.mark.parametrize("path", FILES)
def test_every_published_machine_is_drawn_whole(path):
    machine = read_found(path)
    (group,) = machine.nodes
    svg = draw_inside(machine, group.names[0])
    assert svg == draw_inside(machine, group.names[0])
    text = words(svg)
    for package in machine.topology.packages:
        assert any(line.startswith(package.name) for line in text), package.name
    for memory in machine.topology.memories:
        assert memory.name in text
    for gpu in machine.topology.devices_of("gpu"):
        assert gpu.name in text
    (_, _, width, height), *boxes = marks(svg)
    for x, y, w, h in boxes:
        assert w > 0
        assert h > 0
        assert x + w <= width + 0.1
        assert y + h <= height + 0.1


def test_what_is_not_known_stands_below_with_its_reason():
    machine = parse_machine(tomllib.loads(
        'schema = "timonier/machine/1"\n[[node]]\nnames = "n"\n[unknown]\npower = "no counter"\n'
    ))  # fmt: skip
    assert "power: no counter" in words(draw_inside(machine, "n"))


def test_names_cannot_break_the_picture():
    machine = parse_machine(tomllib.loads(
        'schema = "timonier/machine/1"\n[[node]]\nnames = "n"\nproduct = "<b>&\\"x\\"</b>"\n'
    ))  # fmt: skip
    assert any("<b>&" in text for text in words(draw_inside(machine, "n")))


def test_every_node_stands_in_its_rack_once():
    machine = parse_machine(tomllib.loads(machine_template()))
    svg = draw_racks(machine)
    text = words(svg)
    assert svg == draw_racks(machine)
    for node in ("gpu01", "gpu04", "ws1", "ws5"):
        assert sum(line.startswith(f"{node} ") for line in text) == 1
    assert "r1" in text
    assert "rack not told" in text
    assert any("200 Gbit/s" in line for line in text)


def test_a_thousand_nodes_are_drawn_small():
    machine = parse_machine(
        tomllib.loads('schema = "timonier/machine/1"\n[[node]]\nnames = "n[0001-1000]"\nrack = "r"\n')
    )
    titles = [title.text for title in ET.fromstring(draw_racks(machine)).iter(f"{SVG}title")]  # noqa: S314
    assert sum(title.startswith(("n0", "n1")) for title in titles) == 1000
