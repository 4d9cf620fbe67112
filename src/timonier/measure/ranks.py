"""The MPI processes of a task as one small object, also for a task that has one process and no MPI."""

from __future__ import annotations

from typing import Any, Protocol

from timonier.kit.errors import InputError
from timonier.measure.conditions import Meter, own_cpu_s
from timonier.measure.packages import need

INSTALL_MPI = (
    "apt-get install openmpi-bin libopenmpi-dev  (or another MPI; on a cluster: module load openmpi)"
)


class Ranks(Protocol):
    """rank of size processes; the verbs are collective: every rank calls them."""

    rank: int
    size: int
    comm: Any  # mpi4py's communicator, None where there is one process without MPI

    def sum(self, value: float) -> float:
        """The sum over the ranks."""

    def max(self, value: float) -> float:
        """The largest of the ranks."""

    def barrier(self) -> None:
        """Wait for the others."""


class Alone:
    """One process, no MPI."""

    rank, size, comm = 0, 1, None

    def sum(self, value: float) -> float:
        """The value itself."""
        return value

    def max(self, value: float) -> float:
        """The value itself."""
        return value

    def barrier(self) -> None:
        """Nobody to wait for."""


class Together:
    """The processes that mpirun started."""

    def __init__(self) -> None:
        self._mpi = load_mpi()
        self.comm = self._mpi.COMM_WORLD
        self.rank, self.size = self.comm.Get_rank(), self.comm.Get_size()

    def sum(self, value: float) -> float:
        """The sum over the ranks."""
        return float(self.comm.allreduce(value))

    def max(self, value: float) -> float:
        """The largest of the ranks."""
        return float(self.comm.allreduce(value, op=self._mpi.MAX))

    def barrier(self) -> None:
        """Wait for the others."""
        self.comm.Barrier()


def open_ranks(wanted: int) -> Ranks:
    """The ranks of this task (0: no MPI).  Raises InputError where mpirun and mpi4py are of different kinds."""
    if wanted == 0:
        return Alone()
    ranks = Together()
    if ranks.size != wanted:
        raise InputError(
            f"{wanted} ranks were started, but MPI sees {ranks.size}: mpirun and mpi4py's MPI differ",
            where="mpirun",
            fix="put the mpirun of mpi4py's MPI first on PATH; " + INSTALL_MPI,
        )
    return ranks


def load_mpi() -> Any:
    """mpi4py's MPI module.  Raises InputError with the line to install what is missing."""
    need("mpi4py", "mpi")
    try:
        from mpi4py import MPI
    except RuntimeError as error:  # its wheels carry no MPI and look for the system's
        raise InputError("mpi4py finds no MPI library", where="mpi4py", fix=INSTALL_MPI) from error
    return MPI


def check_mpi() -> None:
    """Raise InputError where ranks could not be started; asks no MPI library."""
    from timonier.kit.command import find

    if find("mpirun") is None:
        raise InputError("there is no mpirun to start ranks", where="PATH", fix=INSTALL_MPI)
    need("mpi4py", "mpi")


def meter_of(ranks: Ranks) -> Meter:
    """A meter that counts the processor time of all ranks of this node as ours."""
    if ranks.comm is None:
        return Meter()
    shared = ranks.comm.Split_type(load_mpi().COMM_TYPE_SHARED)
    return Meter(lambda: float(shared.allreduce(own_cpu_s())))


def ranks_of(wanted: int | None) -> int:
    """How many to start: 0 (one process without MPI) unless more than one is wanted.  Raises InputError without MPI."""
    if wanted is None or wanted == 1:
        return 0
    check_mpi()
    return wanted


def rank_a_core(wanted: int | None, cores: int) -> int:
    """As many as wanted; when nobody says, one a core where MPI is installed, else 0: one process without MPI."""
    if wanted is None and cores > 1 and has_mpi():
        return cores
    return ranks_of(wanted)


def has_mpi() -> bool:
    """Could ranks be started here?"""
    try:
        check_mpi()
    except InputError:
        return False
    return True
