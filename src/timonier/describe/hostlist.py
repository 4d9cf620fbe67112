"""Slurm hostlists: `gpu[01-04],old[1-2]` for many node names.

Source: scontrol(1), show hostnames and show hostlist.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import product

from timonier.kit.errors import InputError

MOST_NODES = 1_000_000

_PIECE = re.compile(r"\[([^\[\]]*)\]")
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")
_NAME = re.compile(r"[^\s,\[\]]+")
_NUMBERED = re.compile(r"(.*?)(\d+)")


def expand_hostlist(text: str) -> tuple[str, ...]:
    """
    >>> expand_hostlist("gpu[01-02,07],r[1-2]n[1-2]")
    ('gpu01', 'gpu02', 'gpu07', 'r1n1', 'r1n2', 'r2n1', 'r2n2')
    """
    names: list[str] = []
    for part in _split(text):
        names += _expand_part(part, text)
        if len(names) > MOST_NODES:
            raise _bad(text, f"more than {MOST_NODES:,} names")
    return tuple(names)


def compress_hostlist(names: Sequence[str]) -> str:
    """Runs of numbered names in brackets; the order stays.

    >>> compress_hostlist(["gpu01", "gpu02", "gpu07", "login"])
    'gpu[01-02,07],login'
    """
    parts: list[str] = []
    for stem, numbers in _runs(names):
        ranges = ",".join(first if first == last else f"{first}-{last}" for first, last in numbers)
        alone = len(numbers) == 1 and numbers[0][0] == numbers[0][1]
        parts.append(f"{stem}{ranges}" if alone or not ranges else f"{stem}[{ranges}]")
    return ",".join(parts)


def _split(text: str) -> Iterator[str]:
    """The parts between those commas that stand outside brackets."""
    depth = start = 0
    for at, letter in enumerate(text):
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth == 0:
            yield text[start:at].strip()
            start = at + 1
    yield text[start:].strip()


def _expand_part(part: str, text: str) -> list[str]:
    pieces = _PIECE.split(part)  # fixed text and bracket contents take turns
    if not part or any(not _NAME.fullmatch(fixed) for fixed in pieces[::2] if fixed):
        raise _bad(text, f"{part!r} is not a name")
    choices = [[fixed] if at % 2 == 0 else _numbers(fixed, text) for at, fixed in enumerate(pieces)]
    count = 1
    for choice in choices:
        count *= len(choice)
    if count > MOST_NODES:
        raise _bad(text, f"more than {MOST_NODES:,} names")
    return ["".join(words) for words in product(*choices)]


def _numbers(inner: str, text: str) -> list[str]:
    """`01-03,7` as 01 02 03 7; the width of the first number is kept."""
    numbers: list[str] = []
    for part in inner.split(","):
        match = _RANGE.fullmatch(part.strip())
        if not match:
            raise _bad(text, f"{part!r} is not a range of numbers")
        first, last = match.group(1), match.group(2) or match.group(1)
        if max(len(first), len(last)) > 18 or int(last) - int(first) >= MOST_NODES:
            raise _bad(text, f"more than {MOST_NODES:,} names")
        if int(last) < int(first):
            raise _bad(text, f"{part!r} counts down")
        numbers += [str(number).zfill(len(first)) for number in range(int(first), int(last) + 1)]
    return numbers


def _runs(names: Sequence[str]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Neighbours with one stem, as ranges; a name without a number is a stem with no range."""
    stem, ranges = "", list[tuple[str, str]]()
    for name in names:
        match = _NUMBERED.fullmatch(name)
        if not match:
            if ranges:
                yield stem, ranges
            yield name, []
            ranges = []
            continue
        if ranges and match.group(1) == stem:
            _extend(ranges, match.group(2))
            continue
        if ranges:
            yield stem, ranges
        stem, ranges = match.group(1), [(match.group(2), match.group(2))]
    if ranges:
        yield stem, ranges


def _extend(ranges: list[tuple[str, str]], number: str) -> None:
    first, last = ranges[-1]
    follows = int(number) == int(last) + 1 and number == str(int(number)).zfill(len(first))
    if follows:
        ranges[-1] = (first, number)
    else:
        ranges.append((number, number))


def _bad(text: str, why: str) -> InputError:
    shown = text if len(text) <= 60 else f"{text[:57]}..."
    return InputError(f"{shown!r} is not a hostlist: {why}", fix="write for example gpu[01-04],old[1-2]")
