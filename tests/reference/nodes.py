"""A slow, plain engine for machines with nodes that says what docs/background/node-engine.md says."""

from __future__ import annotations

import copy
import heapq
import math
import re
from dataclasses import dataclass, field
from typing import Any

from tests.reference.engine import Engine
from tests.reference.jobs import Job, Outcome, Task, Ticks, why_unrunnable
from tests.reference.scores import Total, draw

from timonier.describe import Machine, mig_geometry
from timonier.describe.devices import device
from timonier.policy.profile import Profile

WHOLE = 1000
Placement = list[
    tuple[int, list[tuple[int, int | None]]]
]  # per task: node, its GPUs with the start of a slice


@dataclass
class NodeJob(Job):
    """A job that asks for nodes; cores and gpus in thousandths, of one task."""

    tasks: int = 1
    cores: int = 1000
    memory: int = 0
    gpus: int = 0
    gpu_types: str | None = None
    gpu_memory: int = 0
    mig: str | None = None
    features: str | None = None
    tasks_per_node: int | None = None
    within: str | None = None
    whole_nodes: bool = False
    resources: dict[str, int] = field(default_factory=dict)
    placement: Placement | None = None


@dataclass
class Gpu:
    """One GPU: what it is, and what is free."""

    type: str
    memory: int
    sharing: str
    most: int
    legal: dict[str, list[tuple[int, int]]]  # profile -> (start, width) of each legal place
    whole_is_legal: bool
    free: int = WHOLE
    sharers: int = 0
    cut: set[int] = field(default_factory=set)  # memory slices taken

    def __deepcopy__(self, memo: Any) -> Gpu:
        twin = object.__new__(Gpu)
        twin.__dict__.update(self.__dict__, cut=set(self.cut))
        return twin


@dataclass
class Node:
    """One node."""

    name: str
    number: int
    total: dict[str, int]
    free: dict[str, int]
    gpus: list[Gpu]
    features: set[str]
    partitions: set[str]
    rack: str
    switches: list[str]
    weight: int
    first_gpu: int
    in_file: int = 0
    tasks: int = 0
    sorts: dict[Any, int] = field(default_factory=dict)  # sort of GPU task -> how many
    owner: int | None = None

    def __deepcopy__(self, memo: Any) -> Node:
        twin = object.__new__(Node)
        gpus = [copy.deepcopy(gpu) for gpu in self.gpus]
        twin.__dict__.update(self.__dict__, free=dict(self.free), gpus=gpus, sorts=dict(self.sorts))
        return twin


@dataclass
class Room:
    """What is free of the machine."""

    nodes: list[Node]
    licences: dict[str, int]


def natural(name: str) -> list[Any]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def build(machine: Machine, ties: str) -> Room:
    nodes = []
    for group in machine.nodes:
        for name in group.names:
            total = {"cores": group.core_thousandths, "memory": group.memory_bytes, **group.resources}
            total["counted memory"] = group.memory_bytes  # a task that asks for none may count as some
            nodes.append(
                Node(
                    name,
                    0,
                    total,
                    dict(total),
                    [make_gpu(gpus) for gpus in group.gpus for _ in range(gpus.count)],
                    set(group.features),
                    {part.name for part in machine.partitions if name in part.nodes},
                    group.rack,
                    [switch.name for switch in machine.switches if name in switch.nodes],
                    group.weight,
                    0,
                    len(nodes),
                )
            )
    if ties == "name":
        nodes.sort(key=lambda node: natural(node.name))
    first = 0
    for number, node in enumerate(nodes):
        node.number, node.first_gpu = number, first
        first += len(node.gpus)
    return Room(nodes, dict(machine.licences))


def make_gpu(gpus: Any) -> Gpu:
    name = gpus.type.lower()
    match = re.search(r"-(\d+)gb$", name)
    known = device(name)
    memory = gpus.memory_bytes or (int(match.group(1)) * 2**30 if match else 0)
    memory = memory or (known.memory_bytes if known is not None else 0) or 0
    legal: dict[str, list[tuple[int, int]]] = {}
    sharing = gpus.sharing
    if sharing == "mig":
        geometry = mig_geometry(name)
        assert geometry is not None
        if gpus.layout is None:
            legal = {p: [(s, g.memory_slices) for s in g.starts] for p, g in geometry.profiles.items()}
        else:
            sharing = "fixed"
            places = geometry.fit(gpus.layout)
            assert places is not None
            for profile, start in zip(gpus.layout, places, strict=True):
                legal.setdefault(profile, []).append((start, geometry.profiles[profile].memory_slices))
    most = gpus.max_sharers or WHOLE
    return Gpu(name, memory, sharing, most, legal, sharing != "fixed")


