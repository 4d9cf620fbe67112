"""timonier describe as people type it."""

from __future__ import annotations

import json
import os
import tomllib

import pytest
from tests.cli.command import TRACES, timonier

DGX2 = TRACES / "hw-hwloc" / "xml" / "nvidiaDGX2.xml"
needs_traces = pytest.mark.skipif(
    not DGX2.exists(), reason="the published topologies are not on this machine"
)
TOPO = "\tGPU0\tGPU1\tCPU Affinity\nGPU0\t X \tNV2\t0-3\nGPU1\tNV2\t X \t0-3\n"


def test_this_machine_is_described_written_and_read_back(tmp_path):
    file = tmp_path / "here.toml"
    done = timonier("describe", "--from", "here", "-o", file)
    assert done.returncode == 0, done.stderr
    assert "not known" in done.stdout
    again = timonier("describe", file, "--output", "json")
    rows = json.loads(again.stdout)
    assert {"nodes", "total", "unknown"} <= {row["kind"] for row in rows}
    assert all(row["why"] for row in rows if row["kind"] == "unknown")


def test_without_lstopo_the_install_line_is_shown(tmp_path):
    """A PATH on which there is no lstopo."""
    words = ("describe", "--from", "here")
    path = os.environ["PATH"]
    os.environ["PATH"] = str(tmp_path)
    try:
        done = timonier(*words)
    finally:
        os.environ["PATH"] = path
    assert done.returncode == 0
    assert "apt-get install hwloc" in done.stdout


@needs_traces
def test_a_topology_becomes_a_table_a_file_and_a_picture(tmp_path):
    for name in ("one.svg", "two.svg"):
        done = timonier("describe", DGX2, "-o", tmp_path / "dgx2.toml", "--picture", tmp_path / name)
        assert done.returncode == 0, done.stderr
    assert "v100-32gb-sxm3" in done.stdout
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    timonier("describe", tmp_path / "dgx2.toml", "--picture", tmp_path / "three.svg")
    assert (tmp_path / "three.svg").read_bytes() == (tmp_path / "one.svg").read_bytes()


def test_two_matrices_are_merged_and_drawn_in_racks(tmp_path):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(TOPO)
    done = timonier("describe", "merge", tmp_path / "a.txt", tmp_path / "b.txt", "-o", tmp_path / "lab.toml")
    assert done.returncode == 0, done.stderr
    assert tomllib.loads((tmp_path / "lab.toml").read_text())["name"] == "lab"
    done = timonier("describe", tmp_path / "lab.toml", "--picture", tmp_path / "racks.svg")
    assert "The racks of lab" in (tmp_path / "racks.svg").read_text()
    done = timonier("describe", tmp_path / "lab.toml", "--picture", tmp_path / "b.svg", "--node", "b")
    assert "The inside of b" in (tmp_path / "b.svg").read_text()


def test_nothing_is_written_where_names_collide(tmp_path):
    (tmp_path / "a.txt").write_text(TOPO)
    done = timonier("describe", "merge", tmp_path / "a.txt", tmp_path / "a.txt", "-o", tmp_path / "c.toml")
    assert done.returncode == 2
    assert "node 'a' is in" in done.stderr
    assert not (tmp_path / "c.toml").exists()


def test_the_template_is_printed_and_read(tmp_path):
    printed = timonier("describe", "template").stdout
    done = timonier("describe", "template", "-o", tmp_path / "lab.toml")
    assert done.returncode == 0
    assert (tmp_path / "lab.toml").read_text() == printed
    assert timonier("describe", tmp_path / "lab.toml").returncode == 0


def test_one_type_of_the_catalogue_is_shown_with_its_source():
    done = timonier("describe", "catalogue", "NVIDIA A100-SXM4-40GB", "--output", "json")
    shown = json.loads(done.stdout)
    assert (shown["name"], shown["memory_bytes"], shown["fp8_matrix_per_s"]) == (
        "a100-40gb",
        40 * 2**30,
        None,
    )
    assert shown["source"]


@pytest.mark.parametrize(
    ("words", "content", "what", "fix"),
    [
        ((), None, "", ""),
        (("FILE", "--from", "here"), "", "name one machine", "--from here"),
        (("--output", "json"), None, "name one machine", "--from here"),
        (("FILE",), None, "no such file", "check the path"),
        (("FILE",), "hello", "nothing in it is known", "nvidia-smi topo -m"),
        (("FILE",), "<html/>", "neither hwloc nor NCCL", "XML of hwloc"),
        (("FILE",), "<topology><object", "not XML", "hwloc"),
        (
            ("FILE",),
            '<topology><object type="Machine" cpuset="no"/></topology>',
            "damaged",
            "lstopo --of xml",
        ),
        (("catalogue", "a100"), None, "the catalogue has no 'a100'", "did you mean"),
        (("merge", "FILE", "-o", "x.toml"), TOPO, "nothing to merge", "two files"),
        (("12", "--picture", "x.svg"), None, "nothing inside to draw", "[[node]]"),
        (("FILE", "--picture", "x.svg", "--node", "zz"), TOPO, "there is no node 'zz'", "known"),
        (("FILE", "--picture", "no/such/x.svg"), TOPO, "no such folder", "mkdir"),
    ],
)
def test_a_mistake_is_one_clear_error(tmp_path, words, content, what, fix):
    file = tmp_path / "file.txt"
    if content is not None:
        file.write_text(content)
    done = timonier("describe", *(file if word == "FILE" else word for word in words), cwd=tmp_path)
    assert done.returncode == (2 if what else 0) or not words
    assert what in done.stderr
    assert fix in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "x.svg").exists()
