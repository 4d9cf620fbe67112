"""The promises of a run on a machine with nodes: what `placements.parquet` must keep.

Written from docs/background/node-engine.md and the machine file alone; it knows nothing of the engine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from timonier.describe import Gpus, Machine, Nodes, mig_geometry
from timonier.simulate.check_rules import FOREVER, Evidence, Ints, Table, told

pc: Any = pyarrow.compute

WHOLE = 1000
CLOSE = 1e-9


@dataclass(frozen=True, slots=True)
class OnNodes:
    """What a run on nodes says, beside its evidence; rows of placements as arrays.

    job: the row of each placement in the run table, UNKNOWN: none.  ask: the demand columns of the workload.
    """

    e: Evidence
    machine: Machine
    names: dict[str, int]
    group: list[Nodes]
    job: Ints
    task: Ints
    node: Ints
    gpu: Ints
    share: NDArray[np.float64]
    mig_start: Ints
    cores: Ints
    memory: Ints
    start: Ints
    end: Ints
    ask: dict[str, list[Any]]

    def entry(self, node: int, gpu: int) -> Gpus | None:
        """The entry of the machine file of one GPU."""
        for gpus in self.group[node].gpus:
            if gpu < gpus.count:
                return gpus if gpu >= 0 else None
            gpu -= gpus.count
        return None

    def rows_by_job(self) -> Iterator[tuple[int, Ints]]:
        """Each job with its rows of placements."""
        order = np.argsort(self.job, kind="stable")
        if not len(order):
            return
        begin = np.flatnonzero(np.diff(self.job[order], prepend=-2))
        for first, last in zip(begin, [*begin[1:], len(order)], strict=True):
            yield int(self.job[order[first]]), order[first:last]


ASKED: dict[str, Any] = {
    "tasks": 1,
    "cores": 1.0,
    "memory_bytes": 0,
    "gpus": 0.0,
    "gpu_types": None,
    "gpu_memory_bytes": 0,
    "mig": None,
    "features": None,
    "tasks_per_node": None,
    "within": None,
    "whole_nodes": False,
}


def read_nodes(e: Evidence, machine: Machine, work: Table, placements: Table) -> OnNodes | list[str]:
    """The evidence of placements; sentences where it does not fit the machine or the jobs."""
    group = [group for group in machine.nodes for _ in group.names]
    names = {name: n for n, name in enumerate(name for group in machine.nodes for name in group.names)}
    data = placements.data
    missing = {"job_id", "task", "node", "gpu", "gpu_share", "mig_start", "cores"} - set(data.column_names)
    if missing:
        return [f"placements.parquet has no column {', '.join(sorted(missing))}"]
    job = pc.index_in(data.column("job_id").cast(pa.string()), e.ids.combine_chunks())
    node = pc.index_in(data.column("node").cast(pa.string()), pa.array(list(names)))
    if job.null_count or node.null_count:
        return ["placements.parquet names a job or a node that is not there"]

    def ints(name: str, unknown: int) -> Ints:
        return np.asarray(pc.fill_null(data.column(name).cast(pa.int64()), unknown))

    return OnNodes(
        e=e,
        machine=machine,
        names=names,
        group=group,
        job=np.asarray(job).astype(np.int64),
        task=ints("task", -1),
        node=np.asarray(node).astype(np.int64),
        gpu=ints("gpu", -1),
        share=np.asarray(pc.fill_null(data.column("gpu_share"), 0.0)),
        mig_start=ints("mig_start", -1),
        cores=np.rint(np.asarray(data.column("cores")) * WHOLE).astype(np.int64),
        memory=ints("memory_bytes", 0),
        start=ints("start_s", -1),
        end=ints("end_s", FOREVER),
        ask={
            **{name: _column(work, name, default) for name, default in ASKED.items()},
            **{name: _column(work, name, 0) for name in work.names if name.startswith("res.")},
        },
    )


def _column(work: Table, name: str, default: Any) -> list[Any]:
    if name not in work.names:
        return [default] * work.rows
    return [default if value is None else value for value in work.data.column(name).to_pylist()]


# ---- each job gets what it asks for


def every_job_gets_what_it_asks_for(o: OnNodes) -> list[str]:
    """Tasks, cores, memory, GPUs of the right sort, on nodes that it may use; as long as it runs."""
    wrong: dict[str, list[int]] = defaultdict(list)
    seen = np.zeros(o.e.count, dtype=bool)
    for job, rows in o.rows_by_job():
        seen[job] = True
        for sentence in _faults(o, job, rows):
            wrong[sentence].append(job)
    flags = np.zeros(o.e.count, dtype=bool)
    broken = told(o.e, o.e.started & ~seen, "started, but has no placement")
    broken += told(o.e, seen & ~o.e.started, "has a placement, but never started")
    for sentence, jobs in wrong.items():
        flags[:] = False
        flags[jobs] = True
        broken += told(o.e, flags, sentence)
    return broken


def _faults(o: OnNodes, job: int, rows: Ints) -> Iterator[str]:
    ask = {name: values[job] for name, values in o.ask.items()}
    should_end = o.e.said["end_s"][job] if o.e.ended[job] else FOREVER
    if (o.start[rows] != o.e.said["start_s"][job]).any() or (o.end[rows] != should_end).any():
        yield "is placed at other times than it runs"
    tasks = np.unique(o.task[rows][o.task[rows] >= 0])
    if len(tasks) != ask["tasks"]:
        yield "has not as many tasks placed as it asks for"
    share, count = gpus_of(ask)
    for task in tasks.tolist():
        mine = rows[o.task[rows] == task]
        if len(set(o.node[mine].tolist())) > 1:
            yield "has a task on two nodes"
        if o.cores[mine].sum() != round(ask["cores"] * WHOLE) or o.memory[mine].sum() != ask["memory_bytes"]:
            yield "has a task with other cores or memory than it asks for"
        devices = mine[o.gpu[mine] >= 0]
        if len(devices) != count:
            yield "has a task with another number of GPUs, shares or slices than it asks for"
        places = set(zip(o.gpu[devices].tolist(), o.mig_start[devices].tolist(), strict=True))
        if len(places) != len(devices):
            yield "has one GPU twice in a task"
    nodes = sorted(set(o.node[rows].tolist()))
    if any(not may_use(o, job, ask, n) for n in nodes):
        yield "runs on a node outside its partition or without its features"
    yield from _device_faults(o, ask, rows, share)
    yield from _gang_faults(o, ask, rows)


def gpus_of(ask: dict[str, Any]) -> tuple[int, int]:
    """Thousandths when a task asks for a share, else 0; and how many GPUs, shares or slices."""
    thousandths = round(ask["gpus"] * WHOLE)
    if ask["mig"] is not None:
        return 0, max(1, thousandths // WHOLE)
    if 0 < thousandths < WHOLE:
        return thousandths, 1
    return 0, thousandths // WHOLE


def may_use(o: OnNodes, job: int, ask: dict[str, Any], node: int) -> bool:
    """Do partition and features allow the node?"""
    group = o.group[node]
    words = set(group.features)
    if ask["features"] and not any(
        all(word.strip() in words for word in part.split("&")) for part in ask["features"].split("|")
    ):
        return False
    name = o.e.partition[job].as_py() or o.e.default_partition
    if not o.machine.partitions or name is None:
        return True
    inside = next((part.nodes for part in o.machine.partitions if part.name == name), ())
    return list(o.names)[node] in inside


def _device_faults(o: OnNodes, ask: dict[str, Any], rows: Ints, share: int) -> Iterator[str]:
    steps = [[w.strip().lower() for w in step.split("|")] for step in (ask["gpu_types"] or "").split(">")]
    types = set()
    for row in rows[o.gpu[rows] >= 0].tolist():
        gpus = o.entry(int(o.node[row]), int(o.gpu[row]))
        if gpus is None:
            yield "runs on a GPU that its node does not have"
            return
        if o.task[row] < 0:
            continue
        types.add(gpus.type.lower())
        if ask["gpu_memory_bytes"] and memory_of(gpus) < ask["gpu_memory_bytes"]:
            yield "runs on a GPU with less memory than it asks for"
        yield from _share_faults(o, ask, row, share, gpus)
    if ask["gpu_types"] and not any(types <= set(step) for step in steps):
        yield "runs on GPUs of other types than it asks for"


def _share_faults(o: OnNodes, ask: dict[str, Any], row: int, share: int, gpus: Gpus) -> Iterator[str]:
    got = float(o.share[row])
    if ask["mig"] is not None:
        geometry = mig_geometry(gpus.type)
        profile = None if geometry is None or gpus.sharing != "mig" else geometry.profiles.get(ask["mig"])
        if profile is None or geometry is None or int(o.mig_start[row]) not in profile.starts:
            yield "has a slice where its GPU cannot be cut like this"
        elif abs(got - profile.compute_slices / geometry.compute_slices) > CLOSE:
            yield "has a slice with another gpu_share than its compute slices"
        elif gpus.layout is not None:
            places = geometry.fit(gpus.layout) or ()
            if (ask["mig"], int(o.mig_start[row])) not in set(zip(gpus.layout, places, strict=True)):
                yield "has a slice that is not in the fixed layout of its GPU"
    elif o.mig_start[row] >= 0:
        yield "has a MIG slice that it did not ask for"
    elif share:
        whole = gpus.sharing == "exclusive"
        if gpus.sharing == "mig" or abs(got - (1.0 if whole else share / WHOLE)) > CLOSE:
            yield "has another share of its GPU than it asks for"
    elif abs(got - 1.0) > CLOSE or (gpus.sharing == "mig" and gpus.layout is not None):
        yield "asked for whole GPUs and has something else"


def memory_of(gpus: Gpus) -> int:
    """Bytes, 0 where nobody says."""
    tail = gpus.type.lower().rsplit("-", 1)[-1]
    named = int(tail[:-2]) << 30 if tail.endswith("gb") and tail[:-2].isdigit() else 0
    return gpus.memory_bytes or named


def _gang_faults(o: OnNodes, ask: dict[str, Any], rows: Ints) -> Iterator[str]:
    first = rows[np.unique(o.task[rows], return_index=True)[1]]
    nodes = o.node[first[o.task[first] >= 0]].tolist()
    if ask["tasks_per_node"] is not None and any(
        nodes.count(node) > ask["tasks_per_node"] for node in set(nodes)
    ):
        yield "has more tasks on a node than it allows"
    listed = list(o.names)
    if ask["within"] == "node" and len(set(nodes)) > 1:
        yield "should lie inside one node, and does not"
    if ask["within"] == "rack":
        racks = {o.group[node].rack for node in nodes}
        if len(racks) > 1 or "" in racks:
            yield "should lie inside one rack, and does not"
    if ask["within"] == "switch" and not any(
        {listed[node] for node in nodes} <= set(switch.nodes) for switch in o.machine.switches
    ):
        yield "should lie inside one switch, and does not"


# ---- nobody gets what another has


def nodes_are_not_overfull(o: OnNodes) -> list[str]:
    """At no instant more cores, memory, further resources or licences than there are."""
    cores = np.array([group.core_thousandths for group in o.group])
    memory = np.array([group.memory_bytes for group in o.group])
    broken = _within(o, o.node, o.cores, cores, "thousandths of a core")
    broken += _within(o, o.node, o.memory, memory, "bytes of memory")
    first = _first_rows(o)
    nowhere = np.zeros(len(o.node), dtype=np.int64)
    for name, values in o.ask.items():
        if not name.startswith("res."):
            continue
        amount = np.where(first, np.asarray(values, dtype=np.float64)[o.job].astype(np.int64), 0)
        licence = name.removeprefix("res.licence_")
        if licence in o.machine.licences and licence != name:
            most = np.array([o.machine.licences[licence]])
            broken += _within(o, nowhere, amount, most, f"licences {licence!r}")
        else:
            most = np.array([group.resources.get(name[4:], 0) for group in o.group])
            broken += _within(o, o.node, amount, most, f"of {name[4:]!r}")
    return broken


def _first_rows(o: OnNodes) -> NDArray[np.bool_]:
    """The first row of every task."""
    first = np.zeros(len(o.job), dtype=bool)
    first[np.unique(np.stack([o.job, o.task]), axis=1, return_index=True)[1]] = True
    return first & (o.task >= 0)


def _within(o: OnNodes, where: Ints, amount: Ints, most: Ints, what: str) -> list[str]:
    """Sums over time of what runs, for each place: ends come before starts at one instant."""
    rows = np.flatnonzero(amount)
    if not len(rows):
        return []
    place = np.tile(where[rows], 2)
    time = np.concatenate([o.start[rows], o.end[rows]])
    change = np.concatenate([amount[rows], -amount[rows]])
    order = np.lexsort((change, time, place))
    used = np.cumsum(change[order])  # each place ends at 0, so that one sum does for all
    over = np.flatnonzero(used > most[place[order]])
    if not len(over):
        return []
    at = order[over[0]]
    name = list(o.names)[int(place[at])] if len(most) == len(o.group) else "the machine"
    return [
        f"{name} has {int(used[over[0]])} {what} in use at {int(time[at])} s; it has {int(most[place[at]])}"
    ]


def gpus_are_not_overfull(o: OnNodes) -> list[str]:
    """No GPU gives more than itself, to more jobs than it may, or one memory slice twice."""
    first = np.cumsum([0, *(sum(gpus.count for gpus in group.gpus) for group in o.group)])
    known = np.flatnonzero((o.gpu >= 0) & (o.gpu < np.diff(first)[o.node]))
    device = first[o.node] + np.maximum(o.gpu, 0)
    taken, sharers, most = (np.zeros(len(o.job), dtype=np.int64) for _ in range(3))
    entry = {}
    for row in known.tolist():
        key = int(device[row])
        if key not in entry:
            entry[key] = o.entry(int(o.node[row]), int(o.gpu[row]))
        gpus = entry[key]
        if o.mig_start[row] < 0:
            taken[row] = round(float(o.share[row]) * WHOLE)
            sharers[row] = 1
        most[row] = WHOLE if gpus is None or gpus.max_sharers is None else gpus.max_sharers
    count = int(first[-1])
    limit = np.full(count, WHOLE, dtype=np.int64)
    limit[device[known]] = most[known]
    named = _Named(o, device, count)
    broken = named.within(taken, np.full(count, WHOLE), "thousandths of itself")
    broken += named.within(sharers, limit, "jobs")
    for bit in range(8):
        broken += named.within(
            _slice_bit(o, known, bit), np.ones(count, dtype=np.int64), f"jobs on memory slice {bit}"
        )
    return broken


@dataclass(frozen=True, slots=True)
class _Named:
    """Sums over time for each GPU."""

    o: OnNodes
    device: Ints
    count: int

    def within(self, amount: Ints, most: Ints, what: str) -> list[str]:
        rows = np.flatnonzero(amount)
        place = np.tile(self.device[rows], 2)
        time = np.concatenate([self.o.start[rows], self.o.end[rows]])
        change = np.concatenate([amount[rows], -amount[rows]])
        order = np.lexsort((change, time, place))
        used = np.cumsum(change[order])
        over = np.flatnonzero(used > most[place[order]])
        if not len(over):
            return []
        row = rows[order[over[0]] % len(rows)]
        name = f"GPU {int(self.o.gpu[row])} of {list(self.o.names)[int(self.o.node[row])]}"
        return [f"{name} gives {int(used[over[0]])} {what} at {int(time[order[over[0]]])} s"]


def _slice_bit(o: OnNodes, known: Ints, bit: int) -> Ints:
    """1 for each placement that takes a memory slice; a whole GPU takes all."""
    amount = np.zeros(len(o.job), dtype=np.int64)
    for row in known.tolist():
        gpus = o.entry(int(o.node[row]), int(o.gpu[row]))
        if gpus is None or gpus.sharing != "mig":
            continue
        geometry = mig_geometry(gpus.type)
        profile = None if geometry is None else geometry.profiles.get(o.ask["mig"][int(o.job[row])] or "")
        if o.mig_start[row] < 0:
            amount[row] = 1
        elif profile is not None:
            amount[row] = profile.mask(int(o.mig_start[row])) >> bit & 1
    return amount


def whole_nodes_belong_to_one_job(o: OnNodes) -> list[str]:
    """Where a job asked for whole nodes, nobody else runs meanwhile."""
    whole = np.array(o.ask["whole_nodes"], dtype=bool)
    if not whole.any():
        return []
    wrong = np.zeros(o.e.count, dtype=bool)
    by_node: dict[int, set[tuple[int, int, int]]] = defaultdict(set)
    for row in range(len(o.job)):
        by_node[int(o.node[row])].add((int(o.start[row]), int(o.end[row]), int(o.job[row])))
    for stays in by_node.values():
        latest = (-1, -1)  # the end, and the job, of who stays longest so far
        latest_whole = (-1, -1)
        for start, end, job in sorted(stays):
            if (whole[job] and start < latest[0]) or start < latest_whole[0]:
                wrong[job] = True
            latest = max(latest, (end, job))
            if whole[job]:
                latest_whole = max(latest_whole, (end, job))
    return told(o.e, wrong, "runs on a node together with a job that asked for whole nodes")


NODE_RULES: tuple[Callable[[OnNodes], list[str]], ...] = (
    every_job_gets_what_it_asks_for,
    nodes_are_not_overfull,
    gpus_are_not_overfull,
    whole_nodes_belong_to_one_job,
)
