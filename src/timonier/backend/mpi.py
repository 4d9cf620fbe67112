"""How MPI programs are started: pure text, apart from asking which mpirun there is."""

from __future__ import annotations

import os
from collections.abc import Sequence

from timonier.kit.command import find
from timonier.kit.errors import InputError

INSTALL = "apt-get install openmpi-bin libopenmpi-dev  (or another MPI; on a cluster: module load openmpi)"


def mpi_argv(ranks: int, argv: Sequence[str]) -> tuple[str, ...]:
    """The command that starts `ranks` copies of a program.  Raises InputError without MPI."""
    program = find("mpirun")
    if program is None:
        raise InputError(f"there is no mpirun to start {ranks} ranks", where="PATH", fix=INSTALL)
    processors = len(os.sched_getaffinity(0))
    return render(program, ranks, argv, is_root=os.geteuid() == 0, processors=processors)


def render(
    program: str, ranks: int, argv: Sequence[str], *, is_root: bool, processors: int
) -> tuple[str, ...]:
    """Open MPI's words: ranks stay on a core each as long as there are cores enough.

    >>> render("mpirun", 2, ["xhpl"], is_root=False, processors=2)
    ('mpirun', '-np', '2', '--bind-to', 'core', 'xhpl')
    >>> render("mpirun", 4, ["xhpl"], is_root=True, processors=2)[1:]
    ('--allow-run-as-root', '-np', '4', '--oversubscribe', '--bind-to', 'none', 'xhpl')
    """
    root = ["--allow-run-as-root"] if is_root else []
    bind = ["--bind-to", "core"] if ranks <= processors else ["--oversubscribe", "--bind-to", "none"]
    return (program, *root, "-np", str(ranks), *bind, *argv)
