"""The columns table drives checking and the reference page."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from timonier.workload import known_columns
from timonier.workload.document import render_page

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT.parent / "shared" / "CONTRACT.md"


def test_the_reference_page_is_fresh() -> None:
    """Make it again with: python -m timonier.workload.document > docs/reference/job-table.md"""
    assert render_page() == (ROOT / "docs" / "reference" / "job-table.md").read_text()


def test_every_column_has_a_type_and_a_meaning() -> None:
    for column in known_columns().values():
        assert column.kind in ("text", "number", "integer", "bytes", "flag")
        assert column.need in ("required", "optional", "state file", "saved state")
        assert column.meaning


def test_asking_for_the_room_loads_nothing_heavy() -> None:
    code = "import sys, timonier.workload as w; w.read_workload; print([m for m in sys.modules if m in ('numba', 'plotext', 'rich', 'scipy')])"  # fmt: skip
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
