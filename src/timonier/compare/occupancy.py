"""Which part of which node is in use at an instant, from the placements of a run."""

from __future__ import annotations

from dataclasses import dataclass

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
    """The placements of a run (CONTRACT 5) on this site.  jobs: its workload, for the MIG profiles."""
    index = pa.array(site.names)
    node = _ints(pc.index_in(placements.column("node"), value_set=index))
    job = _ints(pc.index_in(placements.column("job_id"), value_set=jobs.column("job_id").combine_chunks()))
    local = _ints(pc.fill_null(placements.column("gpu"), -1))
    gpu = np.where(local < 0, -1, site.first[node] + local)
    share = np.rint(np.asarray(pc.fill_null(placements.column("gpu_share"), 1.0)) * 1000).astype(np.int64)
    return Use(
        job=job,
        node=node,
        gpu=gpu,
        share=np.where(gpu < 0, 0, share),
        cores=np.rint(np.asarray(placements.column("cores"), dtype=np.float64) * 1000).astype(np.int64),
        memory=_ints(pc.fill_null(placements.column("memory_bytes"), 0)),
        mask=_masks(placements, jobs, site, job, gpu),
        start=_ints(placements.column("start_s")),
        end=_ints(pc.fill_null(placements.column("end_s"), last_s)),
    )


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
