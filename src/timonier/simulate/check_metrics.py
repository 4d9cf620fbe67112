"""The metrics of summary.json, computed again by formulas of their own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonier.describe import Gpus, Machine, Nodes
from timonier.describe.devices import device
from timonier.simulate.check_evidence import FOREVER, STATES, UNKNOWN, Evidence, Ints
from timonier.simulate.check_placements import OnNodes

CLOSE = 1e-9
HUGE = 1e300  # JSON has whole numbers beyond every float
# metrics that are unknown where they cannot be: of two runs, of jobs that ended, of machines with nodes
OVER_RUNS = ("pool_gain_share", "pool_gain_work_share", "pool_only_jobs")
OF_ENDED = (
    *("wait_work_weighted_s", "wait_below_run_share", "wait_below_run_work_share", "makespan_s"),
    *("jain_bsld_user", "bsld_worst_user", "utilisation", "processor_hours_per_hour", "jobs_per_hour"),
)
RESOURCES = ("cores", "memory", "gpus")
ASKED_AS = {"cores": "cores", "memory": "memory_bytes", "gpus": "gpus"}
ON_NODES = (
    *("energy_kwh", "cost", "idle_energy_kwh", "gpu_fragmentation", "gpu_fragmentation_of_idle"),
    *(f"utilisation_{name}" for name in RESOURCES),
    *(f"allocated_over_asked_{name}" for name in RESOURCES),
    *(f"stranded_{name}" for name in RESOURCES),
    *(f"short_first_{name}" for name in RESOURCES),
)


def metrics_are_right(e: Evidence) -> list[str]:
    """summary.json's metrics, all of them, computed again by formulas of their own.

    What only machines with nodes have is taken from there.
    """
    said = e.summary.get("metrics", {})
    warmup = e.summary.get("warmup", 0.0)
    if not isinstance(said, dict):
        return ["summary.json: 'metrics' is not a table of numbers"]
    if not _is_number(warmup) or not 0.0 <= warmup < 1.0:
        return ["summary.json: 'warmup' is not a share of the jobs, 0 to below 1"]
    found = _metrics(e, float(warmup))
    broken = [f"summary.json has no metric {name}" for name in (*found, *ON_NODES) if name not in said]
    if e.is_counted:
        found |= dict.fromkeys(ON_NODES)
    for name, value in said.items():
        if name not in found and name not in ON_NODES:
            broken.append(f"summary.json has a metric that is not known: {name}")
        if name in found and not _close(value, found[name]):
            broken.append(f"summary.json says {name} = {value}; the run table gives {found[name]}")
    return broken


def _close(said: Any, found: float | None) -> bool:
    if said is None or found is None:
        return said is None and found is None
    if not _is_number(said) or abs(said) > HUGE:
        return False
    return math.isclose(said, found, rel_tol=CLOSE, abs_tol=1e-12)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _metrics(e: Evidence, warmup: float) -> dict[str, float | None]:
    """CONTRACT 6.9, plainly: one formula a line."""
    late = np.ones(e.count, dtype=bool)
    late[np.argsort(e.said["submit_s"], kind="stable")[: int(warmup * e.count)]] = False
    started, ended = late & e.started, late & e.started & e.ended
    wait = e.said["wait_s"][started].astype(float)
    # None where it is not known: one run alone knows nothing of a baseline
    found: dict[str, float | None] = {**dict.fromkeys(OVER_RUNS + OF_ENDED), "jobs_scored": float(len(wait))}
    found |= {f"jobs_{state}": float(np.count_nonzero(e.is_in(state))) for state in STATES}
    found |= _points("wait", wait, "_s") | {"wait_max_s": float(np.max(wait)) if len(wait) else None}
    lost = np.maximum(e.lost, 0).astype(float)
    found["lost_work_s"] = float(np.sum((lost * e.said["size"])[started])) if len(wait) else None
    wait, run = e.said["wait_s"][ended].astype(float), e.said["run_s"][ended].astype(float)
    found |= _points("tts", wait + run, "_s")
    slowdown = np.maximum(1.0, (wait + run) / np.maximum(run, 10.0))
    found |= _points("bsld", slowdown)
    if not len(wait):
        return found
    work = e.said["size"][ended] * run
    makespan = float(e.said["end_s"][ended].max() - e.said["submit_s"][started].min())
    found["makespan_s"] = makespan
    found["wait_work_weighted_s"] = float(np.sum(wait * work) / np.sum(work))
    found["wait_below_run_share"] = float(np.mean(wait < run))
    found["wait_below_run_work_share"] = float(np.sum(work[wait < run]) / np.sum(work))
    means = _means_by_user(e.users[ended], slowdown)
    found["jain_bsld_user"] = (
        float(np.sum(means) ** 2 / (len(means) * np.sum(means**2))) if len(means) else None
    )
    found["bsld_worst_user"] = float(np.max(means)) if len(means) else None
    if makespan > 0:
        found["utilisation"] = float(np.sum(work)) / (e.processors * makespan)
        found["processor_hours_per_hour"] = float(np.sum(work)) / makespan
        found["jobs_per_hour"] = len(wait) / (makespan / 3600.0)
    return found


def _means_by_user(users: Ints, slowdown: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean slowdown of every user that is known."""
    ordered = np.argsort(users, kind="stable")
    ordered = ordered[users[ordered] != UNKNOWN]
    if not len(ordered):
        return np.zeros(0)
    begin = np.flatnonzero(np.diff(users[ordered], prepend=UNKNOWN))
    means: NDArray[np.float64] = np.add.reduceat(slowdown[ordered], begin) / np.diff(
        begin, append=len(ordered)
    )
    return means


