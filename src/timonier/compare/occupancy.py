"""Which part of which node is in use at an instant, from the placements of a run."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonier.describe import Gpus, Machine, Nodes, mig_geometry
from timonier.workload.arrow import pc

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Site:
    """The nodes of a machine and their GPUs as arrays.

    group: int64[N], place in `groups`.  cores: thousandths; memory: bytes.  first: int64[N + 1], GPUs node by node.
    node_of, kind_of: int64[G], the node of each GPU and its place in `kinds`.
    """

    names: tuple[str, ...]
    groups: tuple[Nodes, ...]
    group: Ints
    cores: Ints
    memory: Ints
    first: Ints
    node_of: Ints
    kinds: tuple[Gpus, ...]
    kind_of: Ints

    @property
    def gpu_count(self) -> int:
        """GPUs of all nodes."""
        return len(self.node_of)


@dataclass(frozen=True, slots=True)
class Use:
    """Placements as arrays, one row a device (or a task without one): int64[R].

    gpu: of the site, -1 for none.  share: thousandths of it.  mask: MIG memory slices as bits.
    job: row in the run table.  start, end: s; end of what still runs is the run's last instant.
    rest: bool[R], is the row what is left of a node that was given whole?  Placements do not say it: it is nobody's task.
    """

    job: Ints
    node: Ints
    gpu: Ints
    share: Ints
    cores: Ints
    memory: Ints
    mask: Ints
    start: Ints
    end: Ints
    rest: NDArray[np.bool_]

    @property
    def seconds(self) -> Ints:
        """How long each row was held, s."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Free:
    """What is free at one instant: cores (thousandths) and memory of each node; thousandths and slices of each GPU."""

    cores: Ints
    memory: Ints
    gpu: Ints
    slices: Ints
    sharers: Ints


def site_of(machine: Machine) -> Site:
    """The arrays of a machine with nodes, in the order of its file."""
    pairs = [(name, at) for at, group in enumerate(machine.nodes) for name in group.names]
    kinds = tuple(dict.fromkeys(gpus for group in machine.nodes for gpus in group.gpus))
    group = np.array([at for _, at in pairs], dtype=np.int64)
    of_group = [[kinds.index(gpus) for gpus in one.gpus for _ in range(gpus.count)] for one in machine.nodes]
    kind_of = [kind for _, at in pairs for kind in of_group[at]]
    counts = [len(of_group[at]) for _, at in pairs]
    return Site(
        names=tuple(name for name, _ in pairs),
        groups=machine.nodes,
        group=group,
        cores=np.array([one.core_thousandths for one in machine.nodes], dtype=np.int64)[group],
        memory=np.array([one.memory_bytes for one in machine.nodes], dtype=np.int64)[group],
        first=np.cumsum([0, *counts]),
        node_of=np.repeat(np.arange(len(pairs)), counts),
        kinds=kinds,
        kind_of=np.array(kind_of, dtype=np.int64),
    )


def use_of(placements: pa.Table, jobs: pa.Table, site: Site, last_s: int) -> Use:
    """What the jobs of a run held on this site: their placements, and the rest of nodes that were given whole.

    jobs: its workload, for the MIG profiles and whole nodes.
    """
    index = pa.array(site.names)
    node = _ints(pc.index_in(placements.column("node"), value_set=index))
    job = _ints(pc.index_in(placements.column("job_id"), value_set=jobs.column("job_id").combine_chunks()))
    local = _ints(pc.fill_null(placements.column("gpu"), -1))
    gpu = np.where(local < 0, -1, site.first[node] + local)
    share = np.rint(np.asarray(pc.fill_null(placements.column("gpu_share"), 1.0)) * 1000).astype(np.int64)
    given = Use(
        job=job,
        node=node,
        gpu=gpu,
        share=np.where(gpu < 0, 0, share),
        cores=np.rint(np.asarray(placements.column("cores"), dtype=np.float64) * 1000).astype(np.int64),
        memory=_ints(pc.fill_null(placements.column("memory_bytes"), 0)),
        mask=_masks(placements, jobs, site, job, gpu),
        start=_ints(placements.column("start_s")),
        end=_ints(pc.fill_null(placements.column("end_s"), last_s)),
        rest=np.zeros(len(job), dtype=bool),
    )
    return _with_rest(given, jobs, site)


