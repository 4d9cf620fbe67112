"""Quantities with units, as people write them in TOML files and on the command line.

A bare number is bytes, bytes per second, seconds or watts, whichever is asked for.
"""

from __future__ import annotations

import math
import re

from timonier.kit.errors import InputError

_QUANTITY = re.compile(r"\s*([+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-zµ/]*)\s*")
_SLURM = re.compile(r"(?:(\d+)-)?(\d+):(\d+)(?::(\d+))?|(\d+)-(\d+)")
_PREFIXES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "p": 10**15}
_BINARY = {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40, "pi": 2**50}
_SECONDS = {
    "": 1.0, "s": 1.0, "ms": 0.001, "us": 1e-6, "µs": 1e-6, "min": 60.0, "m": 60.0, "h": 3600.0,
    "d": 86400.0, "w": 604800.0,
}  # fmt: skip
_WATTS = {"": 1.0, "w": 1.0, "mw": 0.001, "kw": 1000.0, "MW": 1e6}
_MOST_BYTES = 2**63 - 1


def parse_bytes(value: str | float, where: str = "") -> int:
    """
    >>> parse_bytes("512GiB"), parse_bytes("1.5 kB"), parse_bytes(4096)
    (549755813888, 1500, 4096)
    """
    number, unit = _split(value, "bytes", '"512GiB"', where)
    scale = (_PREFIXES | _BINARY).get(unit.lower().removesuffix("b"))
    if scale is None or number < 0 or number * scale > _MOST_BYTES:
        raise _nonsense(value, "a number of bytes", '"512GiB", "80GB" or a bare number', where)
    return round(number * scale)


def format_bytes(size: int) -> str | int:
    """The size in the largest binary unit in which it is a whole number; reads back as the same number.

    >>> format_bytes(32 * 2**20), format_bytes(1000)
    ('32MiB', 1000)
    """
    for unit in ("ti", "gi", "mi", "ki"):
        if size and size % _BINARY[unit] == 0:
            return f"{size // _BINARY[unit]}{unit.title().replace('i', 'iB')}"
    return size


def parse_bytes_per_s(value: str | float, where: str = "") -> float:
    """Bytes per second; "bit" and "b" before the slash are bits, "B" is bytes.

    >>> parse_bytes_per_s("200Gbit/s"), parse_bytes_per_s("2TB/s")
    (25000000000.0, 2000000000000.0)
    """
    number, unit = _split(value, "bytes per second", '"200Gbit/s"', where)
    size = re.fullmatch(r"([kKmMgGtTpP]i?)?(bit|b|B)(/s|ps)", unit)
    if number < 0 or not (size or not unit):
        raise _nonsense(value, "a speed", '"200Gbit/s", "64GB/s" or bare bytes per second', where)
    if not size:
        return number
    scale = (_PREFIXES | _BINARY)[(size.group(1) or "").lower()]
    return number * scale / (1 if size.group(2) == "B" else 8)


def parse_seconds(value: str | float, where: str = "") -> float:
    """Seconds; also Slurm's "minutes:seconds", "hours:minutes:seconds" and "days-hours[:minutes[:seconds]]".

    >>> parse_seconds("2h"), parse_seconds("7d"), parse_seconds("1-12:00:00"), parse_seconds(30)
    (7200.0, 604800.0, 129600.0, 30.0)
    """
    if isinstance(value, str):
        slurm = _SLURM.fullmatch(value.strip())
        if slurm:
            return _slurm_seconds(slurm)
    number, unit = _split(value, "seconds", '"30s"', where)
    scale = _SECONDS.get(unit if unit == "µs" else unit.lower())
    if scale is None or number < 0:
        raise _nonsense(value, "a duration", '"30s", "2h", "7d", "1-12:00:00" or bare seconds', where)
    return number * scale


def parse_watts(value: str | float, where: str = "") -> float:
    """
    >>> parse_watts("700W"), parse_watts("1.2kW"), parse_watts(250)
    (700.0, 1200.0, 250.0)
    """
    number, unit = _split(value, "watts", '"700W"', where)
    scale = _WATTS.get(unit if unit == "MW" else unit.lower())
    if scale is None or number < 0:
        raise _nonsense(value, "a power", '"700W", "1.2kW" or bare watts', where)
    return number * scale


def _slurm_seconds(match: re.Match[str]) -> float:
    """With a day the numbers count from hours down, without one to seconds up (sbatch(1), --time)."""
    days, first, second, third, only_days, hours = (int(part) if part else 0 for part in match.groups())
    if match.group(5):
        return float(only_days * 86400 + hours * 3600)
    if match.group(1) or match.group(4):
        return float(days * 86400 + first * 3600 + second * 60 + third)
    return float(first * 60 + second)


def _split(value: str | float, what: str, example: str, where: str) -> tuple[float, str]:
    """The number and the unit behind it; InputError on anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise _nonsense(value, what, example, where)
    if not isinstance(value, str):
        match, number = None, float(value)
    else:
        match = _QUANTITY.fullmatch(value)
        if not match:
            raise _nonsense(value, what, example, where)
        number = float(match.group(1).replace("_", ""))
    if not math.isfinite(number):
        raise _nonsense(value, what, example, where)
    return number, match.group(2) if match else ""


def _nonsense(value: object, what: str, example: str, where: str) -> InputError:
    return InputError(f"{str(value)[:60]!r} is not {what}", where=where, fix=f"write for example {example}")
