"""Sets of processors as integers, bit n for processor n, and the texts that they are written as."""

from __future__ import annotations

import re

MOST = 1 << 16  # far beyond any machine; a larger number is a wrong file, not a larger machine

_WORD = re.compile(r"(0x)?[0-9a-fA-F]{1,8}")


def parse_mask(text: str) -> int:
    """hwloc's and NCCL's masks: words of 32 bits, the highest first.

    >>> parse_mask("0x0000000f,0x00000001") == (0xF << 32) | 1
    True
    >>> parse_mask("0xf...f,0x1") & 0b11
    1
    """
    text = text.strip()
    is_endless = text.startswith("0xf...f")
    words = text.removeprefix("0xf...f").lstrip(",").split(",") if is_endless else text.split(",")
    mask = -1 if is_endless else 0
    if is_endless and words == [""]:
        return -1
    if 32 * len(words) > MOST:
        raise ValueError(f"{text[:40]!r}... is a set of more than {MOST} processors")
    for word in words:
        if word and not _WORD.fullmatch(word):
            raise ValueError(f"{word[:40]!r} is not a set of processors")
        mask = (mask << 32) | int(word or "0", 16)
    return mask


def parse_list(text: str) -> int:
    """Linux's lists.

    >>> bin(parse_list("0-1,4"))
    '0b10011'
    """
    mask = 0
    for part in text.strip().split(","):
        match = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", part.strip())
        if match is None:
            if not part.strip():
                continue
            raise ValueError(f"{part[:40]!r} is not a range of processors")
        first, last = int(match.group(1)), int(match.group(2) or match.group(1))
        if last >= MOST or last < first:
            raise ValueError(f"{part[:40]!r} is not a range of processors")
        mask |= ((1 << (last - first + 1)) - 1) << first
    return mask
