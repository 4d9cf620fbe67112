"""Simulate: run a workload on a machine under a profile; the engine that also forecasts the live queue.

The engine loads Numba; asking for one name loads only what it needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from timonier.simulate.check import check_run
    from timonier.simulate.folder import write_run
    from timonier.simulate.run import Run, simulate
    from timonier.simulate.state_file import state_of
    from timonier.simulate.when import forecast

__all__ = ["Run", "check_run", "forecast", "simulate", "state_of", "write_run"]

_HOMES = {
    "Run": "run",
    "check_run": "check",
    "forecast": "when",
    "simulate": "run",
    "state_of": "state_file",
    "write_run": "folder",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
