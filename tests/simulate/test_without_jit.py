"""The kernel is plain Python too: without the JIT it still agrees with the reference, and indices are checked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SEEDS = 5

PROGRAM = f"""
from tests.simulate.cases import kernel_families
from tests.simulate.test_agree import compare_block
from tests.simulate.workloads import FAMILIES
import numba

assert numba.config.DISABLE_JIT
for family in FAMILIES:
    for kernel in kernel_families():
        compare_block(family, kernel, range(1000, {1000 + SEEDS}))
print("agreed")
"""


def test_every_kernel_agrees_without_compilation() -> None:
    """Compiled code does not check its indices; this run does, on workloads of its own."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == "agreed"
