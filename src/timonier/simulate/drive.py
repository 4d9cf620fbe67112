"""Run a packed workload: call the kernel until it is done, with progress and room for Ctrl-C."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from timonier.simulate import kernel
from timonier.simulate.counted_nodes import give_names
from timonier.simulate.kernel import state as k
from timonier.simulate.kernel.builds import loop_for, loop_on_nodes
from timonier.simulate.pack import Packed

Progress = Callable[[int, int], None]  # events done, events in all (about)
Tell = Callable[[str], None]

SLICE_S = 0.1  # the kernel is called for about this long at a time


def drive(
    packed: Packed, until: int = k.NEVER - 1, progress: Progress | None = None, tell: Tell | None = None
) -> int:
    """Run every event up to and including tick `until`; returns DONE or UNTIL.

    progress: called about ten times a second.  tell: told, in words, when code has to be compiled first.
    """
    advance = prepare(packed, tell)
    total = 2 * len(packed.row)
    budget = 256
    while True:
        began = time.perf_counter()
        reason = advance(packed.argument, until, budget)
        if reason != k.BUDGET:
            give_names(packed)
            return reason
        took = time.perf_counter() - began
        budget = int(min(max(budget * min(SLICE_S / max(took, 1e-6), 8.0), 256), 1 << 40))
        if progress is not None:
            progress(int(packed.state.scalars[k.EVENTS]), total)


def prepare(packed: Packed, tell: Tell | None = None) -> Callable[[Any, int, int], int]:
    """The compiled loop for this kind of profile; says so when this is its first compilation."""
    order, backfill, event, rich = packed.kind
    if packed.on_counts:
        advance: Callable[[Any, int, int], int] = loop_for(order, backfill, event, rich)
        marker = kernel.cache_folder() / f"build-{order}-{backfill}-{event}-{rich}"
    else:
        advance = loop_on_nodes(event)
        marker = kernel.cache_folder() / f"build-nodes-{event}"
    if marker.exists() or os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
        return advance
    if tell is not None:
        tell("first use of this kind of profile: compiling the engine, once, some seconds ...")
    began = time.perf_counter()
    advance(packed.argument, -k.NEVER, 0)
    if tell is not None:
        tell(
            f"compiled in {time.perf_counter() - began:.1f} s; from now on it is loaded from {marker.parent}"
        )
    _touch(marker)
    return advance


def _touch(marker: Path) -> None:
    """Remember that a build is compiled; a home that cannot be written to only means to say so again."""
    try:
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
    except OSError:
        return
