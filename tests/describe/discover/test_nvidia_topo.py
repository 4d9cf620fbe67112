"""Matrices of nvidia-smi topo -m, counted another way."""

from __future__ import annotations

import re
import tomllib
from collections import Counter

import pytest
from tests.describe.hardware import counts, files

from timonier.describe import machine_to_toml, parse_machine
from timonier.describe.discover.file import parse_found
from timonier.describe.discover.found import machine_of
from timonier.describe.discover.nvidia_topo import holds_matrix, parse_nvidia_topo
from timonier.kit.errors import InputError

FILES = files("hw-nvidia-topo", "*.txt", "*.md")


def read(path):
    return machine_of(parse_found(path.read_text(), str(path), path.stem))


def rows(text):
    """Lines of the matrix, found by their first two words."""
    return [
        line.split()
        for line in text.splitlines()
        if re.match(r"(GPU\d+|NIC\d+|mlx5_\d+)\s+(X|SYS|NODE|NV|P)", line)
    ]


@pytest.mark.parametrize("path", FILES)
def test_the_counts_are_those_of_the_text(path):
    text = path.read_text()
    lines, ours = rows(text), counts(read(path))
    gpus = [words for words in lines if words[0].startswith("GPU")]
    assert ours["gpus"] == len(gpus)
    assert len(read(path).topology.devices_of("nic")) == len(lines) - len(gpus)
    assert ours["links"] == len(lines) * (len(lines) - 1) // 2
    numa = re.search(r"NUMA node\(s\):\s+(\d+)", text)
    column = {words[len(lines) + 2] for words in gpus if len(words) > len(lines) + 2}
    assert ours["numa"] == (int(numa[1]) if numa else len(column))
    sockets, cores = (
        re.search(key + r":\s+(\d+)", text) for key in (r"Socket\(s\)", r"Core\(s\) per socket")
    )
    assert ours["packages"] == (int(sockets[1]) if sockets else 0)
    assert ours["cores"] == (int(sockets[1]) * int(cores[1]) if sockets else 0)
    if not sockets:
        ends = [
            part.split("-")
            for words in {words[len(lines) + 1] for words in gpus}
            for part in words.split(",")
        ]
        assert ours["threads"] == sum(int(last) - int(first) + 1 for first, last in ends)


@pytest.mark.parametrize("path", FILES)
def test_every_cell_above_the_diagonal_is_a_link_of_its_kind(path):
    lines = rows(path.read_text())
    cells = Counter(words[1 + to] for at, words in enumerate(lines) for to in range(at + 1, len(lines)))
    found = Counter(
        f"NV{link.count}" if link.kind == "nvlink" else link.path for link in read(path).topology.links
    )
    assert found == cells


@pytest.mark.parametrize("path", FILES)
def test_the_machine_file_reads_back_to_the_same_record(path):
    machine = read(path)
    assert parse_machine(tomllib.loads(machine_to_toml(machine))) == machine


HEAD = "\x1b[4m\tGPU0\tGPU1\tCPU Affinity\tNUMA Affinity\x1b[0m\n"


def test_colours_of_the_terminal_do_not_matter():
    found = parse_nvidia_topo(HEAD + "GPU0\t X \tNV12\t0-3\t0\nGPU1\tNV12\t X \t4-7\t1\n")
    (link,) = found.topology.links
    assert (link.kind, link.count) == ("nvlink", 12)
    assert [device.numa for device in found.topology.devices] == [0, 1]
    assert [package.threads for package in found.topology.packages] == [4, 4]


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("GPU0\t X \tNV12\t0-3\n", "no row of GPU1"),
        ("GPU0\t X \nGPU1\tNV12\t X \n", "the row of GPU0 is too short"),
        ("GPU0\t X \tFOO\t0-3\t0\nGPU1\tNV12\t X \n", "'FOO' is no cell"),
        ("GPU0\t X \tSYS\t3-0\t0\nGPU1\tSYS\t X \t1\t0\n", "an affinity is wrong"),
        ("", "no row of GPU0"),
    ],
)
def test_a_damaged_matrix_is_one_clear_error(body, what):
    with pytest.raises(InputError, match=what) as caught:
        parse_nvidia_topo(HEAD + body, "t.txt")
    assert "t.txt" in caught.value.where
    assert "nvidia-smi topo -m" in caught.value.fix


def test_a_text_without_a_matrix_is_told_from_one_with():
    assert holds_matrix(HEAD)
    assert not holds_matrix("GPU0 is broken\n")
    with pytest.raises(InputError, match="no matrix"):
        parse_nvidia_topo("nothing")
