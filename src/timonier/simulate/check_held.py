"""Nobody gets what another has: sums over time of what the placements hold, for each node, GPU and licence."""

from __future__ import annotations

import numpy as np

from timonier.simulate.check_evidence import Flags, Ints, told
from timonier.simulate.check_placements import WHOLE, OnNodes


def nodes_are_not_overfull(o: OnNodes) -> list[str]:
    """At no instant more cores, memory, further resources or licences than there are."""
    groups, names = o.places.groups, o.places.names
    cores = o.places.of_nodes([group.core_thousandths for group in groups])
    memory = o.places.of_nodes([group.memory_bytes for group in groups])
    broken = _at_most(o, o.node, o.cores, cores, names, "thousandths of a core")
    broken += _at_most(o, o.node, o.memory, memory, names, "bytes of memory")
    for column, values in o.asked.items():
        if not column.startswith("res."):
            continue
        name = column.removeprefix("res.")
        amount = np.where(o.first, values[o.job], 0)
        licence = name.removeprefix("licence_")
        if licence != name:
            most = np.array([o.places.machine.licences.get(licence, 0)])
            nowhere = np.zeros(len(o.node), dtype=np.int64)
            broken += _at_most(o, nowhere, amount, most, ("the machine",), f"licences {licence!r}")
        else:
            most = o.places.of_nodes([group.resources.get(name, 0) for group in groups])
            broken += _at_most(o, o.node, amount, most, names, f"of {name!r}")
    return broken


def gpus_are_not_overfull(o: OnNodes) -> list[str]:
    """No GPU gives more than itself, to more jobs than it may, or one memory slice twice."""
    known, places = o.device >= 0, o.places
    names = tuple(
        f"GPU {device - places.first[node]} of {places.names[node]}"
        for device, node in enumerate(places.home.tolist())
    )
    most = np.array([WHOLE if gpus.max_sharers is None else gpus.max_sharers for gpus in places.kinds])
    whole = np.full(len(names), WHOLE)
    cut = known & (o.mig_start >= 0)
    device = np.maximum(o.device, 0)
    share = np.where(known & ~cut, np.rint(o.share), 0).astype(np.int64)
    broken = _at_most(o, device, share, whole, names, "thousandths of itself")
    sharers = (known & ~cut).astype(np.int64)
    broken += _at_most(o, device, sharers, most[places.kind], names, "jobs on it")
    ones = np.ones(len(names), dtype=np.int64)
    for slice_ in range(8):
        bit = np.where(known, o.bits >> slice_ & 1, 0)
        broken += _at_most(o, device, bit, ones, names, f"jobs on memory slice {slice_}")
    return broken


def _at_most(
    o: OnNodes, place: Ints, amount: Ints, most: Ints, names: tuple[str, ...], what: str
) -> list[str]:
    """Add up what starts and ends at each place, ends before starts at one instant; the first excess is told."""
    rows = np.flatnonzero(amount)
    if not len(rows):
        return []
    where = np.tile(place[rows], 2)
    time = np.concatenate([o.start[rows], o.end[rows]])
    change = np.concatenate([amount[rows], -amount[rows]])
    order = np.lexsort((change, time, where))
    used = np.cumsum(change[order])  # each place ends at 0, so that one sum does for all
    over = np.flatnonzero(used > most[where[order]])
    if not len(over):
        return []
    at, node = int(time[order[over[0]]]), int(where[order[over[0]]])
    return [f"{names[node]} has {int(used[over[0]])} {what} in use at {at} s; it has {int(most[node])}"]


def whole_nodes_belong_to_one_job(o: OnNodes) -> list[str]:
    """Where a job asked for whole nodes, nobody else runs meanwhile."""
    whole = o.asked["whole_nodes"] > 0
    wrong: Flags = np.zeros(o.e.count, dtype=bool)
    if not whole.any():
        return []
    nodes = np.unique(o.node[whole[o.job]])
    rows = np.flatnonzero(np.isin(o.node, nodes))
    stays = np.unique(np.stack([o.node[rows], o.start[rows], o.end[rows], o.job[rows]], axis=1), axis=0)
    here, latest, latest_whole = -1, (-1, -1), (-1, -1)  # the end, and the job, of who stays longest so far
    for node, start, end, job in stays.tolist():
        if node != here:
            here, latest, latest_whole = node, (-1, -1), (-1, -1)
        if (whole[job] and start < latest[0] and job != latest[1]) or (
            start < latest_whole[0] and job != latest_whole[1]
        ):
            wrong[job] = True
        latest = max(latest, (end, job))
        if whole[job]:
            latest_whole = max(latest_whole, (end, job))
    return told(o.e, wrong, "runs on a node together with a job that asked for whole nodes")
