"""Whatever a file holds, it is a machine or one clear error."""

from __future__ import annotations

import re
import tomllib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.describe.discover.test_here import HWLOC
from tests.describe.discover.test_nccl import SMALL

from timonier.describe import machine_to_toml, parse_machine
from timonier.describe.discover.file import parse_found, read_any
from timonier.describe.discover.found import machine_of
from timonier.describe.discover.sets import parse_list, parse_mask
from timonier.kit.errors import InputError
from timonier.publish.picture import draw_inside

TOPO = (
    "\tGPU0\tGPU1\tmlx5_0\tCPU Affinity\tNUMA Affinity\n"
    "GPU0\t X \tNV12\tSYS\t0-15\t0\nGPU1\tNV12\t X \tPIX\t16-31\t1\nmlx5_0\tSYS\tPIX\t X \n"
)
PIECES = st.sampled_from(
    ["", '"', "<", "/>", "0", "-1", "99999999999999999999", "0xf...f", "nan", "NUMANode", "PCIDev", "gpu", "\x00",
     "0x" + "f" * 9, "é", "\n", "PU", "<object/>", "</object>", "1e308", "GPU0", "NV999", "CPU Affinity", ","]
)  # fmt: skip


@st.composite
def damaged(draw):
    """A good file with a few pieces cut out and others put in."""
    text = draw(st.sampled_from([HWLOC, SMALL, TOPO]))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 30)))
        text = text[:start] + draw(PIECES) + text[end:]
    return text


VALUES = st.sampled_from(
    ["", "-1", "0", "7", "1e9", "99999999999999999999", "0xf...f", "0xffffffff,0x0", "nan", "inf", "NUMANode", "Core",
     "Package", "PU", "L3Cache", "MemCache", "Bridge", "OSDev", "é", "0x060400", "0x030200", "0604 [8086:0000]",
     "0000:03:00.0", "x" * 300, "12,,3", "16 GT/s", "0 GT/s", "0-3", "1-1"]
)  # fmt: skip


@st.composite
def mistaken(draw):
    """Good XML in which a few attributes have another value, and a few elements stand twice."""
    text = draw(st.sampled_from([HWLOC, SMALL]))
    for _ in range(draw(st.integers(1, 6))):
        found = list(re.finditer(r'="[^"]*"', text))
        one = found[draw(st.integers(0, len(found) - 1))]
        text = f'{text[: one.start()]}="{draw(VALUES)}"{text[one.end() :]}'
    for _ in range(draw(st.integers(0, 2))):
        found = list(re.finditer(r"<(object|pci|nvlink|net)[^<>]*/>", text))
        one = found[draw(st.integers(0, len(found) - 1))]
        text = text[: one.end()] + one.group() + text[one.end() :]
    return text


def read_or_refuse(read, *words):
    """What was read, and the error that refused it; one of them is None."""
    try:
        return read(*words), None
    except InputError as error:
        return None, error


def is_clear(error):
    return bool(error.what and error.fix) and "Traceback" not in str(error)


def machine_in(text):
    return machine_of(parse_found(text, "file", "node"))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged())
def test_a_damaged_file_is_a_machine_or_one_clear_error(text):
    machine, error = read_or_refuse(machine_in, text)
    assert machine is not None or is_clear(error)
    if machine is not None:
        assert parse_machine(tomllib.loads(machine_to_toml(machine))) == machine
        draw_inside(machine, machine.nodes[0].names[0])


@settings(max_examples=800, deadline=None)
@given(mistaken())
def test_a_mistaken_value_is_a_machine_or_one_clear_error(text):
    machine, error = read_or_refuse(machine_in, text)
    assert machine is not None or is_clear(error)
    if machine is not None:
        assert parse_machine(tomllib.loads(machine_to_toml(machine))) == machine
        draw_inside(machine, machine.nodes[0].names[0])


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(), st.text().map(lambda text: f"<topology><object>{text}</object></topology>")))
def test_any_text_is_a_machine_or_one_clear_error(text):
    machine, error = read_or_refuse(machine_in, text)
    assert machine is not None or is_clear(error)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_machine_or_one_clear_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "file.xml"
    path.write_bytes(content)
    machine, error = read_or_refuse(read_any, path)
    assert machine is not None or (is_clear(error) and str(path) in error.where)


@given(st.sets(st.integers(0, 200), max_size=20))
def test_masks_and_lists_of_processors_say_the_same(numbers):
    mask = sum(1 << number for number in numbers)
    digits = f"{mask:0{8 * 8}x}"
    words = [digits[at : at + 8] for at in range(0, 64, 8)]
    assert parse_mask("0x" + ",0x".join(words)) == parse_mask(",".join(words)) == mask
    assert parse_list(",".join(map(str, sorted(numbers)))) == mask


@pytest.mark.parametrize("text", ["3-1", "a", "1-2-3", "9999999"])
def test_what_is_no_list_is_refused(text):
    with pytest.raises(ValueError, match="not a range"):
        parse_list(text)
