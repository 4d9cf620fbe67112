"""The process in which a benchmark runs: `python -m timonier.measure.worker`, in the folder of its task.

It reads setup.json and writes events.jsonl, whose last line says how it ended.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from pathlib import Path

SETUP, EVENTS = "setup.json", "events.jsonl"
NO_PLACE = 74  # the exit code where a file could not be written, as sysexits.h has it
_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Run the benchmark of setup.json in this folder.  Returns 0, 1 (the machine failed) or 2 (wrong input)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)  # mpirun gone: so are we
    raw = json.loads(Path(SETUP).read_text())
    _prepare_threads(raw["threads"])

    from timonier.kit.errors import TimonierError
    from timonier.measure.events import Report
    from timonier.measure.here import look, versions
    from timonier.measure.recipe import Setup, benchmark

    setup = Setup(**raw)
    report = Report(Path(EVENTS) if _rank() == 0 else None)
    here = look()
    report.say(
        "begin",
        benchmark=setup.benchmark,
        label=setup.label,
        node=here.node,
        processor={"name": here.cpu_name, "cores": len(here.cpus), "sockets": here.sockets},
        versions=versions(),
        settings={**setup.settings, "ranks": setup.ranks, "threads": setup.threads},
    )
    for metric, why in setup.skip.items():
        report.skip(metric, why)
    try:
        benchmark(setup.benchmark).work(setup, report)
    except TimonierError as error:
        report.say("fail", what=error.what, where=error.where, fix=error.fix, code=error.exit_code)
        return _leave(error.exit_code, setup.ranks)
    except MemoryError:
        fix = "take a smaller problem with --set, or a machine with more memory"
        report.say("fail", what="not enough memory", where=setup.benchmark, fix=fix, code=1)
        return _leave(1, setup.ranks)
    except OSError:  # most often a full disk, on which no event and no last word fits either
        return _leave(NO_PLACE, setup.ranks)
    report.say("end")
    return 0


def _leave(code: int, ranks: int) -> int:
    """The exit code; with other ranks at work, end them all, because they would wait for us for ever."""
    if ranks > 1 and "mpi4py.MPI" in sys.modules:
        sys.modules["mpi4py.MPI"].COMM_WORLD.Abort(code)
    return code


def _rank() -> int:
    """Which of the ranks we are, as mpirun says; asking MPI itself would cost its start."""
    for name in ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "SLURM_PROCID"):
        if os.environ.get(name, "").isdigit():
            return int(os.environ[name])
    return 0


def _prepare_threads(threads: int) -> None:
    """Before numpy and Numba are loaded: they read these once."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = str(threads)
    # memory belongs to the thread that touches it first: loops have to be shared out the same way every time
    os.environ["NUMBA_THREADING_LAYER_PRIORITY"] = "omp workqueue tbb"


if __name__ == "__main__":
    code = main()
    if code == NO_PLACE:
        os._exit(code)  # what is still in buffers cannot be written
    sys.exit(code)
