"""A slow, plain counting engine that says what docs/background/counting-engine.md says."""

from __future__ import annotations

import heapq
import math
from bisect import bisect_left, insort
from collections import Counter

from tests.reference.jobs import (
    Job,
    Outcome,
    Task,
    Ticks,
    order_key,
    parse_dependency,
    why_unrunnable,
)
from tests.reference.plan import Plan

from timonier.policy.profile import Limits, Profile, Queue

DYNAMIC = ("wfp3", "unicef")


def simulate(
    jobs: list[Job],
    profile: Profile,
    processors: int,
    partitions: dict[str, int] | None = None,
    default_partition: str | None = None,
    *,
    now: int | None = None,
    settled: bool = False,
    until: int | None = None,
    strict: bool = False,
) -> list[Outcome]:
    """What becomes of each job, in the order of `jobs`.

    now: go on from a state at this instant; `settled` says that everything due then has happened.
    until: stop after this instant.  strict: check capacity and promises on the way.
    """
    from tests.reference.cycling import CountedCycling

    kinds = {"conservative": Conservative, "reservations": CountedCycling}
    engine = kinds.get(profile.backfill.rule, Engine)(
        jobs, profile, processors, partitions or {}, default_partition, strict
    )
    if now is not None:
        engine.resume(now, settled)
    engine.go(math.inf if until is None else until)
    return [engine.outcome(task) for task in engine.tasks]


