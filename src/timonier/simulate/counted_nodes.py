"""Machines with nodes on which a plan may count (conservative, reservations): names are given when a job starts.

Names are not fungible over time: node 1 planned in [0, 5) and node 2 in [5, 10) leave one node free at every
instant, but no single one for [0, 10).  Where all tasks take equal slots of the same nodes, a plan needs no names:
the tasks that run at an instant are as many as there are slots at most, and each finds one when it starts.
See docs/decisions/005-conservative-counts-equal-slots.md.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from timonier.policy import Profile
from timonier.simulate.columns import Columns
from timonier.simulate.kernel import site as k
from timonier.simulate.kernel import state as ks
from timonier.simulate.kernel.free import RECENT
from timonier.simulate.kernel.occupy import count_slots, name_starts
from timonier.simulate.kernel.room import MANY
from timonier.simulate.pack_nodes import OnNodes

if TYPE_CHECKING:
    from timonier.simulate.pack import Packed

BLIND_ORDERS = ("fcfs", "priority", "sjf", "ljf")  # they do not look at the number of cores


def slots_of(nodes: OnNodes, columns: Columns, profile: Profile) -> int:
    """How many equal slots the machine has for these jobs; 0 where they are not equal, or ask for more than slots.

    Equal: all jobs that can run ask for the same per task; or each takes whole nodes, one task a node, and all
    may take the same ones.
    """
    able = np.ones(len(columns.submit), dtype=bool)
    able[list(columns.why)] = False
    used = np.unique(nodes.shapes.of_job[able])
    shape = nodes.shapes.shape[used]
    plain = (
        (shape["within"] == k.ANYWHERE)
        & (shape["per_node"] == MANY)
        & (shape["last"] == shape["first"] + 1)
        & (shape["licensed"] == 0)
    )
    by_core = (nodes.shapes.want[used, 0] == k.WHOLE).all()
    blind = profile.order.rule in BLIND_ORDERS and not profile.queues
    if not len(used) or not plain.all() or not (by_core or blind):
        return 0
    slots = np.zeros((len(used), len(nodes.layout.names)), dtype=np.int64)
    for at, s in enumerate(used.tolist()):
        count_slots(nodes.cluster, s, slots[at])
    if len(used) > 1 and not (
        (shape["whole"] == 1).all() and (slots <= 1).all() and (slots == slots[0]).all()
    ):
        return 0
    return int(slots[0].sum())


def in_slots(columns: Columns, tasks: NDArray[np.int64]) -> Columns:
    """The same jobs, as large as they have tasks."""
    return replace(columns, size=tasks)


def remembered(cluster: k.Cluster) -> k.Cluster:
    """A copy of what giving names changes."""
    return cluster._replace(
        held=k.Held(*(part.copy() for part in cluster.held)),
        room=k.Room(*(part.copy() for part in cluster.room)),
        luck=cluster.luck.copy(),
    )


def give_names(packed: Packed) -> None:
    """Say where each job that started runs: in the order of (start, submit, row), each by the profile's rules."""
    nodes, state = packed.nodes, packed.state
    if nodes is None or nodes.fresh is None:
        return
    cluster = nodes.cluster
    for part in ("node", "device", "start"):
        getattr(cluster.held, part)[:] = getattr(nodes.fresh.held, part)
    cluster.luck[:] = nodes.fresh.luck
    for name in (
        "left",
        "users",
        "device",
        "licence",
        "sorts",
        "gpus",
        "word",
        "ranked",
        "rank",
        "rank_word",
    ):
        getattr(cluster.room, name)[:] = getattr(nodes.fresh.room, name)
    for name in ("version", "stamp", "group_stamp"):
        getattr(cluster.room, name)[:] += RECENT + 1  # nothing that is known holds any longer
    start = state.marks["start"]
    started = np.flatnonzero(start >= 0)
    started = started[np.argsort(start[started], kind="stable")]
    end = np.minimum(start + np.minimum(state.jobs["run"], ks.NEVER), ks.NEVER)
    name_starts(cluster, started, end)
