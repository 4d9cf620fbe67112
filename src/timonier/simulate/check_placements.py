"""Who ran where, as `placements.parquet` says, and what the machine file says of the places: arrays for the rules.

It knows the machine file and the tables of the run, and nothing of the engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonier.describe import Gpus, Machine, Nodes, mig_geometry
from timonier.simulate.check_evidence import (
    FOREVER,
    Evidence,
    Flags,
    Ints,
    Table,
    column,
    floats,
    ints,
)
from timonier.workload.arrow import pc

WHOLE = 1000  # thousandths of a core, of a GPU


@dataclass(frozen=True, slots=True)
class Places:
    """The machine file as arrays: N nodes in its order, D GPUs node by node.

    group: int64[N], place in machine.nodes.  first: int64[N + 1], GPUs of each node.
    kinds: the different entries of GPUs.  kind: int64[D], place in `kinds`.  home: int64[D], the node of each.
    """

    machine: Machine
    names: tuple[str, ...]
    group: Ints
    first: Ints
    kinds: tuple[Gpus, ...]
    kind: Ints
    home: Ints

    def of_nodes(self, values: list[int]) -> Ints:
        """A number of each group of nodes, as int64[N]."""
        return np.array(values, dtype=np.int64)[self.group]

    @property
    def groups(self) -> tuple[Nodes, ...]:
        """The groups of equal nodes."""
        return self.machine.nodes


@dataclass(frozen=True, slots=True)
class OnNodes:
    """What a run on nodes says, beside its evidence.

    Of each job: asked (numbers, int64[J], thousandths of cores and GPUs), texts (what it asks for in words).
    lists: the column `nodes` of the run table.
    Of each row of placements, int64[R]: job, task, node, gpu (of the node, -1: none), device (of the machine, -1:
    none, -2: one that is not there), share (thousandths), bits (memory slices of a cut GPU), mig_start, cores
    (thousandths), memory, start, end.  first: is it the first row of its task?
    """

    e: Evidence
    places: Places
    work: Table
    asked: dict[str, Ints]
    texts: dict[str, list[str | None]]
    lists: list[str | None]
    job: Ints
    task: Ints
    node: Ints
    gpu: Ints
    device: Ints
    share: NDArray[np.float64]
    mig_start: Ints
    bits: Ints
    cores: Ints
    memory: Ints
    start: Ints
    end: Ints
    first: Flags

    def kinds_with(self, rows: Ints, *columns: Ints) -> Iterator[tuple[tuple[int, ...], Ints]]:
        """Each distinct combination in these columns, and its rows; what is judged once serves many jobs."""
        if not len(rows):
            return
        table = np.stack([values[rows] for values in columns], axis=1)
        distinct, which = np.unique(table, axis=0, return_inverse=True)
        order = np.argsort(which.ravel(), kind="stable")
        begin = np.searchsorted(which.ravel()[order], np.arange(len(distinct) + 1))
        for at, values in enumerate(distinct.tolist()):
            yield tuple(values), rows[order[begin[at] : begin[at + 1]]]

    def jobs_of(self, rows: Ints | Flags) -> Flags:
        """Which jobs have one of these rows."""
        found = np.zeros(self.e.count, dtype=bool)
        found[self.job[rows]] = True
        return found


def places_of(machine: Machine) -> Places:
    """The arrays of a machine with nodes."""
    group = [at for at, group in enumerate(machine.nodes) for _ in group.names]
    kinds = tuple(dict.fromkeys(gpus for group in machine.nodes for gpus in group.gpus))
    inside = [
        [kinds.index(gpus) for gpus in group.gpus for _ in range(gpus.count)] for group in machine.nodes
    ]
    counts = [len(inside[at]) for at in group]
    return Places(
        machine=machine,
        names=tuple(name for group in machine.nodes for name in group.names),
        group=np.array(group, dtype=np.int64),
        first=np.cumsum([0, *counts]),
        kinds=kinds,
        kind=np.array([kind for at in group for kind in inside[at]], dtype=np.int64),
        home=np.repeat(np.arange(len(group)), counts),
    )


def read_placements(
    e: Evidence, machine: Machine, run: Table, work: Table, data: Table
) -> OnNodes | list[str]:
    """The evidence of placements; sentences where it does not fit the machine or the jobs.

    Raises InputError where a column is not there or is not what it should be.
    """
    places = places_of(machine)
    job = pc.index_in(column(data, "job_id", pa.string()), e.ids.combine_chunks())
    node = pc.index_in(column(data, "node", pa.string()), pa.array(list(places.names), pa.string()))
    if job.null_count or node.null_count:
        return ["placements.parquet names a job or a node that is not there"]
    of_job, of_node = np.asarray(job).astype(np.int64), np.asarray(node).astype(np.int64)
    task, gpu, mig_start = (ints(data, name, -1) for name in ("task", "gpu", "mig_start"))
    device = places.first[of_node] + gpu
    device = np.where(gpu < 0, np.where(gpu == -1, -1, -2), device)
    device = np.where(device >= places.first[of_node + 1], -2, device)
    texts = {name: _texts(work, name) for name in ("gpu_types", "mig", "features", "within")}
    texts["mig"] = [None if text is None else text.strip().lower() for text in texts["mig"]]
    first = np.zeros(len(task), dtype=bool)
    first[np.unique(np.stack([of_job, task]), axis=1, return_index=True)[1]] = True
    return OnNodes(
        e=e,
        places=places,
        work=work,
        asked=_asked(work),
        texts=texts,
        lists=_texts(run, "nodes"),
        job=of_job,
        task=task,
        node=of_node,
        gpu=gpu,
        device=device,
        share=floats(data, "gpu_share", 1.0) * WHOLE,
        mig_start=mig_start,
        bits=_bits(places, texts["mig"], of_job, device, mig_start),
        cores=_thousandths(floats(data, "cores")),
        memory=ints(data, "memory_bytes", 0),
        start=ints(data, "start_s"),
        end=ints(data, "end_s", FOREVER),
        first=first,
    )


def _asked(work: Table) -> dict[str, Ints]:
    """Numbers that the jobs ask for; gpus and cores in thousandths, `tasks_per_node` FOREVER where none is given."""
    count = work.rows
    whole = {"tasks": 1, "memory_bytes": 0, "gpu_memory_bytes": 0, "tasks_per_node": FOREVER}
    asked = {
        name: ints(work, name, missing) if name in work.names else np.full(count, missing)
        for name, missing in whole.items()
    }
    for name, one in (("cores", 1.0), ("gpus", 0.0)):
        asked[name] = _thousandths(floats(work, name, one) if name in work.names else np.full(count, one))
    asked["whole_nodes"] = np.zeros(count, dtype=np.int64)
    if "whole_nodes" in work.names:
        asked["whole_nodes"] = np.asarray(
            pc.fill_null(column(work, "whole_nodes", pa.bool_()), False)
        ).astype(np.int64)
    for name in work.names:
        if name.startswith("res."):
            asked[name] = np.ceil(floats(work, name)).astype(np.int64)
    return asked


def _bits(places: Places, profiles: list[str | None], job: Ints, device: Ints, mig_start: Ints) -> Ints:
    """Memory slices that each row takes, where its GPU has such a slice there; a GPU given whole takes them all."""
    bits = np.zeros(len(job), dtype=np.int64)
    for row in np.flatnonzero(device >= 0).tolist():
        gpus = places.kinds[places.kind[device[row]]]
        if gpus.sharing != "mig":
            continue
        geometry = mig_geometry(gpus.type)
        profile = None if geometry is None else geometry.profiles.get(profiles[job[row]] or "")
        if mig_start[row] < 0:
            bits[row] = 255
        elif profile is not None and mig_start[row] < 8:
            bits[row] = profile.mask(int(mig_start[row])) & 255
    return bits


def _thousandths(values: NDArray[np.float64]) -> Ints:
    whole: Ints = np.rint(np.where(np.isfinite(values), values, 0.0) * WHOLE).astype(np.int64)
    return whole


def _texts(table: Table, name: str) -> list[str | None]:
    if name not in table.names:
        return [None] * table.rows
    texts: list[str | None] = column(table, name, pa.string()).to_pylist()
    return texts
