"""Conservative backfilling on nodes: a plan of named nodes, as docs/background/node-engine.md says."""

from __future__ import annotations

import copy
import math
from typing import Any

from tests.reference.cycling import Cycling
from tests.reference.engine import Conservative
from tests.reference.jobs import Task, Ticks
from tests.reference.nodes import WHOLE, Demand, NodeEngine, Placement, Room, meet, move


class Forgetful:
    """The plan of the counting engine, of which nothing is left but that it may be told to forget."""

    def forget(self, now: int) -> None:
        pass


class Planning(NodeEngine):
    """What running and waiting jobs hold over time: (begin, end, demand, names) by row."""

    def __init__(self, *args: Any, **more: Any) -> None:
        self.commitments: dict[int, tuple[Ticks, Ticks, Demand, Placement]] = {}
        super().__init__(*args, **more)

    def room_at(self, instant: Ticks) -> Room:
        room = copy.deepcopy(self.empty)
        for begin, end, demand, placement in self.commitments.values():
            if begin <= instant < end:
                move(self.machinery.total, room, demand, placement, 1)
        return room

    def throughout(self, begin: Ticks, end: Ticks) -> Room:
        room = self.room_at(begin)
        grid = self.profile.backfill.resolution_s or 1
        begins = {b for b, _, _, _ in self.commitments.values() if begin < b}
        for instant in sorted(b for b in begins if b // grid * grid < end):
            room = meet(room, self.room_at(instant))
        return room

    def hole(self, task: Task, after: Ticks) -> tuple[Ticks, Room | None]:
        ends = {end for _, end, _, _ in self.commitments.values() if after < end < math.inf}
        for begin in sorted({after, *ends}):
            room = self.throughout(begin, begin + task.estimate)
            if any(self.machinery.fits_with(room, demand) for demand in self.demands(task)):
                return begin, room
        return math.inf, None


class NamedConservative(Conservative, Planning):
    """Every waiting job holds named nodes, GPUs and slices from an instant on."""

    def __init__(self, *args: Any, **more: Any) -> None:
        Planning.__init__(self, *args, **more)
        self.plan = Forgetful()  # type: ignore[assignment]
        self.came = []
        self.ended = False
        self.only_clock = not {"submit", "end"} & set(self.profile.cycle.on)

    # ---- reservations

    def take(self, task: Task, begin: Ticks, room: Room | None) -> None:
        task.reserved = begin
        if self.keeps_promises:
            assert begin <= self.promised.get(task.row, math.inf)
            self.promised[task.row] = begin
        if room is not None:
            found = self.machinery.place(room, self.demands(task))
            assert found is not None
            self.placement[task.row] = found
            self.commit(task, begin)

    def commit(self, task: Task, begin: Ticks) -> None:
        names = self.placement[task.row]
        self.commitments[task.row] = (begin, begin + task.estimate, self.demands(task)[0], names)

    def put(self, task: Task, after: int) -> None:
        self.take(task, *self.hole(task, after))

    def lift(self, task: Task) -> None:
        self.commitments.pop(task.row, None)
        task.reserved = None

    def round(self) -> None:
        line = list(self.line())
        for task in line:
            if task.reserved is not None and task.reserved > self.now:
                old = task.reserved
                self.lift(task)
                begin, room = self.hole(task, self.now)
                if begin == old and (room is None or self.can_take(room, task)):
                    task.reserved = old
                    if room is not None:
                        self.commit(task, old)
                else:
                    self.take(task, begin, room)
        for task in line:
            if task.reserved is None and task not in self.came:
                self.reserve(task)

    def can_take(self, room: Room, task: Task) -> bool:
        """Are the names of a job free in this room?"""
        demand = self.demands(task)[0]
        trial = copy.deepcopy(room)
        for at in self.placement[task.row]:
            if not is_free(trial, demand, at):
                return False
            move(self.machinery.total, trial, demand, [at], 1)
        return True

    def start_due(self) -> None:
        for task in list(self.line()):
            if task.reserved is None or task.reserved > self.now:
                continue
            self.lift(task)
            if self.held(task):
                continue
            if self.can_take(self.room, task):
                self.start(task)
            else:
                self.put(task, self.now + 1)

    # ---- running jobs

    def stretch(self) -> None:
        for task in self.running:
            if task.overruns(self.now):
                task.planned_end = self.now + 1
                begin, _, demand, names = self.commitments[task.row]
                self.commitments[task.row] = (begin, self.now + 1, demand, names)

    def _run(self, task: Task, start: int) -> None:
        NodeEngine._run(self, task, start)
        self.commit(task, start)

    def finish(self, task: Task) -> None:
        NodeEngine.finish(self, task)
        del self.commitments[task.row]


class NamedCycling(Cycling, Planning):
    """A plan of named nodes, made anew in each cycle."""

    def plan_running(self) -> None:
        self.commitments = {
            task.row: (self.now, task.expected_end(self.now), self.demands(task)[0], self.placement[task.row])
            for task in self.running
        }

    def find(self, task: Task) -> tuple[Ticks, Room | None]:
        return self.hole(task, self.now)

    def start_in(self, task: Task, room: Room) -> None:
        found = self.machinery.place(room, self.demands(task))
        assert found is not None
        self.placement[task.row] = found
        self.start(task)
        self.commitments[task.row] = (self.now, self.now + task.estimate, self.demands(task)[0], found)

    def plan(self, task: Task, begin: Ticks, end: Ticks, room: Room) -> None:
        kept = self.machinery.decisions, self.machinery.begin
        names = self.machinery.place(room, self.demands(task))
        assert names is not None
        self.machinery.decisions, self.machinery.begin = kept
        self.commitments[task.row] = (begin, end, self.demands(task)[0], names)


def is_free(room: Room, demand: Demand, at: tuple[int, list[tuple[int, int | None]]]) -> bool:
    """Could one task take just this node and these GPUs?"""
    node = room.nodes[at[0]]
    if node.owner not in (None, demand.row):
        return False
    if demand.job.whole_nodes and node.tasks and node.owner != demand.row:
        return False
    if any(node.free[name] < want for name, want in demand.quantities.items() if want):
        return False
    if any(room.licences.get(name, 0) < want for name, want in demand.licences.items()):
        return False
    for number, start in at[1]:
        gpu = node.gpus[number]
        if start is not None:
            width = next(w for s, w in gpu.legal[demand.job.mig or ""] if s == start)
            if gpu.free < WHOLE or set(range(start, start + width)) & gpu.cut:
                return False
        elif demand.share and gpu.sharing in ("time-slice", "fraction"):
            if gpu.free < demand.share or gpu.sharers >= gpu.most:
                return False
        elif gpu.free < WHOLE or gpu.cut:
            return False
    return True