class Demand:
    """What one task asks, with one of the alternatives of its GPU types."""

    def __init__(self, row: int, job: NodeJob, types: list[str], partition: str | None) -> None:
        self.row, self.job, self.types, self.partition = row, job, types, partition
        self.quantities = {
            "cores": job.cores,
            "memory": job.memory,
            **{n: v for n, v in job.resources.items() if not n.startswith("licence_")},
        }
        self.licences = {n[8:]: v for n, v in job.resources.items() if v and n.startswith("licence_")}
        self.share = job.gpus if job.mig is None and 0 < job.gpus < WHOLE else 0
        if job.mig is not None:
            self.count = max(1, job.gpus // WHOLE)
        else:
            self.count = 1 if self.share else job.gpus // WHOLE

    def suits(self, gpu: Gpu) -> bool:
        if self.types and gpu.type not in self.types:
            return False
        return self.job.gpu_memory == 0 or gpu.memory >= self.job.gpu_memory

    def wants(self, text: str | None, node: Node) -> bool:
        """The features of the job, on this node."""
        if text is None:
            return True
        return any(all(word.strip() in node.features for word in part.split("&")) for part in text.split("|"))


@dataclass
class Place:
    """One way to serve one GPU, share or slice from one GPU."""

    gpu: int
    start: int | None
    taken: int  # thousandths
    bits: set[int]
    kind: int
    left: int
    options: int


def places(demand: Demand, node: Node) -> list[Place]:
    """Every way to take the next GPU, share or slice from this node."""
    found = []
    for number, gpu in enumerate(node.gpus):
        if not demand.suits(gpu):
            continue
        if demand.job.mig is not None:
            if gpu.free < WHOLE:
                continue
            for start, width in gpu.legal.get(demand.job.mig, []):
                bits = set(range(start, start + width))
                if not bits & gpu.cut:
                    kind = 0 if gpu.sharing == "fixed" else 1
                    after = gpu.cut | bits
                    options = sum(
                        not set(range(s, s + w)) & after for legal in gpu.legal.values() for s, w in legal
                    )
                    found.append(Place(number, start, 0, bits, kind, 8 - len(gpu.cut), options))
        elif demand.share:
            if gpu.sharing in ("time-slice", "fraction"):
                if gpu.free >= demand.share and gpu.sharers < gpu.most:
                    left = gpu.free - demand.share
                    found.append(Place(number, None, demand.share, set(), 0, left, 0))
            elif gpu.sharing == "exclusive" and gpu.free == WHOLE:
                found.append(Place(number, None, WHOLE, set(), 1, WHOLE - demand.share, 0))
        elif gpu.free == WHOLE and not gpu.cut and gpu.whole_is_legal:
            kind = {"exclusive": 0, "time-slice": 1, "fraction": 1, "mig": 2}[gpu.sharing]
            found.append(Place(number, None, WHOLE, set(), kind, 0, 0))
    return found


def loses(place: Place, node: Node, now: Node) -> bool:
    """Does it take something that is free now?"""
    then, here = node.gpus[place.gpu], now.gpus[place.gpu]
    if place.start is not None:
        return here.free == WHOLE and bool(place.bits - here.cut)
    return then.free - place.taken < here.free


class Machinery:
    """Placing jobs on rooms."""

    def __init__(self, profile: Profile, machine: Machine, total: Total, seed: int) -> None:
        self.profile, self.total, self.seed = profile, total, seed
        self.racks = list(dict.fromkeys(group.rack for group in machine.nodes if group.rack))
        self.switches = [switch.name for switch in machine.switches]
        self.decisions = 0
        self.begin = 0

    # ---- one task on one node

    def feasible(self, room: Room, demand: Demand, node: Node) -> bool:
        job = demand.job
        if demand.partition is not None and demand.partition not in node.partitions:
            return False
        if not demand.wants(job.features, node):
            return False
        if node.owner is not None and node.owner != demand.row:
            return False
        if job.whole_nodes and node.tasks and node.owner != demand.row:
            return False
        if any(node.free.get(name, 0) < want for name, want in demand.quantities.items() if want):
            return False
        if any(room.licences.get(name, 0) < want for name, want in demand.licences.items()):
            return False
        trial = copy.deepcopy(node)
        for _ in range(demand.count):
            ways = places(demand, trial)
            if not ways:
                return False
            self.take_gpu(demand, trial, min(ways, key=lambda way: (way.gpu, way.start or 0)))
        return True

    def take_gpu(self, demand: Demand, node: Node, place: Place) -> None:
        gpu = node.gpus[place.gpu]
        if place.start is not None:
            gpu.cut |= place.bits
            return
        gpu.free -= place.taken
        if demand.share and gpu.sharing in ("time-slice", "fraction"):
            gpu.sharers += 1

    def put(self, room: Room, demand: Demand, node: Node, now: Room | None) -> list[tuple[int, int | None]]:
        """Take one task's part of a node; returns its GPUs."""
        chosen = []
        for _ in range(demand.count):
            ways = places(demand, node)
            best = min(ways, key=lambda way: self.device_key(room, demand, node, way, now))
            self.take_gpu(demand, node, best)
            chosen.append((best.gpu, best.start))
        for name, want in demand.quantities.items():
            if want:
                node.free[name] -= want
        for name, want in demand.licences.items():
            room.licences[name] -= want
        self.total.count(demand, node, 1)
        if demand.job.whole_nodes:
            node.owner = demand.row
        return chosen

    def device_key(
        self, room: Room, demand: Demand, node: Node, way: Place, now: Room | None
    ) -> tuple[Any, ...]:
        rule = self.profile.place.device.rule
        by_rule: float = 0
        if rule == "random":
            number = sum(len(n.gpus) for n in room.nodes[: node.number]) + way.gpu
            by_rule = draw(self.seed, self.decisions, len(room.nodes) + number) >> 23
        elif demand.share or demand.job.mig is not None:
            if rule == "best-fit":
                by_rule = way.left
            elif rule == "least-allocated":
                by_rule = WHOLE - way.left
            elif rule == "fragmentation-gradient":
                by_rule = self.total.device(demand, node, way)
        loss = now is not None and loses(way, node, now.nodes[node.number])
        return (loss, way.kind, by_rule, -way.options, way.gpu, way.start or 0)

    # ---- one job

    def place(self, room: Room, demands: list[Demand], now: Room | None = None) -> Placement | None:
        """Put all tasks into the room, or none; the first alternative that fits."""
        for demand in demands:
            if self.fits_with(room, demand):
                return self.place_with(room, demand, now)
        return None

    def fits_with(self, room: Room, demand: Demand) -> bool:
        within = demand.job.within
        if within is None:
            return self.all_fit(room, demand, room.nodes)
        if within == "node":
            return any(self.all_fit(room, demand, [node]) for node in room.nodes)
        return bool(self.open_domains(room, demand))

    def all_fit(self, room: Room, demand: Demand, nodes: list[Node]) -> bool:
        """All tasks together on these nodes, by whatever names."""
        job = demand.job
        left = job.tasks
        licences = dict(room.licences)
        for name, want in demand.licences.items():
            if licences.get(name, 0) < want * job.tasks:
                return False
        for node in nodes:
            trial = copy.deepcopy(node)
            here = 0
            while left and here < (job.tasks_per_node or math.inf) and self.feasible(room, demand, trial):
                self.put_anyhow(demand, trial)
                left -= 1
                here += 1
            if not left:
                return True
        return False

    def put_anyhow(self, demand: Demand, node: Node) -> None:
        for _ in range(demand.count):
            self.take_gpu(demand, node, min(places(demand, node), key=lambda way: (way.gpu, way.start or 0)))
        for name, want in demand.quantities.items():
            if want:
                node.free[name] -= want
        node.tasks += 1
        if demand.job.whole_nodes:
            node.owner = demand.row

    def domains_of(self, node: Node, within: str) -> list[str]:
        return node.switches if within == "switch" else [node.rack] if node.rack else []

    def open_domains(self, room: Room, demand: Demand) -> list[str]:
        within = demand.job.within
        assert within is not None
        names = self.switches if within == "switch" else self.racks
        return [
            name
            for name in names
            if self.all_fit(room, demand, [n for n in room.nodes if name in self.domains_of(n, within)])
        ]

    def place_with(self, room: Room, demand: Demand, now: Room | None) -> Placement:
        job = demand.job
        within = job.within
        placement: Placement = []
        on_node: dict[int, int] = {}
        domain: str | None = None
        opened = self.open_domains(room, demand) if within in ("switch", "rack") else []
        for number in range(job.tasks):

            def is_feasible(node: Node, number: int = number) -> bool:
                if on_node.get(node.number, 0) >= (job.tasks_per_node or math.inf):
                    return False
                if within == "node":
                    return self.all_fit(room, demand, [node])
                if within is not None and number == 0:
                    if not set(self.domains_of(node, within)) & set(opened):
                        return False
                return self.feasible(room, demand, node)

            if within == "node" and placement:
                node = room.nodes[placement[0][0]]
            else:
                listed = room.nodes
                if domain is not None:
                    assert within is not None
                    listed = [n for n in room.nodes if domain in self.domains_of(n, within)]
                node = self.choose(
                    room, demand, listed, is_feasible, now, [room.nodes[n] for n, _ in placement]
                )
            if within in ("switch", "rack") and number == 0:
                domain = next(name for name in self.domains_of(node, within) if name in opened)
            placement.append((node.number, self.put(room, demand, node, now)))
            on_node[node.number] = on_node.get(node.number, 0) + 1
        return placement

    def choose(
        self,
        room: Room,
        demand: Demand,
        listed: list[Node],
        is_feasible: Any,
        now: Room | None,
        before: list[Node],
    ) -> Node:
        """The best of the nodes that are looked at."""
        sampled = self.profile.place.sample == "kube" and len(listed) == len(room.nodes)
        count = len(listed)
        begin = self.begin if sampled else 0
        most = sample_size(count) if sampled else count
        found: list[Node] = []
        seen = 0
        for step in range(count):
            node = listed[(begin + step) % count]
            if not is_feasible(node):
                seen += 1
            elif len(found) == most:
                break
            else:
                found.append(node)
        if sampled:
            self.begin = (begin + len(found) + seen) % count
        spare = [now is not None and self.is_spare(demand, node, now.nodes[node.number]) for node in found]
        totals = self.total.of(demand, found, before, self.seed, self.decisions)
        top = max(zip(spare, totals, strict=True))
        best = [i for i in range(len(found)) if (spare[i], totals[i]) == top]
        ties = self.profile.place.ties
        if ties == "uniform":
            winner = max(best, key=lambda i: draw(self.seed, self.decisions, found[i].number))
        elif ties == "preorder":
            winner = next(i for i in preorder(0, len(found)) if i in best)
        else:
            winner = min(best, key=lambda i: found[i].number)
        self.decisions += 1
        return found[winner]

    def is_spare(self, demand: Demand, node: Node, now: Node) -> bool:
        """Would the task take nothing of this node that is free now?"""
        if demand.job.whole_nodes and now.tasks == 0:
            return False
        for name, want in demand.quantities.items():
            if want and node.free[name] - want < now.free[name]:
                return False
        trial = copy.deepcopy(node)
        for _ in range(demand.count):
            ways = [way for way in places(demand, trial) if not loses(way, trial, now)]
            if not ways:
                return False
            self.take_gpu(demand, trial, min(ways, key=lambda way: (way.gpu, way.start or 0)))
        return True


def move(total: Total, room: Room, demand: Demand, placement: Placement, sign: int) -> None:
    """Take (1) or give back (-1) what a placement holds."""
    for number, gpus in placement:
        node = room.nodes[number]
        for name, want in demand.quantities.items():
            if want:
                node.free[name] -= sign * want
        for name, want in demand.licences.items():
            room.licences[name] -= sign * want
        total.count(demand, node, sign)
        if demand.job.whole_nodes:
            node.owner = demand.row if node.tasks else None
        for at, start in gpus:
            gpu = node.gpus[at]
            if start is not None:
                width = next(w for s, w in gpu.legal[demand.job.mig or ""] if s == start)
                bits = set(range(start, start + width))
                gpu.cut = gpu.cut | bits if sign > 0 else gpu.cut - bits
            elif demand.share and gpu.sharing in ("time-slice", "fraction"):
                gpu.free -= sign * demand.share
                gpu.sharers += sign
            else:
                gpu.free -= sign * WHOLE


def meet(a: Room, b: Room) -> Room:
    """What is free in both."""
    both = copy.deepcopy(a)
    for node, other in zip(both.nodes, b.nodes, strict=True):
        node.free = {name: min(free, other.free[name]) for name, free in node.free.items()}
        node.tasks = max(node.tasks, other.tasks)
        node.sorts = {
            s: max(node.sorts.get(s, 0), other.sorts.get(s, 0)) for s in {*node.sorts, *other.sorts}
        }
        node.owner = other.owner if node.owner is None else node.owner
        for gpu, twin in zip(node.gpus, other.gpus, strict=True):
            gpu.free = min(gpu.free, twin.free)
            gpu.sharers = max(gpu.sharers, twin.sharers)
            gpu.cut = gpu.cut | twin.cut
    both.licences = {name: min(free, b.licences[name]) for name, free in a.licences.items()}
    return both


def sample_size(nodes: int) -> int:
    if nodes < 100:
        return nodes
    return max(100, nodes * max(5, 50 - nodes // 125) // 100)


def preorder(i: int, count: int) -> list[int]:
    return [] if i >= count else [i, *preorder(2 * i + 1, count), *preorder(2 * i + 2, count)]


class NodeEngine(Engine):
    """The engine on named nodes: without backfill and with EASY."""

    def __init__(
        self, jobs: list[NodeJob], machine: Machine, profile: Profile, seed: int = 0, *, strict: bool = False
    ) -> None:
        self.machine = machine
        self.room = build(machine, profile.place.ties)
        self.empty = copy.deepcopy(self.room)
        self.machinery = Machinery(profile, machine, Total(profile, self.room, jobs), seed)
        self.placement: dict[int, Placement] = {}
        self.default = next((part.name for part in machine.partitions if part.default), None)
        super().__init__(jobs, profile, 1 << 60, {}, None, strict)  # type: ignore[arg-type]
        self.keeps_promises = self.keeps_promises and profile.cycle.blocked == "queue"

    # ---- what a job is under

    def named_partition(self, task: Task) -> str | None:
        return (task.job.partition or self.default) if self.machine.partitions else None

    def demands(self, task: Task) -> list[Demand]:
        job = task.job
        assert isinstance(job, NodeJob)
        steps = job.gpu_types.split(">") if job.gpu_types else [""]
        partition = self.named_partition(task)
        return [
            Demand(task.row, job, [w.strip().lower() for w in step.split("|") if w.strip()], partition)
            for step in steps
        ]

    def reason_against(self, task: Task) -> str:
        reason = why_unrunnable(task, self.processors, {}, None, self.queue_of(task).limits)
        if reason:
            return reason
        for part in self.machine.partitions:
            if part.name == self.named_partition(task) and part.max_time_s is not None:
                if task.limit > part.max_time_s:
                    return "longer than its partition allows"
        if self.should_ask_for_a_gpu(self.demands(task)):
            return "a share where no GPU is shared"
        if self.machinery.place(copy.deepcopy(self.empty), self.demands(task)) is None:
            return "no room on the empty machine"
        return ""

    def should_ask_for_a_gpu(self, demands: list[Demand]) -> bool:
        """A share whose types are shared nowhere on the nodes that it may use, whatever the alternative."""
        types = {word for demand in demands for word in demand.types}
        one = demands[0]
        allowed = [
            node
            for node in self.empty.nodes
            if one.wants(one.job.features, node) and one.partition in (None, *node.partitions)
        ]
        return one.share > 0 and not any(
            gpu.sharing in ("time-slice", "fraction") and (not types or gpu.type in types)
            for node in allowed
            for gpu in node.gpus
        )

    def _introduce(self) -> None:
        super()._introduce()
        self.machinery.decisions = self.machinery.begin = 0  # asking who could ever run is no decision

    def fits(self, task: Task) -> bool:
        return any(self.machinery.fits_with(self.room, demand) for demand in self.demands(task))

    def _hold(self, task: Task, sign: int) -> None:
        super()._hold(task, sign)
        if sign > 0 and task.row not in self.placement:
            found = self.machinery.place(self.room, self.demands(task))
            assert found is not None
            self.placement[task.row] = found
        elif sign > 0:  # placed already: by a state, or beside the head
            move(self.machinery.total, self.room, self.demands(task)[0], self.placement[task.row], 1)
        else:
            move(self.machinery.total, self.room, self.demands(task)[0], self.placement[task.row], -1)
        if self.strict:
            self.check_room()

    def check_room(self) -> None:
        for node in self.room.nodes:
            assert all(
                0 <= free <= node.total[name] for name, free in node.free.items() if name != "counted memory"
            )
            for gpu in node.gpus:
                assert 0 <= gpu.free <= WHOLE
                assert gpu.sharers <= gpu.most
                assert gpu.free == WHOLE or not gpu.cut
        assert all(free >= 0 for free in self.room.licences.values())

    # ---- a pass

    def backfill(self, head: Task) -> None:
        shadow, later = self.shadow_room(head)
        if self.keeps_promises:
            assert shadow <= self.promised.get(head.row, math.inf)
            self.promised[head.row] = shadow
        candidates = [task for task in self.waiting if task is not head]
        if self.profile.backfill.order == "shortest":
            candidates.sort(key=lambda task: (task.estimate, task.eligible, task.job.submit, task.row))
        named: Room | None = None  # the room at the shadow time with the head in it
        for task in candidates:
            if self.held(task) or not self.fits(task):
                continue
            if shadow == math.inf or self.now + task.estimate <= shadow:
                self.start(task)
                named = None
                continue
            if named is None:
                named = self.name(head, later)
            found = self.machinery.place(meet(self.room, named), self.demands(task))
            if found is not None:
                self.placement[task.row] = found
                move(self.machinery.total, named, self.demands(task)[0], found, 1)
                move(self.machinery.total, later, self.demands(task)[0], found, 1)
                self.start(task)

    def shadow_room(self, head: Task) -> tuple[Ticks, Room]:
        """When the head fits by expected ends, and the room at that time."""
        later = copy.deepcopy(self.room)
        ends = sorted({task.expected_end(self.now) for task in self.running})
        for end in ends:
            if end == math.inf:
                break
            for task in self.running:
                if task.expected_end(self.now) == end:
                    move(self.machinery.total, later, self.demands(task)[0], self.placement[task.row], -1)
            if any(self.machinery.fits_with(later, demand) for demand in self.demands(head)):
                return end, later
        return math.inf, later

    def name(self, head: Task, later: Room) -> Room:
        named = copy.deepcopy(later)
        kept = self.machinery.decisions, self.machinery.begin
        assert self.machinery.place(named, self.demands(head), self.room) is not None
        self.machinery.decisions, self.machinery.begin = kept
        return named

    def places(self, task: Task) -> list[tuple[str, list[tuple[int, int | None]]]] | None:
        """Where a job ran, by the names of the nodes."""
        if task.start is None:
            return None
        return [(self.room.nodes[number].name, gpus) for number, gpus in self.placement[task.row]]


def simulate(
    jobs: list[NodeJob],
    machine: Machine,
    profile: Profile,
    *,
    seed: int = 0,
    until: int | None = None,
    strict: bool = False,
) -> tuple[list[Outcome], list[Any]]:
    """What becomes of each job, and where its tasks ran."""
    from tests.reference.named_plan import NamedConservative, NamedCycling

    kinds = {"conservative": NamedConservative, "reservations": NamedCycling}
    kind = kinds.get(profile.backfill.rule, NodeEngine)
    engine = kind(jobs, machine, profile, seed, strict=strict)
    engine.go(math.inf if until is None else until)
    heapq.heapify(engine.arrivals)
    return [engine.outcome(task) for task in engine.tasks], [engine.places(task) for task in engine.tasks]
