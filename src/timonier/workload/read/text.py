"""The bytes of a text log: unpacked when they are gzip, refused when they are no text."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from timonier.kit.errors import InputError
from timonier.kit.files import read_bytes

GZIP = b"\x1f\x8b"
PARQUET = b"PAR1"
_CONTROL = bytes(code for code in range(32) if code not in (9, 10, 12, 13, 26))


def read_text_bytes(path: str | Path) -> bytes:
    """The text of a file as bytes, gzip or plain; InputError when it is empty or binary."""
    data = read_bytes(path)
    if data.startswith(GZIP):
        data = _unpacked(data, str(path))
    _refuse_binary(data, str(path))
    if not data.strip():
        raise InputError("the file is empty", where=str(path), fix="give a log with at least one job")
    return data.removeprefix(b"\xef\xbb\xbf")


def first_line(data: bytes) -> str:
    """The first line that is not blank."""
    for line in data[:65536].splitlines():
        if line.strip():
            return line.decode("latin-1").strip()
    return ""


def _unpacked(data: bytes, where: str) -> bytes:
    try:
        return gzip.decompress(data)
    except EOFError as error:
        fix = "download it again: the end of the .gz is missing"
        raise InputError("the .gz file is cut off", where=where, fix=fix) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError("the .gz file is damaged", where=where, fix="download it again") from error


def _refuse_binary(data: bytes, where: str) -> None:
    head = data[:65536]
    if b"\x00" in data or len(head.translate(None, _CONTROL)) < len(head):
        raise InputError(
            "this is a binary file, not a text log",
            where=where,
            fix="give an SWF (.swf, .swf.gz), CSV or Parquet file",
        )
