"""hpl: the real HPL, a dense system by Gaussian elimination over MPI ranks: a site's xhpl, else Debian's hpcc.

hpcc measures seven other things on its way, whose sizes follow from n: it takes minutes at n = 8000.
Give a site's own binary with --set xhpl=/path/to/xhpl, or put it on PATH.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from timonier.kit.errors import InputError
from timonier.measure.events import Report, check
from timonier.measure.here import Here, look
from timonier.measure.hpl.text import LIMIT, Input, Solved, grid, parse, render, unknowns
from timonier.measure.ranks import INSTALL_MPI
from timonier.measure.recipe import Planned, Setup, Wanted, check_memory
from timonier.measure.repeat import Budget, repeat

SETTINGS: Mapping[str, tuple[Any, str]] = {
    "n": (None, "unknowns; 80 % of the memory or a quarter of the budget, whichever is less, with hpcc 2000"),
    "block": (192, "rows and columns of a block"),
    "xhpl": ("xhpl", "the program; hpcc is taken where there is none"),
}
INSTALL = "apt-get install hpcc openmpi-bin, or --set xhpl=/path/to/xhpl"
_RATE = 20e9  # FLOP/s of a core, to begin with
_HPCC_N = 2000


def plan(here: Here, wanted: Wanted) -> list[Planned]:
    """One task, a rank a core; it starts mpirun itself."""
    ranks = wanted.ranks or len(here.cpus)
    given = wanted.settings
    if given.get("n"):
        check_memory(8.0 * given["n"] ** 2, here, "--set n=... with fewer unknowns")
    settings = {
        "n": int(given.get("n") or 0),
        "block": int(given.get("block", 192)),
        "xhpl": str(given.get("xhpl", "xhpl")),
        "processes": ranks,
    }
    return [Planned(f"{ranks} ranks", settings, cpus=here.cpus)]


def work(setup: Setup, report: Report) -> None:
    """Write the input, run the program, read its output, again and again."""
    program, is_hpcc = _program(str(setup.settings["xhpl"]))
    ranks, block = int(setup.settings["processes"]), int(setup.settings["block"])
    n = int(setup.settings["n"]) or (
        _HPCC_N if is_hpcc else unknowns(look().free_bytes, setup.budget_s / 4, _RATE * ranks, block)
    )
    wanted = Input(n, block, *grid(ranks))
    budget = Budget(setup.budget_s)
    solved: list[Solved] = []

    def draw() -> dict[str, float]:
        solved.append(_run(program, wanted, ranks, is_hpcc))
        return {"hpl.rate": solved[-1].flops}

    repeat(report, budget, draw)
    worst = max(one.residual for one in solved)
    report.check(check("residual", worst, "below", LIMIT, "||Ax - b|| scaled, by HPL itself"))
    report.note(f"n = {n}, {Path(program).name}", "hpl")


def _program(name: str) -> tuple[str, bool]:
    """(path, is it hpcc).  Raises InputError with what to install."""
    from timonier.kit.command import find

    for wanted, is_hpcc in ((name, Path(name).name == "hpcc"), ("hpcc", True)):
        path = find(wanted)
        if path is not None:
            if find("mpirun") is None:
                raise InputError("there is no mpirun to start HPL", where="PATH", fix=INSTALL_MPI)
            return path, is_hpcc
        if name != "xhpl" and wanted == name:
            raise InputError(f"there is no program {name!r}", where="--set xhpl", fix=INSTALL)
    raise InputError("there is neither xhpl nor hpcc", where="PATH", fix=INSTALL)


def _run(program: str, wanted: Input, ranks: int, is_hpcc: bool) -> Solved:
    from timonier.backend.mpi import mpi_argv
    from timonier.kit.command import run

    output = Path("hpccoutf.txt")
    output.unlink(missing_ok=True)
    Path("hpccinf.txt" if is_hpcc else "HPL.dat").write_text(render(wanted, hpcc=is_hpcc))
    done = run(mpi_argv(ranks, [program]), timeout_s=24 * 3600.0, env={"OPENBLAS_NUM_THREADS": "1"})
    text = output.read_text(errors="replace") if is_hpcc and output.exists() else done.stdout
    solved = parse(text)
    if done.code or not solved:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise InputError(
            f"{Path(program).name} gave no result (exit code {done.code})",
            where=f"n = {wanted.n}, {wanted.rows} x {wanted.columns} ranks",
            fix="its last words: " + (said[-1] if said else "none"),
        )
    return solved[-1]