def _with_rest(use: Use, jobs: pa.Table, site: Site) -> Use:
    """The same with what its tasks leave of each node that a job has alone: a row for the node, one for each GPU."""
    if "whole_nodes" not in jobs.column_names:
        return use
    alone = np.asarray(pc.fill_null(jobs.column("whole_nodes"), False), dtype=bool)
    mine = np.flatnonzero(alone[use.job])
    stays, which = np.unique(
        np.stack([use.job[mine], use.node[mine], use.start[mine], use.end[mine]]), axis=1, return_inverse=True
    )
    if not stays.shape[1]:
        return use
    which = which.ravel()
    left = [_less(whole[stays[1]], which, held[mine]) for whole, held in
            ((site.cores, use.cores), (site.memory, use.memory))]  # fmt: skip
    count = np.diff(site.first)[stays[1]]
    begin = np.cumsum(count) - count
    of = np.repeat(np.arange(len(count)), count)
    gpu = site.first[stays[1]][of] + np.arange(len(of)) - begin[of]
    on = use.gpu[mine] >= 0
    place = (begin[which] + use.gpu[mine] - site.first[use.node[mine]])[on]
    share = _less(np.full(len(of), 1000), place, use.share[mine][on])
    of, gpu, share = of[share != 0], gpu[share != 0], share[share != 0]
    every = np.concatenate([np.arange(stays.shape[1]), of])
    none, zeros = np.full(stays.shape[1], -1), np.zeros(stays.shape[1], dtype=np.int64)
    nothing = np.zeros(len(of), dtype=np.int64)
    cut = np.array([kind.sharing == "mig" for kind in site.kinds], dtype=bool)
    more = (
        *(stays[0][every], stays[1][every], np.concatenate([none, gpu]), np.concatenate([zeros, share])),
        *(np.concatenate([part, nothing]) for part in left),
        np.concatenate([zeros, np.where(cut[site.kind_of[gpu]], 255, 0)]),
        *(stays[2][every], stays[3][every], np.ones(len(every), dtype=bool)),
    )
    return Use(
        *(np.concatenate([getattr(use, f.name), new]) for f, new in zip(fields(use), more, strict=True))
    )


def _less(whole: Ints, place: Ints, held: Ints) -> Ints:
    """Of each whole, what is left when these parts of it are held; below 0 where rounded slices come to more."""
    left = whole.copy()
    np.subtract.at(left, place, held)
    return left


def free_at(use: Use, site: Site, instant: float) -> Free:
    """What is free at an instant: rows with start <= instant < end hold theirs."""
    held = np.flatnonzero((use.start <= instant) & (use.end > instant))
    node, gpu = use.node[held], use.gpu[held]
    on = gpu >= 0
    count = len(site.names)

    def summed(values: Ints, where: Ints, length: int) -> Ints:
        return np.bincount(where, weights=values.astype(np.float64), minlength=length).astype(np.int64)

    slices = np.zeros(site.gpu_count, dtype=np.int64)
    np.bitwise_or.at(slices, gpu[on], use.mask[held][on])
    return Free(
        cores=site.cores - summed(use.cores[held], node, count),
        memory=site.memory - summed(use.memory[held], node, count),
        gpu=1000 - summed(use.share[held][on], gpu[on], site.gpu_count),
        slices=slices,
        sharers=np.bincount(gpu[on], minlength=site.gpu_count),
    )


def _masks(placements: pa.Table, jobs: pa.Table, site: Site, job: Ints, gpu: Ints) -> Ints:
    """The memory slices that each row holds on a GPU that is cut, as bits."""
    mask = np.zeros(placements.num_rows, dtype=np.int64)
    if "mig" not in jobs.column_names:
        return mask
    starts = placements.column("mig_start")
    profiles = jobs.column("mig")
    for row in np.flatnonzero(np.asarray(pc.is_valid(starts))).tolist():
        geometry = mig_geometry(site.kinds[site.kind_of[gpu[row]]].type)
        name = profiles[int(job[row])].as_py()
        if geometry is not None and name is not None:
            mask[row] = geometry.profiles[name.strip().lower()].mask(starts[row].as_py())
    return mask


def _ints(values: object) -> Ints:
    return np.asarray(values, dtype=np.int64)