class Engine:
    """Orders without backfill and with EASY; `Conservative` replaces what an instant does."""

    def __init__(
        self,
        jobs: list[Job],
        profile: Profile,
        processors: int,
        caps: dict[str, int],
        default_partition: str | None,
        strict: bool,
    ) -> None:
        self.profile, self.processors, self.caps = profile, processors, caps
        self.default_partition, self.strict = default_partition, strict
        self.queues = {queue.name: queue for queue in profile.queues}
        self.now = 0
        self.began: Ticks = -math.inf  # where the state was taken that it goes on from
        self.tasks = [Task(row, job, profile) for row, job in enumerate(jobs)]
        self.waiting: list[Task] = []  # in order (dynamic orders: sorted before each use)
        self.running: list[Task] = []  # in the order of starts
        self.ends: list[tuple[Ticks, int, Task]] = []  # (end, sequence of starts, task)
        self.arrivals: list[tuple[Ticks, int, int, Task]] = []  # (eligible, submit, row, task)
        self.verdicts: list[
            tuple[Ticks, int, Task]
        ] = []  # (instant, row, task) that will be cancelled or refused
        self.starts = 0
        self.free = processors
        self.free_in = dict(caps)
        self.held_by: Counter[tuple[str, ...]] = (
            Counter()
        )  # processors and jobs that a queue's running jobs hold
        self.promised: dict[int, Ticks] = {}
        self.started_at_last = False
        self.keeps_promises = strict and makes_promises(profile, caps, self.tasks)
        self._introduce()

    # ---- who may come, and when

    def _introduce(self) -> None:
        """Refuse what can never run; let everyone in whose dependencies are settled."""
        self.needs = {task.row: parse_dependency(task.job.dependency) for task in self.tasks}
        by_id = {task.job.job_id: task for task in self.tasks}
        self.dependents: dict[int, list[Task]] = {task.row: [] for task in self.tasks}
        self.parents: dict[int, list[tuple[str, Task]]] = {}
        for task in self.tasks:
            self.parents[task.row] = [
                (kind, by_id[name]) for kind, name in self.needs[task.row] if name in by_id
            ]
            for _, parent in self.parents[task.row]:
                self.dependents[parent.row].append(task)
        self._refuse_circles()
        for task in self.tasks:
            reason = "" if task.job.state == "running" else self.reason_against(task)
            if task.job.doomed:
                heapq.heappush(self.verdicts, (task.job.submit, task.row, task))
            elif reason:
                task.state, task.note = "unrunnable", reason
                heapq.heappush(self.verdicts, (task.job.submit, task.row, task))
        for task in self.tasks:
            self._admit(task)

    def _refuse_circles(self) -> None:
        open_parents = {row: len(parents) for row, parents in self.parents.items()}
        ready = [row for row, count in open_parents.items() if count == 0]
        for row in ready:
            for child in self.dependents[row]:
                open_parents[child.row] -= 1
                if open_parents[child.row] == 0:
                    ready.append(child.row)
        if len(ready) < len(self.tasks):
            raise ValueError("the dependencies go in a circle")

    def _admit(self, task: Task) -> None:
        """Let a job in (or cancel it) once its dependencies have decided that."""
        if task.eligible is not None or task.start is not None or task.state != "pending":
            return
        if task.job.doomed or task.job.state == "running":
            return
        submit = task.job.submit
        parents = self.parents[task.row]
        failed = [p.ended_at for kind, p in parents if p.ended_at is not None and not holds(kind, p)]
        if failed:
            heapq.heappush(self.verdicts, (max(submit, min(failed)), task.row, task))
        elif task.job.eligible is not None:
            self._announce(task, task.job.eligible)
        else:
            ends = [p.ended_at for _, p in parents if p.ended_at is not None]
            if len(ends) == len(parents):
                self._announce(task, max([submit] + [end + task.job.think for end in ends]))

    def _announce(self, task: Task, eligible: Ticks) -> None:
        task.eligible = eligible
        heapq.heappush(self.arrivals, (eligible, task.job.submit, task.row, task))

    def _tell_dependents(self, task: Task) -> None:
        for child in self.dependents[task.row]:
            self._admit(child)

    def pronounce(self) -> None:
        """Cancel or refuse those whose instant has come."""
        while self.verdicts and self.verdicts[0][0] <= self.now:
            instant, _, task = heapq.heappop(self.verdicts)
            if task.ended_at is None:
                if task.state == "pending":
                    task.state, task.note = "cancelled", "a dependency can never hold"
                task.ended_at = max(instant, self.began)
                self._tell_dependents(task)

    # ---- what a job is under

    def reason_against(self, task: Task) -> str:
        """Why it can never run; empty where it can."""
        return why_unrunnable(
            task, self.processors, self.caps, self.partition_of(task), self.queue_of(task).limits
        )

    def partition_of(self, task: Task) -> str | None:
        return (task.job.partition or self.default_partition) if self.caps else None

    def named_partition(self, task: Task) -> str | None:
        """Its partition, where blocked jobs close theirs."""
        return self.partition_of(task)

    def queue_of(self, task: Task) -> Queue:
        return self.queues.get(task.job.queue or "", Queue(name=""))

    def fits(self, task: Task) -> bool:
        partition = self.partition_of(task)
        return task.size <= self.free and (partition is None or task.size <= self.free_in[partition])

    def held(self, task: Task) -> bool:
        """A queue limit keeps it back."""
        limits: Limits = self.queue_of(task).limits
        queue, user = task.job.queue or "", task.job.user or ""
        return (
            over(limits.processors, self.held_by["processors", queue] + task.size)
            or over(limits.jobs, self.held_by["jobs", queue] + 1)
            or over(limits.user_processors, self.held_by["processors", queue, user] + task.size)
            or over(limits.user_jobs, self.held_by["jobs", queue, user] + 1)
        )

    def _hold(self, task: Task, sign: int) -> None:
        """Take (1) or give back (-1) what a running job holds."""
        self.free -= sign * task.size
        partition = self.partition_of(task)
        if partition is not None:
            self.free_in[partition] -= sign * task.size
        queue, user = task.job.queue or "", task.job.user or ""
        for who in ((queue,), (queue, user)):
            self.held_by["processors", *who] += sign * task.size
            self.held_by["jobs", *who] += sign
        if self.strict:
            assert 0 <= self.free <= self.processors
            assert all(0 <= free <= self.caps[name] for name, free in self.free_in.items())

    # ---- the line

    def _place(self, task: Task) -> tuple[float, ...]:
        assert task.eligible is not None
        key = order_key(self.profile.order.rule, task, self.now)
        return (-self.queue_of(task).priority, key, task.eligible, task.job.submit, task.row)

    def _join(self, task: Task) -> None:
        task.place = self._place(task)
        insort(self.waiting, task, key=lambda other: other.place)

    def _leave(self, task: Task) -> None:
        i = bisect_left(self.waiting, task.place, key=lambda other: other.place)
        assert self.waiting[i] is task
        del self.waiting[i]

    def line(self) -> list[Task]:
        """The waiting jobs in order."""
        if self.profile.order.rule in DYNAMIC:
            for task in self.waiting:
                task.place = self._place(task)
            self.waiting.sort(key=lambda task: task.place)
        return self.waiting

    # ---- starts and ends

    def start(self, task: Task) -> None:
        self._leave(task)
        self._run(task, self.now)
        self.started_at_last = True
        if self.strict:
            assert task.eligible is not None
            assert task.eligible <= self.now
            assert self.now <= self.promised.get(task.row, math.inf)

    def _run(self, task: Task, start: int) -> None:
        task.start, task.end, task.planned_end = start, start + task.run, start + task.estimate
        task.state = "running"
        self._hold(task, 1)
        self.running.append(task)
        heapq.heappush(self.ends, (task.end, self.starts, task))
        self.starts += 1

    def next_end(self) -> Task | None:
        """Take the next job that ends now off the list."""
        if not self.ends or self.ends[0][0] > self.now:
            return None
        return heapq.heappop(self.ends)[2]

    def finish(self, task: Task) -> None:
        if task in self.running:  # else it counted as gone already
            self.running.remove(task)
            self._hold(task, -1)
        task.ended_at = task.end
        task.state = "timeout" if task.killed else "completed"
        self._tell_dependents(task)
        self.pronounce()

    def next_arrival(self) -> Task | None:
        if not self.arrivals or self.arrivals[0][0] > self.now:
            return None
        return heapq.heappop(self.arrivals)[3]

    # ---- time

    def go(self, until: Ticks) -> None:
        while not self.is_over() and (now := self.next_instant()) <= until:
            self.now = int(now)
            self.started_at_last = False
            self.pronounce()
            self.instant()

    def is_over(self) -> bool:
        return self.next_instant() == math.inf or (
            self.nothing_ahead() and not self.started_at_last and self.ticked()
        )

    def nothing_ahead(self) -> bool:
        return not self.arrivals and not self.verdicts and (not self.ends or self.ends[0][0] == math.inf)

    def ticked(self) -> bool:
        """Only clock ticks are left, and one has been made: nothing will ever change."""
        every = self.profile.cycle.every_s
        return every is None or self.now % every == 0

    def next_instant(self) -> Ticks:
        times = [math.inf]
        if self.arrivals:
            times.append(self.arrivals[0][0])
        if self.ends:
            times.append(self.ends[0][0])
        if self.verdicts:
            times.append(self.verdicts[0][0])
        every = self.profile.cycle.every_s
        if every is not None and self.waiting:
            times.append((self.now // every + 1) * every)
        return min(times)

    def clock_strikes(self) -> bool:
        every = self.profile.cycle.every_s
        return every is not None and self.now % every == 0 and bool(self.waiting)

    def instant(self) -> None:
        if self.profile.cycle.each == "instant":
            self.all_together()
        else:
            self.each_in_turn()

    def all_together(self) -> None:
        on, wanted = self.profile.cycle.on, False
        while (task := self.next_end()) is not None:
            self.finish(task)
            wanted |= "end" in on
        while (task := self.next_arrival()) is not None:
            self._join(task)
            wanted |= "submit" in on
        if wanted or self.clock_strikes():
            self.make_pass()

    def each_in_turn(self) -> None:
        self.turns_before_the_clock()
        if self.clock_strikes():
            self.make_pass()

    def turns_before_the_clock(self) -> None:
        for task in [t for t in self.running if t.expected_end(self.now) <= self.now]:
            self.running.remove(task)
            self._hold(task, -1)
        self.arrive_in_turn()
        while (task := self.next_end()) is not None:
            self.finish(task)
            if "end" in self.profile.cycle.on:
                self.make_pass()
        self.arrive_in_turn()

    def arrive_in_turn(self) -> None:
        profile = self.profile
        only_if_it_fits = profile.order.rule == "fcfs" and profile.backfill.order != "shortest"
        while (task := self.next_arrival()) is not None:
            self._join(task)
            if "submit" in profile.cycle.on and (self.fits(task) or not only_if_it_fits):
                self.make_pass()

    # ---- a pass

    def make_pass(self) -> None:
        blocked, closed = self.profile.cycle.blocked, set()
        head = None
        for task in list(self.line()):
            partition = self.named_partition(task)
            if self.held(task) or partition in closed:
                continue
            if self.fits(task):
                self.start(task)
            elif blocked == "queue":
                head = task
                break
            elif blocked == "partition":
                closed.add(partition)
            elif blocked == "drop":
                self.drop(task)
        if head is not None and self.profile.backfill.rule == "easy":
            self.backfill(head)

    def drop(self, task: Task) -> None:
        self._leave(task)
        task.state, task.ended_at = "dropped", self.now
        self._tell_dependents(task)
        self.pronounce()

    def backfill(self, head: Task) -> None:
        shadow, extra, extra_in = self.shadow_of(head)
        if self.keeps_promises:
            assert shadow <= self.promised.get(head.row, math.inf)
            self.promised[head.row] = shadow
        candidates = [task for task in self.waiting if task is not head]
        if self.profile.backfill.order == "shortest":
            candidates.sort(key=lambda task: (task.estimate, task.eligible, task.job.submit, task.row))
        shared = self.partition_of(head)
        for task in candidates:
            if not self.fits(task) or self.held(task):
                continue
            beside = shared is not None and self.partition_of(task) == shared
            if self.now + task.estimate <= shadow:
                self.start(task)
            elif task.size <= extra and (not beside or task.size <= extra_in):
                self.start(task)
                extra -= task.size
                extra_in -= task.size if beside else 0

    def shadow_of(self, head: Task) -> tuple[Ticks, int, int]:
        """When the head can start by expected ends; what is then free beside it, of machine and partition."""
        partition = self.partition_of(head)
        free = self.free
        free_in = self.free_in[partition] if partition is not None else head.size
        shadow: Ticks | None = None
        for end, _, task in sorted((task.expected_end(self.now), task.row, task) for task in self.running):
            if shadow is not None and end > shadow:
                break
            if end == math.inf:
                break
            free += task.size
            free_in += task.size if partition is not None and self.partition_of(task) == partition else 0
            if shadow is None and head.size <= free and head.size <= free_in:
                shadow = end
        return (math.inf if shadow is None else shadow), free - head.size, free_in - head.size

    # ---- from and to a state

    def resume(self, now: int, settled: bool) -> None:
        """Put the running jobs on the machine and the waiting ones in line; unless settled, an instant at now."""
        self.now = self.began = now
        active = [task for task in self.tasks if task.job.state == "running"]
        for task in sorted(active, key=lambda task: (task.job.start, task.job.sequence, task.row)):
            assert task.job.start is not None
            self.arrivals = [arrival for arrival in self.arrivals if arrival[3] is not task]
            task.run = max(task.run, now - task.job.start)
            if self.profile.estimate.use == "exact":
                task.estimate = task.run
            self._run(task, task.job.start)
        heapq.heapify(self.arrivals)
        came = []
        while (task := self.next_arrival()) is not None:
            self._join(task)
            came.append(task)
        self.take_up(came, settled)
        if not settled:
            self.pronounce()
            self.begin()

    def take_up(self, came: list[Task], settled: bool) -> None:
        """Conservative: take up the reservations, or what is left of the promises."""

    def begin(self) -> None:
        """The instant at now of a state that was taken under other rules: it ends in a pass."""
        if self.profile.cycle.each == "instant":
            while (task := self.next_end()) is not None:
                self.finish(task)
            while (task := self.next_arrival()) is not None:
                self._join(task)
        else:
            self.turns_before_the_clock()
        self.make_pass()

    def outcome(self, task: Task) -> Outcome:
        done = task.state in ("completed", "timeout")
        return Outcome(
            task.job.job_id,
            task.state,
            task.start,
            int(task.end) if done else None,
            task.note,
            task.reserved,
            task.eligible,
        )


class Conservative(Engine):
    """Every waiting job holds a reservation in the plan."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.plan = Plan(self.processors, self.caps)
        self.came: list[Task] = []  # arrived, no hole looked for yet
        self.ended = False  # somebody ended since the last round
        self.only_clock = not {"submit", "end"} & set(self.profile.cycle.on)

    def next_instant(self) -> Ticks:
        due = [task.reserved for task in self.waiting if task.reserved is not None]
        if self.only_clock or not due:
            return super().next_instant()
        return min(super().next_instant(), max(min(due), self.now + 1))

    def is_over(self) -> bool:
        """Also over when nobody but jobs that never end stands in the way, put back tick after tick."""
        stuck = all(task.reserved in (None, self.now + 1, math.inf) for task in self.waiting)
        if self.nothing_ahead() and not self.started_at_last and stuck and self.ticked():
            return True
        return self.next_instant() == math.inf

    def instant(self) -> None:
        self.plan.forget(self.now)
        self.stretch()
        if self.only_clock:
            self.gather()
        elif self.profile.cycle.each == "instant":
            self.gather()
            self.catch_up()
            self.start_due()
        else:
            self.each_in_turn()

    def stretch(self) -> None:
        for task in self.running:
            if task.overruns(self.now):
                self.plan.change(self.partition_of(task), task.planned_end, self.now + 1, task.size)
                task.planned_end = self.now + 1

    def gather(self) -> None:
        while (task := self.next_end()) is not None:
            self.finish(task)
            self.ended = True
        while (task := self.next_arrival()) is not None:
            self._join(task)
            self.came.append(task)
        if self.only_clock and self.clock_strikes():
            self.catch_up()
            self.start_due()

    def catch_up(self) -> None:
        """The round if there was an end, then the holes of those who came."""
        if self.ended:
            self.round()
        self.ended = False
        for task in self.came:
            self.reserve(task)
        self.came = []

    def each_in_turn(self) -> None:
        while (task := self.next_arrival()) is not None:
            self._join(task)
            self.reserve(task)
        while (task := self.next_end()) is not None:
            self.finish(task)
            self.round()
        while (task := self.next_arrival()) is not None:
            self._join(task)
            self.reserve(task)
        self.start_due()

    def round(self) -> None:
        line = list(self.line())
        for task in line:
            if task.reserved is not None and task.reserved > self.now:
                self.lift(task)
                self.put(task, self.now)
        for task in line:
            if task.reserved is None and task not in self.came:
                self.reserve(task)

    def reserve(self, task: Task) -> None:
        if not self.held(task):
            self.put(task, self.now)

    def put(self, task: Task, after: int) -> None:
        partition = self.partition_of(task)
        task.reserved = self.plan.earliest(partition, after, task.estimate, task.size)
        self.plan.change(partition, task.reserved, task.reserved + task.estimate, task.size)

    def lift(self, task: Task) -> None:
        assert task.reserved is not None
        self.plan.change(self.partition_of(task), task.reserved, task.reserved + task.estimate, -task.size)
        task.reserved = None

    def start_due(self) -> None:
        for task in list(self.line()):
            if task.reserved is None or task.reserved > self.now:
                continue
            self.lift(task)
            if self.held(task):
                continue
            if self.fits(task):
                self.start(task)
            else:
                self.put(task, self.now + 1)

    def _run(self, task: Task, start: int) -> None:
        super()._run(task, start)
        self.plan.change(self.partition_of(task), start, task.planned_end, task.size)

    def finish(self, task: Task) -> None:
        super().finish(task)
        self.plan.change(self.partition_of(task), self.now, task.planned_end, -task.size)

    def take_up(self, came: list[Task], settled: bool) -> None:
        self.plan.forget(self.now)
        promised = [task for task in came if task.job.reserved is not None]
        if settled:
            kept = promised
        else:
            self.line()  # gives dynamic orders their places of now
            promised.sort(key=lambda task: (task.job.reserved, task.place))
            kept = [task for task in promised if task.job.reserved != math.inf and not self.held(task)]
        for task in kept:
            assert task.job.reserved is not None
            begin = task.job.reserved if settled else max(task.job.reserved, self.now)
            partition = self.partition_of(task)
            if settled or self.plan.earliest(partition, int(begin), task.estimate, task.size) == begin:
                task.reserved = begin
                self.plan.change(partition, begin, begin + task.estimate, task.size)
        self.came = [task for task in came if task.reserved is None]

    def begin(self) -> None:
        self.plan.forget(self.now)
        self.stretch()
        self.ended = True
        at_once = self.profile.cycle.each == "event" and not self.only_clock
        self.come(at_once)
        while (task := self.next_end()) is not None:
            self.finish(task)
            self.ended = True
            if at_once:
                self.round()
                self.ended = False
        self.come(at_once)
        self.came.sort(key=lambda task: (task.eligible, task.job.submit, task.row))
        self.catch_up()
        self.start_due()

    def come(self, at_once: bool) -> None:
        """Who arrives now gets a hole at once, or with the others."""
        while (task := self.next_arrival()) is not None:
            self._join(task)
            if at_once:
                self.reserve(task)
            else:
                self.came.append(task)


def makes_promises(profile: Profile, caps: dict[str, int], tasks: list[Task]) -> bool:
    """Whether the shadow time of a job that has become head can only move earlier."""
    return (
        profile.order.rule == "fcfs"
        and profile.cycle.each == "instant"
        and "end" in profile.cycle.on
        and not caps
        and not profile.queues
        and not any(task.run > task.estimate or task.job.dependency for task in tasks)
    )


def holds(kind: str, parent: Task) -> bool:
    """Whether a dependency on an ended job is fulfilled."""
    return kind == "afterany" or (parent.state == "completed") == (kind == "afterok")


def over(most: int | None, wanted: int) -> bool:
    return most is not None and wanted > most
