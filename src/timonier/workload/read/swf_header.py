"""The header of an SWF log: what it says of its machine and of its jobs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from timonier.workload.epoch import iso_utc

_LINE = re.compile(r"^\s*;\s*(\w+)\s*:\s*(.*?)\s*$")
_WHOLE = re.compile(r"[+-]?\d{1,15}")


@dataclass(frozen=True, slots=True)
class SwfHeader:
    """The header lines of which timonier makes use; None where a log does not say."""

    processors: int | None = None
    epoch: str | None = None
    max_jobs: int | None = None
    max_records: int | None = None


def parse_header(data: bytes) -> SwfHeader:
    """Read the comment lines at the top of a log. MaxProcs, else MaxNodes, are its processors."""
    said: dict[str, int] = {}
    for line in header_lines(data):
        match = _LINE.match(line)
        number = _WHOLE.match(match.group(2)) if match else None
        if match and number:
            said.setdefault(match.group(1), int(number.group()))
    return SwfHeader(
        processors=_positive(said.get("MaxProcs")) or _positive(said.get("MaxNodes")),
        epoch=iso_utc(said.get("UnixStartTime")),
        max_jobs=_positive(said.get("MaxJobs")),
        max_records=_positive(said.get("MaxRecords")),
    )


def header_lines(data: bytes) -> list[str]:
    """The lines before the first job."""
    lines, start = [], 0
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        line = data[start:end].strip()
        if line and not line.startswith(b";"):
            break
        lines.append(line.decode("latin-1"))
        start = end + 1
    return lines


def _positive(value: int | None) -> int | None:
    return value if value is not None and value > 0 else None
