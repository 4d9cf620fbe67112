"""Run a few lines on MPI ranks and read what rank 0 found."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest
from tests.cli.command import environment

from timonier.backend.mpi import mpi_argv
from timonier.measure.packages import is_installed

with_mpi = pytest.mark.skipif(
    shutil.which("mpirun") is None or not is_installed("mpi4py"), reason="no mpirun, or no mpi4py"
)


@cache
def on_ranks(ranks, name):
    """What tests/measure/on_ranks.py finds under this name; asked once in a session."""
    script = Path(__file__).with_name("on_ranks.py")
    out = Path(tempfile.mkdtemp(prefix="timonier-test-")) / "found.json"
    done = subprocess.run(
        mpi_argv(ranks, [sys.executable, str(script), name, str(ranks), str(out)]),
        capture_output=True, text=True, check=False, timeout=300,
        env={**environment(), "NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OMPI_MCA_mpi_yield_when_idle": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(out.read_text())
    shutil.rmtree(out.parent)
    return found
