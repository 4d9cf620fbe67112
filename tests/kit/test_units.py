"""Quantities are read as people write them, and nonsense is refused with an example."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timonier.kit.errors import InputError
from timonier.kit.units import parse_bytes, parse_bytes_per_s, parse_seconds, parse_watts


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (549755813888, "512GiB"),
        (80_000_000_000, "80 GB"),
        (1024, "1KiB"),
        (1500, "1.5k"),
        (7, 7),
        (12, "12B"),
    ],
)
def test_bytes_are_read_with_binary_and_decimal_prefixes(expected: int, text: str) -> None:
    assert parse_bytes(text) == expected


@pytest.mark.parametrize(
    ("expected", "text"),
    [(25e9, "200Gbit/s"), (64e9, "64GB/s"), (1.25e9, "10Gbps"), (2.0**30, "1GiB/s"), (100.0, 100)],
)
def test_speeds_tell_bits_from_bytes(expected: float, text: str) -> None:
    assert parse_bytes_per_s(text) == expected


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (30.0, "30s"),
        (7200.0, "2h"),
        (604800.0, "7d"),
        (129600.0, "1-12:00:00"),
        (129600.0, "1-12"),
        (131400.0, "1-12:30"),
        (5400.0, "01:30:00"),
        (90.0, "1:30"),
        (90.0, 90),
        (0.5, "500ms"),
    ],
)
def test_durations_include_those_of_slurm(expected: float, text: str) -> None:
    """sbatch(1): 1:30 is minutes and seconds, 1-12 is days and hours."""
    assert parse_seconds(text) == expected


def test_watts_have_prefixes() -> None:
    assert [parse_watts("700W"), parse_watts("1.2 kW"), parse_watts(250)] == [700.0, 1200.0, 250.0]


@pytest.mark.parametrize("parse", [parse_bytes, parse_bytes_per_s, parse_seconds, parse_watts])
@pytest.mark.parametrize("text", ["", "lots", "12 parsec", "-5", "nan", "1e999", "1:2:3:4", True, None, [1]])
def test_nonsense_is_an_input_error_with_an_example(parse, text) -> None:
    with pytest.raises(InputError) as error:
        parse(text, where="machine.toml, memory")
    assert error.value.where == "machine.toml, memory"
    assert "write for example" in error.value.fix


@given(st.text(max_size=12))
def test_any_text_is_a_number_or_an_input_error(text: str) -> None:
    for parse in (parse_bytes, parse_bytes_per_s, parse_seconds, parse_watts):
        with suppress(InputError):
            assert parse(text) >= 0
