"""What else the machine did while we measured: read from /proc, blank where it cannot be read."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_STAT = Path("/proc/stat")
SHORT_S = 0.2  # the kernel counts in ticks of 10 ms: shorter spans say nothing


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds since the start of the machine, summed over its processors."""

    busy_s: float
    steal_s: float
    total_s: float


def parse_stat(text: str, ticks_per_s: int) -> Times:
    """The first line of /proc/stat; waiting for a disk is not busy.

    >>> parse_stat("cpu  100 0 50 800 40 0 10 5 0 0", 100)
    Times(busy_s=1.6, steal_s=0.05, total_s=10.05)
    """
    fields = [int(word) for word in text.split("\n", 1)[0].split()[1:9]]
    user, nice, system, idle, waiting, hard, soft, steal = fields
    busy = user + nice + system + hard + soft
    return Times(busy / ticks_per_s, steal / ticks_per_s, (busy + idle + waiting + steal) / ticks_per_s)


def own_cpu_s() -> float:
    """Processor seconds of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


class Meter:
    """Start it before a repeat, read it after: wall seconds, foreign processors, steal."""

    def __init__(self, own: Callable[[], float] = own_cpu_s) -> None:
        self._own = own
        self._ticks = os.sysconf("SC_CLK_TCK")
        self.start()

    def start(self) -> None:
        """From here on."""
        self._before, self._own_before, self._began = self._look(), self._own(), time.perf_counter()

    def read(self) -> tuple[float, float | None, float | None]:
        """(wall seconds, foreign processors, steal as a share of all time); None: unreadable or too short."""
        wall = time.perf_counter() - self._began
        own, after = self._own() - self._own_before, self._look()
        if after is None or self._before is None or wall < SHORT_S:
            return wall, None, None
        foreign = max(0.0, after.busy_s - self._before.busy_s - own) / wall
        total = after.total_s - self._before.total_s
        return wall, foreign, (after.steal_s - self._before.steal_s) / total if total > 0 else None

    def _look(self) -> Times | None:
        try:
            return parse_stat(_STAT.read_text(), self._ticks)
        except (OSError, ValueError):
            return None
