"""The plan of conservative backfilling: how much is taken when, as step functions of time."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right

from tests.reference.jobs import Ticks


def round_up(t: Ticks, grid: int) -> Ticks:
    return t if t == math.inf else -(-t // grid) * grid


class Steps:
    """How many processors of one pool are taken: taken[i] from times[i] until times[i + 1]."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.times: list[Ticks] = [-math.inf]
        self.taken: list[int] = [0]

    def change(self, begin: Ticks, end: Ticks, amount: int) -> None:
        """Take (or give back, if negative) an amount from begin until end; the forgotten past stays as it is."""
        begin = max(begin, self.times[0])
        if begin >= end:
            return
        first = self._cut(begin)
        last = len(self.times) if end == math.inf else self._cut(end)
        for i in range(first, last):
            self.taken[i] += amount
        for i in (last, first):
            if 0 < i < len(self.times) and self.taken[i] == self.taken[i - 1]:
                del self.times[i], self.taken[i]

    def _cut(self, t: Ticks) -> int:
        i = bisect_left(self.times, t)
        if i == len(self.times) or self.times[i] != t:
            self.times.insert(i, t)
            self.taken.insert(i, self.taken[i - 1])
        return i

    def forget(self, now: Ticks) -> None:
        """Drop the steps that lie before now."""
        i = bisect_right(self.times, now) - 1
        del self.times[:i], self.taken[:i]

    def earliest(self, after: Ticks, duration: Ticks, amount: int, grid: int = 1) -> Ticks:
        """The first instant >= after from which `amount` is free for `duration`; inf if never.

        It must be free on to the next multiple of `grid`.
        """
        begin = after
        i = bisect_right(self.times, after) - 1
        while i < len(self.times) and self.times[i] < round_up(begin + duration, grid):
            if self.taken[i] + amount > self.capacity:
                begin = self.times[i + 1] if i + 1 < len(self.times) else math.inf
            i += 1
        return begin


class Plan:
    """The machine and its partitions together."""

    def __init__(self, processors: int, caps: dict[str, int]) -> None:
        self.machine = Steps(processors)
        self.partitions = {name: Steps(cap) for name, cap in caps.items()}

    def _pools(self, partition: str | None) -> list[Steps]:
        return [self.machine] + ([self.partitions[partition]] if partition is not None else [])

    def change(self, partition: str | None, begin: Ticks, end: Ticks, amount: int) -> None:
        for pool in self._pools(partition):
            pool.change(begin, end, amount)

    def forget(self, now: Ticks) -> None:
        for pool in (self.machine, *self.partitions.values()):
            pool.forget(now)

    def earliest(
        self, partition: str | None, after: Ticks, duration: Ticks, amount: int, grid: int = 1
    ) -> Ticks:
        """Ask each pool in turn until all agree."""
        pools = self._pools(partition)
        begin = after
        while True:
            asked = begin
            for pool in pools:
                begin = pool.earliest(begin, duration, amount, grid)
            if begin in (asked, math.inf):
                return begin