def _points(name: str, values: NDArray[np.float64], unit: str = "") -> dict[str, float | None]:
    names = [f"{name}_{point}{unit}" for point in ("mean", "median", "p95", "p99")]
    if not len(values):
        return dict.fromkeys(names)
    ordered = np.sort(values)
    found = [float(np.mean(values))]
    for share in (0.50, 0.95, 0.99):
        place = share * (len(ordered) - 1)
        low, high = math.floor(place), math.ceil(place)
        found.append(float(ordered[low] + (place - low) * (ordered[high] - ordered[low])))
    return dict(zip(names, found, strict=True))


# ---- what only machines with nodes have


def node_metrics_are_right(o: OnNodes) -> list[str]:
    """The share of cores, memory and GPUs that was held, held over asked for, energy and cost, from the placements.

    Fragmentation and what is stranded are averages over sampled instants; they are not computed again here.
    """
    said = o.e.summary.get("metrics", {})
    if not isinstance(said, dict) or not len(o.job):
        return []
    found = _node_metrics(o)
    return [
        f"summary.json says {name} = {said[name]}; the placements give {value}"
        for name, value in found.items()
        if name in said and not _close(said[name], value)
    ]


def _node_metrics(o: OnNodes) -> dict[str, float | None]:
    """One formula a line; docs/background/nodes-in-numbers.md."""
    e, places = o.e, o.places
    ended = o.end[o.end < FOREVER]
    last = max(int(ended.max(initial=0)), int(o.start.max()) + 1)
    span = float(last - e.submit.min())
    end = np.minimum(o.end, last)
    seconds = (end - o.start).astype(float)
    on = o.device >= 0
    share = np.where(on, np.rint(o.share), 0.0)
    alone = (o.asked["whole_nodes"] > 0)[o.job]
    held = _held_alone(o, np.where(alone, seconds, 0.0))
    for name, values in (("cores", o.cores), ("memory", o.memory), ("gpus", share)):
        held[name] += float(np.sum((values * seconds)[~alone]))
    whole = {
        "cores": places.of_nodes([group.core_thousandths for group in places.groups]).sum() * span,
        "memory": places.of_nodes([group.memory_bytes for group in places.groups]).sum() * span,
        "gpus": 1000.0 * len(places.kind) * span,
    }
    run = np.zeros(e.count)
    run[o.job] = seconds
    tasks = o.asked["tasks"] * run
    cut = np.array([text is not None for text in o.texts["mig"]], dtype=bool)
    of_slices = float(np.sum((share * seconds)[cut[o.job]]))
    asked = {
        "cores": float(np.sum(o.asked["cores"] * tasks)),
        "memory": float(np.sum(o.asked["memory_bytes"] * tasks)),
        "gpus": float(np.sum((o.asked["gpus"] * tasks)[~cut])) + of_slices,
    }
    found: dict[str, float | None] = {}
    for name, value in held.items():
        found[f"utilisation_{name}"] = value / whole[name] if whole[name] else None
        found[f"allocated_over_asked_{name}"] = value / asked[name] if asked[name] else None
    wanted = {name: bool(o.asked[column].any()) for name, column in ASKED_AS.items()}
    wanted["gpus"] |= bool(cut.any())
    unasked = [name for name in RESOURCES if not wanted[name] or not whole[name]]
    found |= {f"stranded_{name}": None for name in unasked}
    return found | _bill(o, seconds, share, span)


