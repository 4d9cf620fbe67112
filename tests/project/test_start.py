"""Starting is cheap: what an import loads, and what it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def loaded_by(statement):
    """The modules that a fresh Python loads for a statement."""
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", statement],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    return {
        line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")
    }


@pytest.mark.parametrize("statement", ["import timonier", "import timonier.cli"])
def test_importing_loads_neither_numba_nor_a_plotting_package(statement):
    roots = {name.split(".")[0] for name in loaded_by(statement)}
    assert roots & {"numba", "llvmlite", "plotext", "matplotlib", "scipy", "pandas"} == set()


@pytest.mark.parametrize(
    "statement",
    [
        "import timonier.policy as p; p.read_profile('easy')",
        "import timonier.describe as d; d.read_machine('3')",
    ],
)
def test_reading_profiles_and_machines_needs_no_heavy_package(statement):
    roots = {name.split(".")[0] for name in loaded_by(statement)}
    assert roots & {"numba", "numpy", "pyarrow", "rich", "typer", "tomli_w", "importlib_resources"} == set()
