"""Where jobs run: three verbs, submit, poll and cancel, and one folder or file for each kind of place."""

from __future__ import annotations

from timonier.backend.backend import Backend, Status, Task
from timonier.kit.errors import InputError, nearest

__all__ = ["BACKENDS", "Backend", "Status", "Task", "open_backend"]

BACKENDS = ("local",)


def open_backend(name: str) -> Backend:
    """The backend of this name.  Raises InputError with the known ones."""
    if name == "local":
        from timonier.backend.local import Local  # it starts processes: loaded by those who run jobs

        return Local()
    raise InputError(f"there is no backend {name!r}", where="--backend", fix=nearest(name, BACKENDS))
