"""Run a packed workload: the kernel works in a thread of its own, while this one shows progress and hears Ctrl-C."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from timonier.simulate import kernel
from timonier.simulate.counted_nodes import give_names
from timonier.simulate.kernel import state as k
from timonier.simulate.kernel.backfill import SHORTEST
from timonier.simulate.kernel.builds import loop_for, loop_on_nodes
from timonier.simulate.pack import Packed

Progress = Callable[[int, int], None]  # events done, events in all (about)
Tell = Callable[[str], None]

LOOK_S = 0.1  # how often progress is shown
GIVE_UP_S = 2.0  # how long a kernel that was told to stop may take
NO_BUDGET = 1 << 60


def drive(
    packed: Packed, until: int = k.NEVER - 1, progress: Progress | None = None, tell: Tell | None = None
) -> int:
    """Run every event up to and including tick `until`; returns DONE or UNTIL.

    progress: called about ten times a second.  tell: told, in words, when code has to be compiled first.
    Ctrl-C, or whatever `progress` raises, stops the kernel even in the middle of a long instant; the state is
    then spoilt.
    """
    advance = prepare(packed, tell)
    total = 2 * len(packed.row)

    def look() -> None:
        if progress is not None:
            progress(int(packed.state.scalars[k.EVENTS]), total)

    worker = _Worker(advance, packed.argument, until)
    try:
        reason = worker.wait(look)
    except BaseException:
        packed.state.scalars[k.STOP] = 1
        worker.join(GIVE_UP_S)
        raise
    give_names(packed)
    return reason


class _Worker(threading.Thread):
    """One call of the kernel; a daemon, so that a process need not wait for it."""

    def __init__(self, advance: Callable[[Any, int, int], int], argument: Any, until: int) -> None:
        super().__init__(name="timonier kernel", daemon=True)
        self._advance, self._argument, self._until = advance, argument, until
        self.reason = k.DONE
        self.error: BaseException | None = None

    def run(self) -> None:
        """Keep what comes back, or what goes wrong, for the thread that waits."""
        try:
            self.reason = self._advance(self._argument, self._until, NO_BUDGET)
        except BaseException as error:  # noqa: BLE001  # it is raised again where it is waited for
            self.error = error

    def wait(self, look: Callable[[], None] = lambda: None) -> int:
        """Start, look about ten times a second until it has ended, and return its reason or raise its error."""
        self.start()
        self.join(LOOK_S)
        while self.is_alive():
            look()
            self.join(LOOK_S)
        if self.error is not None:
            raise self.error
        return self.reason


def prepare(packed: Packed, tell: Tell | None = None) -> Callable[[Any, int, int], int]:
    """The compiled loop for this kind of profile; says so when this is its first compilation."""
    order, backfill, event, rich = packed.kind
    if packed.on_counts:
        advance: Callable[[Any, int, int], int] = loop_for(order, backfill, event, rich)
        marker = kernel.cache_folder() / f"build-{order}-{backfill}-{event}-{rich}"
    else:
        advance = loop_on_nodes(backfill, event)
        marker = kernel.cache_folder() / f"build-nodes-{max(backfill, SHORTEST)}-{event}"
    if marker.exists() or os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
        return advance
    if tell is not None:
        tell("first use of this kind of profile: compiling the engine, once, some seconds ...")
    began = time.perf_counter()
    _Worker(advance, packed.argument, -k.NEVER).wait()  # Ctrl-C must not fall into the compiler
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
