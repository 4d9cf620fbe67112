"""Memory of `simulate` beyond that of reading the same file, in bytes a job.

    python speed/memory.py [--jobs 10000000]

Two fresh processes read the same Parquet file; one of them also simulates it (EASY, 16,384 processors,
speed/workloads.py, load 0.85, seed 1) and builds the run table. Peak resident set sizes by getrusage.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from workloads import make

PROCESSORS = 16384


def child(path: str, what: str) -> None:
    """Read the file, simulate it where asked, and print this process's peak in kB."""
    from timonier.workload import read_workload

    jobs = read_workload(path)
    if what == "simulate":
        from timonier.describe import Machine
        from timonier.policy import read_profile
        from timonier.simulate import simulate

        simulate(jobs, Machine(name="speed", processors=PROCESSORS), read_profile("easy"))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main() -> None:
    """Print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000_000)
    parser.add_argument("--child", nargs=2)
    args = parser.parse_args()
    if args.child:
        child(*args.child)
        return
    from timonier.workload import write_table

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "jobs.parquet"
        write_table(make(args.jobs, PROCESSORS, 0.85, 1), path)
        peaks = {}
        for what in ("read", "simulate"):
            command = [sys.executable, __file__, "--child", str(path), what]
            peaks[what] = (
                int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) * 1024
            )
    more = (peaks["simulate"] - peaks["read"]) / args.jobs
    print(
        f"{args.jobs} jobs: reading {peaks['read'] / 1e6:.0f} MB, simulating {peaks['simulate'] / 1e6:.0f} MB: "
        f"{more:.0f} bytes a job (aim 200)"
    )


if __name__ == "__main__":
    main()
