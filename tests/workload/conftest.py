"""Where the published traces lie, and small files to read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

TRACES = Path(__file__).parents[3] / "shared" / "traces"


@pytest.fixture
def trace() -> Callable[[str], Path]:
    """A file among the published traces; the test is skipped where they are not mounted."""

    def find(pattern: str) -> Path:
        found = sorted(TRACES.glob(pattern))
        if not found:
            pytest.skip(f"no {pattern} in {TRACES}: the published traces are not on this machine")
        return found[0]

    return find


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Write a small file and give its path."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write
