"""Every topology that hwloc keeps for its own tests, counted by hwloc itself."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections import Counter
from itertools import combinations
from xml.etree import ElementTree as ET

import pytest
from tests.describe.hardware import counts, files

from timonier.describe import machine_to_toml, parse_machine
from timonier.describe.discover.file import parse_found
from timonier.describe.discover.found import machine_of
from timonier.kit.errors import InputError

FILES = files("hw-hwloc", "*.xml")
needs_lstopo = pytest.mark.skipif(
    shutil.which("lstopo") is None, reason="needs lstopo: apt-get install hwloc"
)
CONSOLE_PICTURES = ("1002:515e",)  # AMD ES1000: the picture of a server's console


def read(path):
    return machine_of(parse_found(path.read_text(), str(path), path.stem))


def lstopo(path, tmp_path):
    """How many of each type the real lstopo prints.

    Debian's hwloc 2 refuses version 3 by its number; the objects are written alike.
    """
    copy = tmp_path / "old.xml"
    copy.write_text(path.read_text().replace('<topology version="3.0">', '<topology version="2.0">'))
    text = subprocess.run(
        ["lstopo", "--of", "console", "--no-io", "-i", str(copy)], check=True, capture_output=True, text=True
    ).stdout
    return Counter(re.findall(r"(Package|Die|NUMANode|Core|PU)(?:\(\w+\))? L#\d+", text))


def gpus(path):
    """Display and compute controllers of the three makers of GPUs, by another road through the XML."""
    found = 0
    for device in ET.parse(path).getroot().iter("object"):  # noqa: S314
        match = re.match(r"(03..|0b40|12..) \[(10de|1002|8086):(\w{4})\]", device.get("pci_type", ""))
        found += bool(match and f"{match[2]}:{match[3]}" not in CONSOLE_PICTURES)
    return found


def links(path):
    """Pairs with a bandwidth other than 0 in the matrices of NVLink."""
    found = 0
    for text in re.findall(r"name=\"NVLinkBandwidth\">(.*?)</distances2", path.read_text(), re.DOTALL):
        values = [int(v) for line in re.findall(r"<u64values[^>]*>(.*?)<", text) for v in line.split()]
        size = round(len(values) ** 0.5)
        found += sum(values[a * size + b] > 0 for a, b in combinations(range(size), 2))
    return found


@needs_lstopo
@pytest.mark.parametrize("path", FILES)
def test_the_counts_are_those_of_lstopo(path, tmp_path):
    theirs, ours = lstopo(path, tmp_path), counts(read(path))
    assert {
        "packages": theirs["Package"],
        "dies": theirs["Die"],
        "numa": theirs["NUMANode"],
        "cores": theirs["Core"],
        "threads": theirs["PU"],
        "gpus": gpus(path),
        "links": links(path),
    } == ours


@pytest.mark.parametrize("path", FILES)
def test_the_machine_file_reads_back_to_the_same_record(path):
    machine = read(path)
    assert parse_machine(tomllib.loads(machine_to_toml(machine))) == machine


OLD = """<topology><object type="Machine" os_index="0" cpuset="0x0000000f" allowed_cpuset="0x00000007">
<object type="NUMANode" os_index="0" cpuset="0x3" nodeset="0x1" local_memory="4096">
<object type="Socket" os_index="0" cpuset="0x3"><info name="CPUModel" value="Old"/>
<object type="Cache" depth="3" cache_size="8192" cache_type="0" cpuset="0x3">
<object type="Core" cpuset="0x3"><object type="PU" cpuset="0x1"/><object type="PU" cpuset="0x2"/></object></object>
</object></object>
<object type="NUMANode" os_index="1" cpuset="0xc" nodeset="0x2" local_memory="4096">
<object type="Socket" cpuset="0xc"><object type="Core" cpuset="0xc"><object type="PU" cpuset="0x4"/>
<object type="PU" cpuset="0x8"/></object></object></object></object></topology>"""


def test_version_1_is_read_and_what_we_may_not_use_is_left_out():
    machine = machine_of(parse_found(OLD, "old.xml", "old"))
    first, second = machine.topology.packages
    assert (first.model, first.cores, first.threads) == ("Old", 1, 2)
    assert [(chiplet.cores, chiplet.l3_bytes, chiplet.numa) for chiplet in first.chiplets] == [(1, 8192, 0)]
    assert (second.cores, second.threads) == (1, 1)
    assert machine.nodes[0].memory_bytes == 8192
    assert machine.topology.unknown["left out"].startswith("1 hardware thread")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("<topology/>", "not hwloc's"),
        ('<topology><object type="Machine" cpuset="0xg"/></topology>', "damaged"),
        (OLD.replace('os_index="1"', 'os_index="0"'), "two memory domains"),
        (
            (
                '<topology><object type="Machine"/><distances2hetero name="NVLinkBandwidth"><indexes>a b</indexes>'
                "<u64values>1</u64values></distances2hetero></topology>"
            ),
            "1 values for 2 devices",
        ),
    ],
)
def test_a_damaged_file_is_one_clear_error(text, what):
    with pytest.raises(InputError) as caught:
        parse_found(text, "x.xml", "x")
    assert what in caught.value.what
    assert caught.value.where == "x.xml"
