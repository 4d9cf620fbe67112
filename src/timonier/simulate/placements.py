"""Who ran where: the rows of placements.parquet, and the node lists of the run table, from what the kernel holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonier.describe import compress_hostlist
from timonier.simulate.kernel import site as k
from timonier.simulate.pack import Packed
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


def placed_rows(packed: Packed, jobs: Ints) -> dict[str, Any]:
    """One row a device (or a task without one) of these packed jobs: job (place in `jobs`), task, node, gpu, ...

    Cores and memory of a task stand in its first row, so that sums over rows are right.
    """
    nodes = packed.nodes
    assert nodes is not None
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


def node_names(packed: Packed, node: NDArray[Any]) -> Values:
    """The names of these nodes."""
    assert packed.nodes is not None
    names = pa.array(packed.nodes.layout.names, pa.string())
    return names.take(pa.array(node))


def node_lists(packed: Packed, jobs: Ints, count: int) -> Values:
    """The hostlist of each table row, of those packed jobs that started."""
    nodes = packed.nodes
    assert nodes is not None
    rows, of, _ = rows_of(nodes, jobs)
    names = nodes.layout.names
    pairs = np.unique(of * len(names) + nodes.cluster.held.node[rows])
    begin = np.searchsorted(pairs // len(names), np.arange(len(jobs) + 1)).tolist()
    node = (pairs % len(names)).tolist()
    table_row = packed.row[jobs].tolist()
    texts: list[str | None] = [None] * count
    for place, row in enumerate(table_row):
        here = node[begin[place] : begin[place + 1]]
        texts[row] = names[here[0]] if len(here) == 1 else compress_hostlist([names[n] for n in here])
    return pa.array(texts, pa.string())
