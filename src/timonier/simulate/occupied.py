"""Where the running jobs of a state run, from the column `placement` into the kernel's rows.

It is what --save-state wrote, or, in a state written by hand, a hostlist: the tasks are dealt out to its nodes
in turn, and the profile's rules choose the GPUs.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonier.describe import expand_hostlist
from timonier.kit.errors import InputError, nearest
from timonier.simulate.clashes import why_not_there
from timonier.simulate.kernel import site as k
from timonier.simulate.kernel.occupy import CHOOSE, occupy
from timonier.simulate.kernel.state import NEVER
from timonier.simulate.layout import Layout
from timonier.workload import Jobs
from timonier.workload.arrow import Values

Task = tuple[str, list[list[int]] | None]  # node; GPUs, None: choose them


def take_in(jobs: Jobs, cluster: k.Cluster, layout: Layout, row: NDArray[np.int64]) -> None:
    """Place the running jobs of a state.

    Raises InputError where a placement names what the machine does not have, or what is taken already.
    """
    running = np.flatnonzero(cluster.base.marks["start"] >= 0)
    texts = jobs.texts("placement")
    index = {name: n for n, name in enumerate(layout.names)}
    for j in running.tolist():
        where = f"{jobs.source}, row {int(row[j]) + 1}, placement"
        tasks = _tasks(texts[int(row[j])].as_py(), int(cluster.ask[j]["tasks"]), where)
        _write_rows(cluster, j, tasks, index, where)
    if len(cluster.plan.begin) and len(cluster.base.reserved):
        _take_in_reservations(jobs, cluster, texts, index, row)
    wrong = occupy(cluster)
    if wrong >= 0:
        ids = jobs.table.column("job_id")

        def name_of(job: int) -> str:
            return str(ids[int(row[job])].as_py())

        why = why_not_there(cluster, wrong, list(layout.names), name_of)
        raise InputError(
            f"job {name_of(wrong)!r} cannot run where its placement says: {why}",
            where=f"{jobs.source}, row {int(row[wrong]) + 1}, placement",
            fix="name other nodes or GPUs, or leave out the job that has ended; "
            "a state of --save-state needs the machine on which it was taken",
        )


def _take_in_reservations(
    jobs: Jobs, cluster: k.Cluster, texts: Values, index: dict[str, int], row: NDArray[np.int64]
) -> None:
    """Conservative: the names of waiting jobs; a state that does not go on as it was brings none."""
    reserved = cluster.base.reserved
    if jobs.state is None or not jobs.state.settled:
        reserved[:] = -1
        return
    waits = np.flatnonzero((reserved >= 0) & (reserved < NEVER))
    for j in [int(j) for j in waits if cluster.base.marks[j]["start"] < 0]:
        text = texts[int(row[j])].as_py()
        if text is None or not text.lstrip().startswith("["):
            reserved[j] = -1
            continue
        where = f"{jobs.source}, row {int(row[j]) + 1}, placement"
        _write_rows(cluster, j, _tasks(text, int(cluster.ask[j]["tasks"]), where), index, where)


def _tasks(text: str | None, count: int, where: str) -> list[Task]:
    if text is None:
        raise InputError(
            "a running job does not say where it runs", where=where, fix="give its nodes: gpu01, or n[1-4]"
        )
    if not text.lstrip().startswith("["):
        names = expand_hostlist(text)
        return [(names[task % len(names)], None) for task in range(count)]
    try:
        found = json.loads(text)
        tasks: list[Task] = [(str(node), [[int(n) for n in gpu] for gpu in gpus]) for node, gpus in found]
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(
            "this is not a placement", where=where, fix='write [["gpu01", [[0], [1]]]]'
        ) from error
    if len(tasks) != count:
        fix = 'write one ["node", [[GPU], ...]] a task, or the nodes alone: gpu01, or n[1-4]'
        raise InputError(f"{len(tasks)} tasks are placed; the job has {count}", where=where, fix=fix)
    return tasks


def _write_rows(cluster: k.Cluster, j: int, tasks: list[Task], index: dict[str, int], where: str) -> None:
    ask: Any = cluster.ask[j]
    shape = cluster.site.shape[ask["shape"]]
    width = int(shape["width"])
    for task, (name, gpus) in enumerate(tasks):
        if name not in index:
            raise InputError(f"there is no node {name!r}", where=where, fix=nearest(name, index))
        node = cluster.site.node[index[name]]
        row = int(ask["at"]) + task * width
        cluster.held.node[row : row + width] = index[name]
        if gpus is None:
            cluster.held.device[row : row + width] = CHOOSE
            continue
        if len(gpus) != shape["gpus"]:
            fix = (
                "name as many as it asks for, each as [GPU] or [GPU, first slice], or the nodes alone: gpu01"
            )
            raise InputError(f"{len(gpus)} GPUs of a task; it asks for {shape['gpus']}", where=where, fix=fix)
        for i, gpu in enumerate(gpus):
            if not 0 <= gpu[0] < node["last"] - node["first"]:
                fix = (
                    f"it has {node['last'] - node['first']}, counted from 0 in the order of the machine file"
                )
                raise InputError(f"node {name!r} has no GPU {gpu[0]}", where=where, fix=fix)
            d = int(node["first"]) + gpu[0]
            start = gpu[1] if len(gpu) > 1 else -1
            if not _can_begin(cluster.site, d, int(shape["profile"]), start):
                raise InputError(
                    f"GPU {gpu[0]} of node {name!r} has no place for this at {start}", where=where
                )
            cluster.held.device[row + i] = d
            cluster.held.start[row + i] = start


def _can_begin(site: k.Site, d: int, profile: int, start: int) -> bool:
    """May a slice of this profile begin there on device d; of what is no slice (profile -1), at -1?"""
    geometry = int(site.device[d]["geometry"])
    if profile < 0 or start < 0 or geometry < 0:
        return profile < 0 and start < 0
    return start < int(site.width[geometry]) and bool((int(site.starts[geometry, profile]) >> start) & 1)
