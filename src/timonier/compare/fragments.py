"""GPUs that nobody can use, and why: fragmentation and stranded resources at an instant.

F of a machine is the idle GPU share that a typical job cannot use, in the mean over the typical shapes, by how
often each is asked for.  A shape that does not fit on a node can use none of its idle GPUs; one that fits cannot use
those GPUs of it whose free part is too small.  A shape without GPUs can use no idle GPU.
Source: Weng et al., USENIX ATC 2023, section 4 (statistical fragmentation measure).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from timonier.compare.occupancy import Floats, Free, Ints, Site
from timonier.describe import Gpus, Nodes, mig_geometry
from timonier.simulate.ask import Ask, distinct_asks
from timonier.simulate.capacity import Room, allows, tasks_on_node, units_of
from timonier.workload import Jobs

RESOURCES = ("cores", "memory", "gpus")
TYPICAL = 0.95

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Typical:
    """The most frequent shapes that make up 95 % of the jobs.

    share: float64[S], how often each is asked for, sum 1.
    may: bool[S, groups], does it fit on the empty nodes of a group, partition and features included?
    units: int64[S, kinds], what one empty GPU of each kind offers it (0: nothing).
    """

    asks: tuple[Ask, ...]
    share: Floats
    may: Flags
    units: Ints


@dataclass(frozen=True, slots=True)
class Fragments:
    """One instant.  idle, lost: thousandths of a GPU, by kind of GPU: int64[kinds], float64[kinds].

    stranded: cores (thousandths), memory (bytes) and GPUs (thousandths) that are free on nodes where no typical
    shape that asks for them fits.  short: on how many such nodes each resource stopped the largest part of the
    typical shapes that fit on them when they are empty.
    """

    idle: Ints
    lost: Floats
    stranded: Floats
    short: Ints


def typical_shapes(jobs: Jobs, room: Room, site: Site) -> Typical:
    """The typical shapes of a workload on a machine; tasks are looked at one by one."""
    asks, which = distinct_asks(jobs)
    merged: dict[Ask, float] = {}
    for ask, count in zip(asks, np.bincount(which, minlength=len(asks)).tolist(), strict=True):
        one = replace(ask, tasks=1, within="")
        merged[one] = merged.get(one, 0) + count
    order = sorted(merged, key=lambda ask: -merged[ask])
    counts = np.array([merged[ask] for ask in order], dtype=np.float64)
    enough = int(np.searchsorted(np.cumsum(counts), TYPICAL * counts.sum() - 1e-9)) + 1 if len(counts) else 0
    kept = order[:enough]
    share = counts[:enough] / counts[:enough].sum() if enough else counts[:0]
    may = [[_may(ask, group, room) for group in site.groups] for ask in kept]
    units = [[units_of(kind, ask) for kind in site.kinds] for ask in kept]
    return Typical(
        tuple(kept),
        share,
        np.array(may, dtype=bool).reshape(enough, len(site.groups)),
        np.array(units, dtype=np.int64).reshape(enough, len(site.kinds)),
    )


def _may(ask: Ask, group: Nodes, room: Room) -> bool:
    let_in = any(place.group is group and allows(place, ask, room.default) for place in room.places)
    return let_in and tasks_on_node(group, ask) > 0


def fragments(free: Free, site: Site, typical: Typical) -> Fragments:
    """Fragmentation and stranded resources of one instant."""
    idle = np.maximum(free.gpu, 0)
    of_node = np.bincount(site.node_of, weights=idle, minlength=len(site.names))
    left = np.stack([free.cores.astype(np.float64), free.memory.astype(np.float64), of_node])
    lost = np.zeros(site.gpu_count)
    fits_any = np.zeros((3, len(site.names)), dtype=bool)
    blame = np.zeros((3, len(site.names)))
    for s, ask in enumerate(typical.asks):
        usable = _usable(ask, typical.units[s], free, site)
        enough = _enough(ask, usable, free, site)
        may = typical.may[s][site.group]
        fits = may & enough.all(axis=0)
        wants = np.array([ask.cores > 0, ask.memory_bytes > 0, ask.gpus > 0])
        fits_any |= wants[:, None] & fits
        blame += typical.share[s] * (may & ~enough)
        good = fits[site.node_of] & (usable > 0) if ask.gpus else np.zeros(site.gpu_count, dtype=bool)
        lost += typical.share[s] * np.where(good, 0, idle)
    stranded = np.where(fits_any, 0.0, np.maximum(left, 0.0))
    some = (stranded > 0).any(axis=0) & (blame > 0).any(axis=0)
    return Fragments(
        idle=np.bincount(site.kind_of, weights=idle, minlength=len(site.kinds)).astype(np.int64),
        lost=np.asarray(np.bincount(site.kind_of, weights=lost, minlength=len(site.kinds)), dtype=np.float64),
        stranded=np.asarray(stranded.sum(axis=1)),
        short=np.bincount(np.argmax(blame[:, some], axis=0), minlength=3),
    )


def _usable(ask: Ask, units: Ints, free: Free, site: Site) -> Ints:
    """What each GPU still offers the request: whole GPUs (0 or 1), shares or slices."""
    offered = units[site.kind_of]
    if not ask.gpus:
        return np.zeros(site.gpu_count, dtype=np.int64)
    if ask.mig:
        return _slices_left(ask, offered, free, site)
    if ask.is_share:
        room = np.array([kind.max_sharers or 1000 for kind in site.kinds])[site.kind_of] - free.sharers
        return np.where(offered > 0, np.minimum(free.gpu // ask.gpus, np.maximum(room, 0)), 0)
    return np.where((offered > 0) & (free.gpu >= 1000) & (free.slices == 0), 1, 0)


def _slices_left(ask: Ask, offered: Ints, free: Free, site: Site) -> Ints:
    """1 where one more such slice can be cut."""
    masks = [_masks(kind, ask.mig.lower()) for kind in site.kinds]
    left = np.zeros(site.gpu_count, dtype=np.int64)
    for gpu in np.flatnonzero((offered > 0) & ((free.gpu == 1000) | (free.slices > 0))).tolist():
        taken = int(free.slices[gpu])
        left[gpu] = any(not taken & mask for mask in masks[site.kind_of[gpu]])
    return left


def _masks(kind: Gpus, mig: str) -> list[int]:
    """Where such a slice may lie on this kind of GPU, as bits; on a fixed layout only where it was cut."""
    geometry = mig_geometry(kind.type)
    if geometry is None or mig not in geometry.profiles:
        return []
    profile = geometry.profiles[mig]
    if kind.layout is None:
        return [profile.mask(start) for start in profile.starts]
    starts = geometry.fit(kind.layout) or ()
    return [profile.mask(at) for name, at in zip(kind.layout, starts, strict=True) if name == mig]


def _enough(ask: Ask, usable: Ints, free: Free, site: Site) -> Flags:
    """bool[3, N]: is there enough of cores, memory and GPUs on each node?"""
    units = np.bincount(site.node_of, weights=usable, minlength=len(site.names))
    wanted = 1 if ask.is_share else ask.gpus // 1000
    return np.stack([free.cores >= ask.cores, free.memory >= ask.memory_bytes, units >= wanted])


def merged_share(rows: Sequence[Fragments]) -> Floats:
    """Of the nodes with something stranded, at several instants, the share on which each resource ran out first: float64[3]; zeros without any."""
    short = np.sum([one.short for one in rows], axis=0, dtype=np.float64) if rows else np.zeros(3)
    return np.asarray(short / max(short.sum(), 1.0))