def _stays_alone(o: OnNodes, seconds: NDArray[np.float64]) -> tuple[Ints, NDArray[np.float64]]:
    """The nodes that a job had whole, once for each job, and how long, s."""
    mine = np.flatnonzero(seconds > 0)
    _, first = np.unique(np.stack([o.job[mine], o.node[mine], o.start[mine]]), axis=1, return_index=True)
    return o.node[mine[first]], seconds[mine[first]]


def _held_alone(o: OnNodes, seconds: NDArray[np.float64]) -> dict[str, float]:
    """All that whole nodes have, times s: core thousandths, bytes, GPU thousandths."""
    node, long = _stays_alone(o, seconds)
    groups = o.places.groups
    have = {
        "cores": [group.core_thousandths for group in groups],
        "memory": [group.memory_bytes for group in groups],
        "gpus": [1000 * sum(gpus.count for gpus in group.gpus) for group in groups],
    }
    return {name: float(np.sum(o.places.of_nodes(values)[node] * long)) for name, values in have.items()}


def _bill(
    o: OnNodes, seconds: NDArray[np.float64], share: NDArray[np.float64], span: float
) -> dict[str, float | None]:
    """Energy, kWh: idle power all the time, the rest by the share in use; and cost, where prices are known."""
    machine = o.places.machine
    node_w = [_node_watts(group) for group in machine.nodes]
    gpu_w = [_gpu_watts(gpus) for gpus in o.places.kinds]
    energy = idle = None
    if None not in node_w and None not in gpu_w:
        node = np.array(node_w, dtype=float)[o.places.group]
        gpu = np.array(gpu_w, dtype=float).reshape(-1, 2)[o.places.kind]
        idle = float((node[:, 0].sum() + gpu[:, 0].sum()) * span / 3.6e6)
        most = o.places.of_nodes([max(group.core_thousandths, 1) for group in machine.nodes])
        alone = (o.asked["whole_nodes"] > 0)[o.job]
        seconds, lone = np.where(alone, 0.0, seconds), np.where(alone, seconds, 0.0)
        work = np.sum(o.cores / most[o.node] * seconds * (node[:, 1] - node[:, 0])[o.node])
        on = o.device >= 0
        more = gpu[:, 1] - gpu[:, 0]
        work += np.sum(share[on] / 1000.0 * seconds[on] * more[o.device[on]])
        where, long = _stays_alone(o, lone)
        of_node = np.bincount(o.places.home, weights=more, minlength=len(o.places.names))
        work += np.sum(((node[:, 1] - node[:, 0]) + of_node)[where] * long)
        energy = idle + float(work) / 3.6e6
    return {"energy_kwh": energy, "idle_energy_kwh": idle, "cost": _cost(machine, energy, span)}


def _node_watts(group: Nodes) -> tuple[float, float] | None:
    """Idle and busy power of a node without its GPUs, W."""
    known = device(group.cpu) if group.cpu else None
    sockets = math.ceil(group.cores / known.cores) if known is not None and known.cores else 0
    catalogue = (None, None) if known is None or not sockets else (known.idle_w, known.busy_w)
    pair = [
        said if said is not None else None if word is None else sockets * word
        for said, word in zip((group.idle_w, group.busy_w), catalogue, strict=True)
    ]
    return None if pair[0] is None or pair[1] is None else (pair[0], pair[1])


def _gpu_watts(gpus: Gpus) -> tuple[float, float] | None:
    """Idle and busy power of a GPU, W."""
    known = device(gpus.type)
    idle = gpus.idle_w if gpus.idle_w is not None or known is None else known.idle_w
    busy = gpus.busy_w if gpus.busy_w is not None or known is None else known.busy_w
    return None if idle is None or busy is None else (idle, busy)


def _cost(machine: Machine, energy: float | None, span: float) -> float | None:
    """Rent, or what is written off in that time and the energy."""
    total, rented = 0.0, True
    for group in machine.nodes:
        if group.per_hour is not None:
            total += len(group.names) * group.per_hour * span / 3600.0
        elif group.price is not None:
            total += len(group.names) * group.price / machine.prices.lifetime_s * span
            rented = False
        else:
            return None
    if rented:
        return total
    if energy is None or machine.prices.per_kwh is None:
        return None
    return total + energy * machine.prices.per_kwh
