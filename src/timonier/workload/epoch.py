"""The instant of time zero: ISO 8601 in UTC outside, seconds since 1970 inside."""

from __future__ import annotations

from datetime import UTC, datetime


def iso_utc(unix_s: float | None) -> str | None:
    """Seconds since 1970 as ISO 8601 in UTC; None where unknown (negative) or out of reach.

    >>> iso_utc(835823160)
    '1996-06-26T21:06:00Z'
    """
    if unix_s is None or not 0 <= unix_s < 253_402_300_800:
        return None
    return datetime.fromtimestamp(unix_s, UTC).isoformat().replace("+00:00", "Z")


def unix_seconds(iso: str) -> float:
    """The other way; without a zone it is UTC.

    >>> unix_seconds("1996-06-26T21:06:00Z")
    835823160.0
    """
    instant = datetime.fromisoformat(iso)
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()
