"""Numbers as the report says them."""

from __future__ import annotations

import math
from collections.abc import Sequence


def percent(share: float) -> str:
    """A share as people write it; what is nearly all or nothing is not rounded to it.

    >>> percent(0.984), percent(0.9996), percent(0.0004), percent(0.0)
    ('98 %', 'over 99 %', 'under 1 %', '0 %')
    """
    if 0.0 < share < 0.005:
        return "under 1 %"
    if 0.995 < share < 1.0:
        return "over 99 %"
    return f"{100 * share:.0f} %"


def duration(seconds: float) -> str:
    """Seconds in the two largest units.

    >>> duration(42), duration(3700), duration(90000), duration(0.5)
    ('42 s', '1 h 2 min', '1 d 1 h', '0.5 s')
    """
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < 60:
        return f"{seconds:.3g} s"
    for size, unit, part, small in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        whole = math.floor(seconds / part + 0.5) * part
        if whole >= size:
            rest = (whole % size) // part
            return f"{whole // size:,} {unit} {rest} {small}" if rest else f"{whole // size:,} {unit}"
    return f"{seconds:.3g} s"


def number(value: float | None) -> str:
    """Four digits that count; a dash where unknown.

    >>> number(37.16769), number(1234567.0), number(None)
    ('37.17', '1,234,567', '-')
    """
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def amount(value: float | None, unit: str) -> str:
    """A value with its unit: seconds as a duration."""
    if value is None:
        return "-"
    return duration(value) if unit == "s" else f"{number(value)} {unit}".rstrip()


def interval(values: Sequence[float | None], unit: str) -> str:
    """Mean [low, high]; the mean alone where one repeat gives no interval."""
    mean, low, high = (amount(value, unit) for value in values)
    return mean if low == "-" or high == "-" else f"{mean} [{low}, {high}]"
