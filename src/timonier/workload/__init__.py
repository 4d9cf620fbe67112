"""Room: workload. Readers, writers and models of jobs; all of them speak the job table `Jobs`.

Everything here loads on first use, so that asking for one reader does not pay for the others.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from timonier.workload.columns import Column, known_columns
    from timonier.workload.jobs import Cleaning, Jobs, StateHeader
    from timonier.workload.pods import as_pods
    from timonier.workload.read.swf import read_swf
    from timonier.workload.read.table import read_table
    from timonier.workload.read.workload import read_workload
    from timonier.workload.write.swf import write_swf
    from timonier.workload.write.table import write_table

__all__ = [
    "Cleaning",
    "Column",
    "Jobs",
    "StateHeader",
    "as_pods",
    "known_columns",
    "read_swf",
    "read_table",
    "read_workload",
    "write_swf",
    "write_table",
]

_HOMES = {
    "Cleaning": "jobs",
    "Column": "columns",
    "Jobs": "jobs",
    "StateHeader": "jobs",
    "as_pods": "pods",
    "known_columns": "columns",
    "read_swf": "read.swf",
    "read_table": "read.table",
    "read_workload": "read.workload",
    "write_swf": "write.swf",
    "write_table": "write.table",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
