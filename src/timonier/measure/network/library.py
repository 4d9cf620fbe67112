"""The MPI library that mpi4py has loaded, as plain C functions with the right kinds of handles."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path
from typing import Any

from timonier.kit.errors import MachineFailure


class Library:
    """Send, Recv and Allreduce of the loaded libmpi; handles as its C functions take them."""

    def __init__(self, mpi: Any) -> None:
        lib = ctypes.CDLL(_path())
        # Open MPI's handles are pointers, MPICH's are ints
        handle = ctypes.c_void_p if mpi._sizeof(mpi.Comm) == ctypes.sizeof(ctypes.c_void_p) else ctypes.c_int  # noqa: SLF001
        number, pointer = ctypes.c_int, ctypes.c_void_p
        self.send, self.receive, self.reduce_all = lib.MPI_Send, lib.MPI_Recv, lib.MPI_Allreduce
        self.send.argtypes = [pointer, number, handle, number, number, handle]
        self.receive.argtypes = [pointer, number, handle, number, number, handle, pointer]
        self.reduce_all.argtypes = [pointer, pointer, number, handle, handle, handle]
        for function in (self.send, self.receive, self.reduce_all):
            function.restype = number
        self.byte, self.real, self.plus = (mpi._handleof(one) for one in (mpi.BYTE, mpi.DOUBLE, mpi.SUM))  # noqa: SLF001
        self.name = mpi.Get_library_version().split("\n")[0].split(",")[0].strip("\0 ")


def _path() -> str:
    """The file of the MPI library in this process."""
    found = re.search(r"\s(/\S*/libmpi(?:ch)?\.so\S*)$", Path("/proc/self/maps").read_text(), re.MULTILINE)
    if found is None:
        raise MachineFailure("no MPI library is loaded in this process", where="/proc/self/maps")
    return found.group(1)
