"""Time, memory and disk of a comparison: CTC-SP2, 12 shipped profiles, 20 repeats, the engine already compiled.

Wall seconds and peak memory are those of the whole command, imports and report included; on all cores of this machine.
The log is looked for beside the repository; without it the script says so and stops.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LOG = Path(__file__).parents[2] / "shared" / "traces" / "swf-ctc-sp2" / "CTC-SP2-1996-3.1-cln.swf.gz"
PROFILES = "fcfs,sjf,ljf,saf,wfp3,unicef,f1,f3,f4,easy,easy-sjbf,conservative"


def compare(repeats: int, out: Path) -> tuple[float, float]:
    """Wall seconds and peak resident MB of the command."""
    words = ["compare", LOG, "-p", PROFILES, "--repeats", repeats, "-o", out, "--output", "quiet"]
    before = time.perf_counter()
    started = subprocess.Popen([sys.executable, "-m", "timonier.cli", *map(str, words)])
    _, status, usage = os.wait4(started.pid, 0)
    assert status == 0
    return time.perf_counter() - before, usage.ru_maxrss / 1024


def main() -> None:
    if not LOG.exists():
        sys.exit(f"skipped: no {LOG.name}")
    with tempfile.TemporaryDirectory() as folder:
        compare(1, Path(folder) / "warm")
        out = Path(folder) / "results"
        wall, peak = compare(20, out)
        again, _ = compare(20, out)
        size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
        page = (out / "report.html").stat().st_size
        print("| runs | cores | wall s | again, all found, s | peak MB | results MB | report MB |")
        print("|---|---|---|---|---|---|---|")
        cores = len(os.sched_getaffinity(0))
        row = (
            240,
            cores,
            f"{wall:.1f}",
            f"{again:.1f}",
            f"{peak:.0f}",
            f"{size / 1e6:.1f}",
            f"{page / 1e6:.1f}",
        )
        print("|", " | ".join(map(str, row)), "|")
        shutil.rmtree(out)


if __name__ == "__main__":
    main()
