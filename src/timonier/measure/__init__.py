"""What this machine gets out of the benchmarks that matter: figures with their intervals and conditions."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from timonier.measure.measurement import Measurement
    from timonier.measure.recipe import BENCHMARKS, Wanted, benchmark, settings_of
    from timonier.measure.session import Asked, run_session
    from timonier.measure.store import is_store, read_store, write_store

__all__ = [
    "BENCHMARKS",
    "Asked",
    "Measurement",
    "Wanted",
    "benchmark",
    "is_store",
    "read_store",
    "run_session",
    "settings_of",
    "write_store",
]

_HOMES = {
    "Measurement": "measurement",
    "BENCHMARKS": "recipe",
    "Wanted": "recipe",
    "benchmark": "recipe",
    "settings_of": "recipe",
    "Asked": "session",
    "run_session": "session",
    "is_store": "store",
    "read_store": "store",
    "write_store": "store",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
