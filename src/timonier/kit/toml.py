"""TOML files in and out; a file that is not TOML is the user's mistake, with its line."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from timonier.kit.errors import InputError
from timonier.kit.files import read_bytes, write_text


def read_toml(path: str | Path) -> dict[str, Any]:
    """The content of a TOML file as plain dicts and lists."""
    return parse_toml(read_bytes(path), str(path))


def parse_toml(content: bytes, where: str) -> dict[str, Any]:
    """Bytes as TOML; `where` names their source in the error."""
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError("this is not a text file", where=where, fix="name a TOML file") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        said = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "nested too deeply"
        raise InputError(f"this is not TOML: {said}", where=where, fix="correct that line") from error


def parse_value(text: str) -> Any:
    """One value as on a command line: TOML where it is TOML, else the plain words themselves.

    `[submit, end]` is a list of words, `30s` is a word, `30` is a number.
    """
    try:
        found = tomllib.loads(f"value = {text}")
        # a second line in `text` would be more TOML, not a value
        return found["value"] if len(found) == 1 else text
    except tomllib.TOMLDecodeError:
        inner = text.strip()
        if inner.startswith("[") and inner.endswith("]"):
            return [parse_value(word.strip()) for word in inner[1:-1].split(",") if word.strip()]
        return text


def format_toml(content: Mapping[str, Any]) -> str:
    """The content as TOML text, keys in the order given."""
    import tomli_w  # only writers pay for it

    return tomli_w.dumps(content)


def write_toml(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write a whole TOML file at once, or leave what was there."""
    write_text(path, format_toml(content))
