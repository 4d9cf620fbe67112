"""Who ran where: the rows of placements.parquet, and the node lists of the run table, from what the kernel holds."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonier.describe import compress_hostlist
from timonier.simulate.kernel import site as k
from timonier.simulate.pack_nodes import OnNodes
from timonier.workload.arrow import Values

Ints = NDArray[np.int64]


def rows_of(nodes: OnNodes, jobs: Ints) -> tuple[Ints, Ints, Ints]:
    """For these packed jobs, each of their rows in `held`, the place of its job in `jobs`, and its task."""
    ask = nodes.cluster.ask[jobs]
    width = nodes.shapes.shape["width"][ask["shape"]].astype(np.int64)
    count = ask["tasks"] * width
    of = np.repeat(np.arange(len(jobs)), count)
    inner = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    return ask["at"][of] + inner, of, inner // width[of]


def placed_rows(nodes: OnNodes, jobs: Ints) -> dict[str, Any]:
    """One row a device (or a task without one) of these packed jobs: job (place in `jobs`), task, node, gpu, ...

    Cores and memory of a task stand in its first row, so that sums over rows are right.
    """
    held, site = nodes.cluster.held, nodes.cluster.site
    rows, of, task = rows_of(nodes, jobs)
    shape_of = nodes.cluster.ask["shape"][jobs][of]
    shape = site.shape[shape_of]
    node, device, start = held.node[rows], held.device[rows], held.start[rows]
    first = (rows - nodes.cluster.ask["at"][jobs][of]) % shape["width"] == 0
    known = device >= 0
    gpu = np.where(known, device - site.node["first"][node], -1)
    share = np.ones(len(rows))
    if len(site.device):
        shared = known & (shape["share"] > 0) & (site.device["sharing"][device] == k.SHARED)
        share = np.where(shared, shape["share"] / k.WHOLE, share)
        for row in np.flatnonzero(start >= 0).tolist():
            share[row] = nodes.layout.share_of(nodes.layout.profiles[shape["profile"][row]], int(device[row]))
    return {
        "job": of,
        "task": task,
        "node": node,
        "gpu": pa.array(gpu, pa.int32(), mask=~known),
        "gpu_share": pa.array(share, mask=~known),
        "mig_start": pa.array(start, pa.int32(), mask=start < 0),
        "cores": np.where(first, site.want[shape_of, 0] / k.WHOLE, 0.0),
        "memory_bytes": np.where(first, site.want[shape_of, 1], 0),
    }


def placement_texts(nodes: OnNodes, jobs: Ints, named: NDArray[np.bool_]) -> Values:
    """For a state file: where each job with names runs or will run, as JSON; a task is [node, [[gpu], [gpu, first slice], ...]]."""
    rows = placed_rows(nodes, jobs[named])
    tasks: list[list[Any]] = [[] for _ in range(int(named.sum()))]
    names = node_names(nodes, rows["node"]).to_pylist()
    of, task = rows["job"].tolist(), rows["task"].tolist()
    gpus, starts = rows["gpu"].to_pylist(), rows["mig_start"].to_pylist()
    for job, number, name, gpu, start in zip(of, task, names, gpus, starts, strict=True):
        if number == len(tasks[job]):
            tasks[job].append([name, []])
        if gpu is not None:
            tasks[job][number][1].append([gpu] if start is None else [gpu, start])
    texts: list[str | None] = [None] * len(jobs)
    for place, found in zip(np.flatnonzero(named).tolist(), tasks, strict=True):
        texts[place] = json.dumps(found, separators=(",", ":"))
    return pa.array(texts, pa.string())


def node_names(nodes: OnNodes, node: NDArray[Any]) -> Values:
    """The names of these nodes."""
    names = pa.array(nodes.layout.names, pa.string())
    return names.take(pa.array(node))


def node_lists(nodes: OnNodes, row: Ints, jobs: Ints, count: int) -> Values:
    """The hostlist of each table row, of those packed jobs that started.

    row: int64[j], the table row of each packed job.  count: rows of the table.
    """
    rows, of, _ = rows_of(nodes, jobs)
    names = nodes.layout.names
    pairs = np.unique(of * len(names) + nodes.cluster.held.node[rows])
    begin = np.searchsorted(pairs // len(names), np.arange(len(jobs) + 1)).tolist()
    node = (pairs % len(names)).tolist()
    table_row = row[jobs].tolist()
    texts: list[str | None] = [None] * count
    for place, at in enumerate(table_row):
        here = node[begin[place] : begin[place + 1]]
        texts[at] = names[here[0]] if len(here) == 1 else compress_hostlist([names[n] for n in here])
    return pa.array(texts, pa.string())
