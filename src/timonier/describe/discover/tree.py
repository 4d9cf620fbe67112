"""Small files of the running system, below a folder: "/" here, a copy of another machine's in the tests."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_MOST = 1 << 20


@dataclass(frozen=True, slots=True)
class Tree:
    """What lies below `root`; what cannot be read is None or empty, and never an error."""

    root: Path = Path("/")

    def text(self, path: str) -> str | None:
        """The content without its last newline; None where there is none or it cannot be read."""
        try:
            with (self.root / path.lstrip("/")).open("rb") as file:
                return file.read(_MOST).decode("utf-8", "replace").strip("\n\0")
        except (OSError, ValueError):
            return None

    def names(self, path: str, pattern: str = ".*") -> list[str]:
        """The names in a folder that match, those with numbers in the order of the numbers."""
        try:
            names = [entry.name for entry in (self.root / path.lstrip("/")).iterdir()]
        except OSError:
            return []
        return sorted((name for name in names if re.fullmatch(pattern, name)), key=_natural)

    def number(self, path: str) -> int | None:
        """The content as a whole number; None where it is none."""
        text = (self.text(path) or "").strip()
        return int(text) if re.fullmatch(r"-?\d{1,18}", text) else None

    def target(self, path: str) -> str:
        """The last part of where a symbolic link leads; "" where there is none."""
        try:
            return (self.root / path.lstrip("/")).readlink().name
        except OSError:
            return ""

    def way(self, path: str) -> tuple[str, ...]:
        """The parts of the folder that a symbolic link leads to."""
        try:
            return (self.root / path.lstrip("/")).readlink().parts
        except OSError:
            return ()


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]
