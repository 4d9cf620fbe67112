"""Energy and cost of a run on a machine with nodes; None, with the reason, where something is not known.

Power of a node = its idle power + (busy - idle) x share of its cores in use; the same for each GPU by the share in use.
Energy is over the makespan, idle nodes included: they are on.
Cost = energy x price of a kWh + what the nodes lose in value in that time (price / lifetime), or what rent they cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from timonier.compare.occupancy import Site, Use
from timonier.describe import Machine
from timonier.describe.watts import watts_of_gpu, watts_of_node

_HOUR_S = 3600.0
_JOULES = 3.6e6  # in a kWh


@dataclass(frozen=True, slots=True)
class Bill:
    """energy_kwh and cost of the run, the part of the energy that idling took; why: what is not known, by metric."""

    energy_kwh: float | None
    idle_kwh: float | None
    cost: float | None
    why: dict[str, str]


def bill_of(machine: Machine, site: Site, use: Use, makespan_s: float) -> Bill:
    """The bill of one run."""
    unknown = unknown_watts(machine)
    if unknown:
        energy = idle = None
        why = {"energy_kwh": f"power not known: {', '.join(unknown)}"}
    else:
        energy, idle = _energy(site, use, makespan_s)
        why = {}
    cost, reason = _cost(machine, energy, makespan_s)
    if cost is None:
        why["cost"] = reason
    return Bill(energy, idle, cost, why)


def unknown_watts(machine: Machine) -> list[str]:
    """Processors and GPUs whose power neither the machine file nor the catalogue says."""
    words = []
    for group in machine.nodes:
        if watts_of_node(group).pair is None:
            words.append(group.cpu or f"nodes {group.names[0]} ...")
        words += [gpus.type for gpus in group.gpus if watts_of_gpu(gpus).pair is None]
    return list(dict.fromkeys(words))


def _energy(site: Site, use: Use, makespan_s: float) -> tuple[float, float]:
    """All of it, and the part of it that idling takes, kWh."""
    of_group = np.array([watts_of_node(group).pair for group in site.groups], dtype=np.float64)
    of_kind = np.array([watts_of_gpu(kind).pair for kind in site.kinds], dtype=np.float64).reshape(-1, 2)
    idle = (of_group[site.group, 0].sum() + of_kind[site.kind_of, 0].sum()) * makespan_s
    extra_node = of_group[site.group, 1] - of_group[site.group, 0]
    busy = use.cores / np.maximum(site.cores[use.node], 1) * use.seconds
    work = float(np.dot(busy, extra_node[use.node]))
    on = use.gpu >= 0
    extra_gpu = of_kind[site.kind_of, 1] - of_kind[site.kind_of, 0]
    work += float(np.dot(use.share[on] / 1000.0 * use.seconds[on], extra_gpu[use.gpu[on]]))
    return (idle + work) / _JOULES, idle / _JOULES


def _cost(machine: Machine, energy_kwh: float | None, makespan_s: float) -> tuple[float | None, str]:
    """In the machine's currency; rented nodes have their energy in the rent only where all are rented."""
    unpriced = [group.names[0] for group in machine.nodes if group.price is None and group.per_hour is None]
    if unpriced:
        return None, f"neither price nor rent known of nodes {', '.join(unpriced)} ..."
    total = 0.0
    for group in machine.nodes:
        hourly = group.per_hour
        if hourly is None:
            hourly = (group.price or 0.0) / machine.prices.lifetime_s * _HOUR_S
        total += len(group.names) * hourly * makespan_s / _HOUR_S
    if all(group.per_hour is not None for group in machine.nodes):
        return total, ""
    if machine.prices.per_kwh is None:
        return None, "the price of a kWh is not known (prices.per_kwh)"
    if energy_kwh is None:
        return None, "the energy is not known"
    return total + energy_kwh * machine.prices.per_kwh, ""
