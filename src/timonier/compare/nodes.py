"""How a run used the nodes of its machine: the metrics, and the tables and the picture of the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from timonier.compare.energy import Bill, bill_of
from timonier.compare.fragments import RESOURCES, Fragments, Typical, fragments, merged_share, typical_shapes
from timonier.compare.fullness import fullness
from timonier.compare.metrics import Scores
from timonier.compare.occupancy import Floats, Site, Use, free_at, site_of, use_of
from timonier.describe import Machine
from timonier.simulate import Run
from timonier.simulate.capacity import Room
from timonier.simulate.unpack import placements_table
from timonier.workload import Jobs
from timonier.workload.arrow import pc

SAMPLES = 60  # instants at which fragmentation is looked at
ROWS, COLUMNS = 96, 160  # most cells of the picture of the machine


@dataclass(frozen=True, slots=True)
class NodeRun:
    """What is looked at: a run on nodes, as arrays.

    first, last: of the stretch from the first submission to the last end, s.
    found: fragmentation at the middles of SAMPLES equal parts of it.
    """

    machine: Machine
    jobs: Jobs
    table: pa.Table
    site: Site
    use: Use
    first: float
    last: float
    typical: Typical
    found: list[Fragments]

    @property
    def span_s(self) -> float:
        """The makespan, s."""
        return self.last - self.first


def node_run(machine: Machine, jobs: Jobs, table: pa.Table, placements: pa.Table) -> NodeRun | None:
    """The run with its fragmentation; None on a counted machine or where nothing ran."""
    if machine.is_counted or placements.num_rows == 0:
        return None
    site = site_of(machine)
    first = float(pc.min(table.column("submit_s")).as_py())
    ends = pc.max(placements.column("end_s")).as_py()
    last = float(max(ends or 0, pc.max(placements.column("start_s")).as_py() + 1))
    use = use_of(placements, jobs.table, site, int(last))
    typical = typical_shapes(jobs, Room(machine), site)
    middles = first + (np.arange(SAMPLES) + 0.5) * (last - first) / SAMPLES
    found = [fragments(free_at(use, site, at), site, typical) for at in middles.tolist()]
    return NodeRun(machine, jobs, table, site, use, first, last, typical, found)


def node_run_of(run: Run) -> NodeRun | None:
    """The same from a run in memory."""
    return node_run(run.machine, run.jobs, run.table, placements_table(run.table, run.packed))


def score_nodes(run: NodeRun) -> Scores:
    """The metrics of metrics.csv that only a machine with nodes has; None where not known."""
    bill = bill_of(run.machine, run.site, run.use, run.span_s)
    used, asked, capacity = _used(run), _asked(run), _capacity(run)
    scores: Scores = {"energy_kwh": bill.energy_kwh, "idle_energy_kwh": bill.idle_kwh, "cost": bill.cost}
    stranded = np.mean([one.stranded for one in run.found], axis=0)
    known = (capacity > 0) & ~np.isnan(stranded)
    short = merged_share(run.found)
    for at, name in enumerate(RESOURCES):
        whole = capacity[at] * run.span_s
        scores[f"utilisation_{name}"] = float(used[at] / whole) if whole else None
        scores[f"allocated_over_asked_{name}"] = float(used[at] / asked[at]) if asked[at] > 0 else None
        scores[f"stranded_{name}"] = float(stranded[at] / capacity[at]) if known[at] else None
        scores[f"short_first_{name}"] = float(short[at]) if short.sum() else None
    lost = float(np.mean([one.lost.sum() for one in run.found]))
    idle = float(np.mean([one.idle.sum() for one in run.found]))
    scores["gpu_fragmentation"] = lost / (1000.0 * run.site.gpu_count) if run.site.gpu_count else None
    scores["gpu_fragmentation_of_idle"] = lost / idle if idle > 0 else None
    return scores


def portrait_of(run: NodeRun) -> dict[str, Any]:
    """What the report shows of one run: by resource, by GPU type, by user, the bill, the machine over time, when full."""
    return {
        "resources": _by_resource(run),
        "types": _by_type(run),
        "users": _by_user(run),
        "bill": _bill(bill_of(run.machine, run.site, run.use, run.span_s), run.machine),
        "map": machine_map(run),
        "over_time": _over_time(run),
        **fullness(run.use, run.site, run.first, run.last),
    }


def _capacity(run: NodeRun) -> Floats:
    """Core thousandths, bytes and GPU thousandths of the machine."""
    return np.array(
        [run.site.cores.sum(), run.site.memory.sum(), 1000 * run.site.gpu_count], dtype=np.float64
    )


def _used(run: NodeRun) -> Floats:
    """What was held, times s: core thousandths, bytes, GPU thousandths."""
    seconds = run.use.seconds.astype(np.float64)
    return np.array(
        [
            np.dot(column.astype(np.float64), seconds)
            for column in (run.use.cores, run.use.memory, run.use.share)
        ]
    )


def _asked(run: NodeRun) -> Floats:
    """What the jobs that started asked for, times the time that they held it.  A slice asks for its compute slices."""
    held = np.zeros(len(run.jobs), dtype=np.float64)
    starts = pc.fill_null(run.table.column("start_s"), -1).to_numpy()
    ends = pc.fill_null(run.table.column("end_s"), int(run.last)).to_numpy()
    held[starts >= 0] = (ends - starts)[starts >= 0]
    tasks = run.jobs.numbers("tasks", 1) * held
    gpus = np.rint(run.jobs.numbers("gpus", 0.0) * 1000)
    mig = np.asarray(pc.is_valid(run.jobs.texts("mig")))
    of_slices = np.bincount(
        run.use.job, weights=run.use.share * run.use.seconds * ~run.use.rest, minlength=len(run.jobs)
    )
    return np.array(
        [
            np.dot(np.rint(run.jobs.numbers("cores", 1.0) * 1000), tasks),
            np.dot(run.jobs.numbers("memory_bytes", 0).astype(np.float64), tasks),
            np.dot(gpus[~mig], tasks[~mig]) + of_slices[mig].sum(),
        ]
    )


def _by_resource(run: NodeRun) -> list[dict[str, Any]]:
    scores = score_nodes(run)
    return [
        {
            "resource": name,
            **{
                word: scores[f"{word}_{name}"]
                for word in ("utilisation", "allocated_over_asked", "stranded", "short_first")
            },
        }
        for name in RESOURCES
    ]


def _by_type(run: NodeRun) -> list[dict[str, Any]]:
    """One row a GPU type: how many, in use, idle and unusable."""
    types = list(dict.fromkeys(kind.type for kind in run.site.kinds))
    on = run.use.gpu >= 0
    kind = run.site.kind_of[run.use.gpu[on]]
    held = np.bincount(kind, weights=run.use.share[on] * run.use.seconds[on], minlength=len(run.site.kinds))
    lost = np.mean([one.lost for one in run.found], axis=0)
    idle = np.mean([one.idle for one in run.found], axis=0)
    rows = []
    for type_ in types:
        mine = np.array([one.type == type_ for one in run.site.kinds])
        count = int(np.isin(run.site.kind_of, np.flatnonzero(mine)).sum())
        rows.append(
            {
                "type": type_,
                "gpus": count,
                "utilisation": float(held[mine].sum() / (1000.0 * count * run.span_s)),
                "gpu_hours": float(held[mine].sum() / 3.6e6),
                "fragmentation": float(lost[mine].sum() / (1000.0 * count)),
                "of_idle": float(lost[mine].sum() / idle[mine].sum()) if idle[mine].sum() else None,
            }
        )
    return rows


def _by_user(run: NodeRun, most: int = 12) -> list[dict[str, Any]]:
    """The users with most GPU hours (then core hours), the others together; empty where none is named."""
    users = run.jobs.texts("user")
    if users.null_count == len(users):
        return []
    texts = pc.fill_null(users, "(no user)").combine_chunks().dictionary_encode()
    code = np.asarray(texts.indices, dtype=np.int64)
    of_row = code[run.use.job]
    names = texts.dictionary.to_pylist()
    gpu = np.bincount(of_row, weights=run.use.share * run.use.seconds, minlength=len(names)) / 3.6e6
    core = np.bincount(of_row, weights=run.use.cores * run.use.seconds, minlength=len(names)) / 3.6e6
    jobs = np.bincount(code, minlength=len(names))
    wait = np.asarray(pc.cast(run.table.column("wait_s"), pa.float64()).to_numpy(zero_copy_only=False))
    started = ~np.isnan(wait)
    waits = np.bincount(code[started], weights=wait[started], minlength=len(names))
    count = np.bincount(code[started], minlength=len(names))
    order = sorted(range(len(names)), key=lambda at: (-gpu[at], -core[at], names[at]))

    def row(name: str, which: list[int]) -> dict[str, Any]:
        began = int(count[which].sum())
        return {
            "user": name,
            "jobs": int(jobs[which].sum()),
            "gpu_hours": float(gpu[which].sum()),
            "core_hours": float(core[which].sum()),
            "wait_mean_s": float(waits[which].sum() / began) if began else None,
        }

    rows = [row(names[at], [at]) for at in order[:most]]
    return rows + ([row(f"{len(order) - most} others", order[most:])] if len(order) > most else [])


def _bill(bill: Bill, machine: Machine) -> dict[str, Any]:
    return {
        "energy_kwh": bill.energy_kwh,
        "idle_kwh": bill.idle_kwh,
        "cost": bill.cost,
        "currency": machine.prices.currency,
        "why": bill.why,
    }


def machine_map(run: NodeRun) -> dict[str, Any]:
    """Nodes (rows, neighbours of one group together where there are many) over time: mean share in use.

    Of the GPUs of a node; of the cores where it has none.
    """
    site, use = run.site, run.use
    row_of, labels = _map_rows(site)
    edges = np.linspace(run.first, run.last, COLUMNS + 1)
    has_gpus = np.diff(site.first) > 0
    weight = np.where(has_gpus[use.node], use.share, use.cores).astype(np.float64)
    weight[has_gpus[use.node] & (use.gpu < 0)] = 0
    size = np.where(has_gpus, 1000.0 * np.diff(site.first), site.cores)
    capacity = np.bincount(row_of, weights=size, minlength=len(labels))
    area = np.zeros((len(labels), COLUMNS))
    row = row_of[use.node]
    for column in range(COLUMNS):
        inside = np.minimum(use.end, edges[column + 1]) - np.maximum(use.start, edges[column])
        touched = np.flatnonzero(inside > 0)
        area[:, column] = np.bincount(
            row[touched], weights=weight[touched] * inside[touched], minlength=len(labels)
        )
    width = (run.last - run.first) / COLUMNS
    share = area / np.maximum(capacity[:, None] * width, 1e-9)
    return {"rows": labels, "t_s": edges[:-1].tolist(), "used": share.round(3).tolist()}


def _map_rows(site: Site) -> tuple[Any, list[str]]:
    """The row of each node, and what each row shows; at most about ROWS of them."""
    count = len(site.names)
    together = max(1, -(-count // ROWS))
    row_of = np.zeros(count, dtype=np.int64)
    labels: list[str] = []
    for group in range(len(site.groups)):
        nodes = np.flatnonzero(site.group == group)
        for begin in range(0, len(nodes), together):
            part = nodes[begin : begin + together]
            row_of[part] = len(labels)
            one, last = site.names[part[0]], site.names[part[-1]]
            kinds = " + ".join(f"{g.count} {g.type}" for g in site.groups[group].gpus) or "no GPU"
            labels.append(f"{one if one == last else f'{one} to {last}'}: {kinds}")
    return row_of, labels


def _over_time(run: NodeRun) -> dict[str, Any]:
    """Shares of all GPUs at each sample: in use, idle but usable by nobody typical, idle and usable."""
    whole = 1000.0 * max(run.site.gpu_count, 1)
    step = run.span_s / SAMPLES
    idle = np.array([one.idle.sum() for one in run.found]) / whole
    lost = np.array([one.lost.sum() for one in run.found]) / whole
    return {
        "t_s": (run.first + (np.arange(SAMPLES) + 0.5) * step).tolist(),
        "used": (1 - idle).round(4).tolist() if run.site.gpu_count else [],
        "lost": lost.round(4).tolist() if run.site.gpu_count else [],
    }
