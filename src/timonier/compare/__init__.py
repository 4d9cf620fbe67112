"""Room: compare. What runs are worth: metrics, every profile on every repeat, statistics, the front, the report's values.

Everything here loads on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from timonier.compare.metrics import Metric, bounded_slowdown, jain_index, known_metrics, score

__all__ = ["Metric", "bounded_slowdown", "jain_index", "known_metrics", "score"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("timonier.compare.metrics"), name)
