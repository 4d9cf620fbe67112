"""Every topology that NCCL's and RCCL's users publish, counted another way."""

from __future__ import annotations

import re
import tomllib

import pytest
from tests.describe.hardware import counts, files

from timonier.describe import machine_to_toml, parse_machine
from timonier.describe.discover.file import parse_found
from timonier.describe.discover.found import machine_of
from timonier.describe.discover.nccl import parse_nccl
from timonier.kit.errors import InputError

FILES = files("hw-rccl-topo", "*.xml") + files("hw-cloud-nccl-topo", "*.xml")


def read(path):
    return machine_of(parse_found(path.read_text(), str(path), path.stem))


def without_comments(path):
    return re.sub(r"<!--.*?-->", "", path.read_text(), flags=re.DOTALL)


def bits(text):
    """Processors in the affinity masks, by their hexadecimal digits."""
    masks = re.findall(r'affinity="([0-9a-f,]+)"', text)
    return sum(int(digit, 16).bit_count() for mask in masks for digit in mask.replace(",", ""))


def gpus(text):
    """PCI functions of a display or accelerator class; in a graph the devices that it names."""
    if "<graphs" in text:
        return len(set(re.findall(r'<gpu dev="(\d+)"', text)))
    has_gpu = re.findall(r'<pci [^>]*class="0x(?:03[0-9a-f]{4}|120000)"', text)
    return len(has_gpu)


def links(text):
    """Pairs of GPUs that name each other, read tag by tag."""
    found, own, known = set(), "", set(re.findall(r'<pci busid="([^"]+)"', text))
    for tag in re.findall(r"<(?:pci|xgmi|nvlink) [^>]*>", text):
        if tag.startswith("<pci"):
            own = re.search(r'busid="([^"]+)"', tag)[1]
        elif (target := re.search(r'target="([^"]+)"', tag)[1]) in known and target != own:
            found.add(frozenset((own, target)))
    return len(found)


@pytest.mark.parametrize("path", FILES)
def test_the_counts_are_those_of_the_text(path):
    text, ours = without_comments(path), counts(read(path))
    assert ours["numa"] == len(set(re.findall(r'numaid="(-?\d+)"', text)))
    assert ours["threads"] == bits(text)
    assert ours["gpus"] == gpus(text)
    assert ours["links"] == links(text)
    assert (ours["packages"], ours["dies"], ours["cores"]) == (0, 0, 0), "NCCL tells none of them"


@pytest.mark.parametrize("path", FILES)
def test_every_network_port_is_there(path):
    text = without_comments(path)
    named = len(re.findall(r"<net ", text))
    cards = len(read(path).topology.devices_of("nic"))
    bare = len(re.findall(r'<pci [^>]*class="0x02[0-9a-f]{4}"[^>]*/>', text))
    assert cards == named + bare


@pytest.mark.parametrize("path", FILES)
def test_the_machine_file_reads_back_to_the_same_record(path):
    machine = read(path)
    assert parse_machine(tomllib.loads(machine_to_toml(machine))) == machine


SMALL = """<system version="1">
  <cpu numaid="0" affinity="0000000f" vendor="AuthenticAMD" familyid="143" modelid="49">
    <pci busid="0000:01:00.0" class="0x060400" link_speed="16 GT/s" link_width="16">
      <pci busid="0000:03:00.0" class="0x030200" vendor="0x10de" device="0x20b0" link_speed="16 GT/s" link_width="16">
        <gpu dev="0" sm="80"><nvlink target="0000:04:00.0" count="12"/><nvlink target="0000:09:00.0" count="1"/></gpu>
      </pci>
      <pci busid="0000:04:00.0" class="0x030200" vendor="0x10de" device="0x20b0" link_speed="16 GT/s" link_width="16">
        <gpu dev="1" sm="80"><nvlink target="0000:03:00.0" count="12"/></gpu>
      </pci>
      <nic><net name="mlx5_0" speed="200000"/><net name="odd" speed="-1"/></nic>
    </pci>
  </cpu>
</system>"""


def test_types_speeds_and_switches_of_a_small_topology():
    machine = machine_of(parse_nccl(SMALL))
    first, second = machine.topology.devices_of("gpu")
    assert (first.type, first.parent, first.lanes) == ("a100-40gb", "switch0", 16)
    assert first.bytes_per_s == second.bytes_per_s == 31_507_692_308
    (link,) = machine.topology.links
    assert (link.ends, link.kind, link.count, link.bytes_per_s) == (
        ("gpu0", "gpu1"),
        "nvlink",
        12,
        300 * 10**9,
    )
    assert [nic.network_bytes_per_s for nic in machine.topology.devices_of("nic")] == [25 * 10**9, None]
    assert machine.topology.packages[0].model == "EPYC Rome (Zen 2)"


def test_what_the_file_cannot_tell_is_said_with_its_reason():
    unknown = machine_of(parse_nccl(SMALL)).topology.unknown
    assert unknown["nvlink to 0000:09:00.0"] == "the file has no such device"
    assert "memory" in unknown
    assert "catalogue" in unknown["speed of the links"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("<system><cpu", "this is not XML"),
        ("<topology/>", "neither a topology nor a graph"),
        ('<system><cpu affinity="xyz"/></system>', "damaged"),
        ('<system><cpu><pci class="nonsense"/></cpu></system>', "damaged"),
        ('<graphs><graph><channel><gpu dev="a"/></channel></graph></graphs>', "damaged"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><system/>', "entities"),
        ("<system>" * 300 + "</system>" * 300, "too deeply"),
    ],
)
def test_a_damaged_file_is_one_clear_error(text, what):
    with pytest.raises(InputError, match=what) as caught:
        parse_nccl(text, "t.xml")
    assert caught.value.where == "t.xml"
    assert caught.value.fix
