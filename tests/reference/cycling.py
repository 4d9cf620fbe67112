"""Backfill by reservations: a plan that each cycle makes anew, and forgets; on a count and on named nodes."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from tests.reference.engine import Engine
from tests.reference.jobs import Task, Ticks
from tests.reference.plan import Plan


class Cycling(Engine):
    """When cycles are, and whom they look at; what a plan is, the classes below say."""

    def make_pass(self) -> None:
        super().make_pass()
        if self.profile.backfill.every_s is None:
            self.cycle()

    def instant(self) -> None:
        super().instant()
        self.cycle_by_clock()

    def begin(self) -> None:
        super().begin()
        self.cycle_by_clock()

    def cycle_by_clock(self) -> None:
        every = self.profile.backfill.every_s
        if every is not None and self.now % every == 0 and self.waiting:
            self.cycle()

    def next_instant(self) -> Ticks:
        every = self.profile.backfill.every_s
        if every is None or not self.waiting:
            return super().next_instant()
        return min(super().next_instant(), (self.now // every + 1) * every)

    def ticked(self) -> bool:
        every = self.profile.backfill.every_s
        return super().ticked() and (every is None or self.now % every == 0)

    def cycle(self) -> None:
        knobs = self.profile.backfill
        self.plan_running()
        looked, of_user = 0, Counter[str]()
        for task in list(self.line()):
            if knobs.depth is not None and looked >= knobs.depth:
                break
            user = task.job.user or ""
            if self.held(task) or (knobs.user_jobs is not None and of_user[user] >= knobs.user_jobs):
                continue
            looked += 1
            of_user[user] += 1
            begin, where = self.find(task)
            if begin == self.now:
                self.start_in(task, where)
            elif begin < math.inf and (knobs.window_s is None or begin - self.now <= knobs.window_s):
                self.plan(task, begin, self.planned_until(begin, begin + task.estimate), where)

    @property
    def grid(self) -> int:
        return self.profile.backfill.resolution_s or 1

    def planned_until(self, begin: Ticks, end: Ticks) -> Ticks:
        grid = self.grid
        return end if end == math.inf else max(end // grid * grid, begin // grid * grid + grid)

    # ---- what a plan is

    def plan_running(self) -> None:
        """Begin a plan with what runs."""
        raise NotImplementedError

    def find(self, task: Task) -> tuple[Ticks, Any]:
        """When the task fits in the plan, and in what."""
        raise NotImplementedError

    def start_in(self, task: Task, where: Any) -> None:
        """Start the task, and let the plan hold it."""
        raise NotImplementedError

    def plan(self, task: Task, begin: Ticks, end: Ticks, where: Any) -> None:
        """Let the plan hold the task from begin until end."""
        raise NotImplementedError


class CountedCycling(Cycling):
    """A plan of processors."""

    def plan_running(self) -> None:
        self.steps = Plan(self.processors, self.caps)
        for task in self.running:
            self.plan(task, self.now, task.expected_end(self.now), None)

    def find(self, task: Task) -> tuple[Ticks, None]:
        partition = self.partition_of(task)
        return self.steps.earliest(partition, self.now, task.estimate, task.size, self.grid), None

    def start_in(self, task: Task, where: Any) -> None:  # noqa: ARG002 - there is only one place
        self.start(task)
        self.plan(task, self.now, self.now + task.estimate, None)

    def plan(self, task: Task, begin: Ticks, end: Ticks, where: Any) -> None:  # noqa: ARG002
        self.steps.change(self.partition_of(task), begin, end, task.size)
