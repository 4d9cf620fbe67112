"""What jobs ask for on a machine with nodes: each distinct request once.

Jobs of a log repeat a few requests, so that whatever is thought about a request is thought once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonier.workload import Jobs
from timonier.workload.arrow import pc

_DEFAULTS: dict[str, Any] = {
    "tasks": 1,
    "cores": 1,
    "memory_bytes": 0,
    "gpus": 0,
    "gpu_types": None,
    "gpu_memory_bytes": 0,
    "mig": None,
    "features": None,
    "tasks_per_node": None,
    "within": None,
    "whole_nodes": False,
    "partition": None,
}


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: so many tasks, each with these demands.

    cores, gpus: thousandths per task; gpus below 1000 is a share of one GPU; with `mig` they are slices x 1000.
    types: GPU types that will do, lower case, in order of preference; empty: any.
    steps: the same as alternatives of which a whole job takes one (`A>B|C`); empty: there is but one.
    features: alternatives of words that must all be there (`a&b|c`); empty: any node.
    resources: further ones per task by name, without `res.`.
    """

    tasks: int = 1
    cores: int = 1000
    memory_bytes: int = 0
    gpus: int = 0
    types: tuple[str, ...] = ()
    steps: tuple[tuple[str, ...], ...] = ()
    gpu_memory_bytes: int = 0
    mig: str = ""
    features: tuple[frozenset[str], ...] = ()
    tasks_per_node: int | None = None
    within: str = ""
    whole_nodes: bool = False
    partition: str = ""
    resources: tuple[tuple[str, int], ...] = field(default=())

    @property
    def is_share(self) -> bool:
        """Does a task ask for a part of one GPU?"""
        return not self.mig and 0 < self.gpus < 1000

    def alternatives(self) -> tuple[Ask, ...]:
        """The request with each of its steps of GPU types in turn."""
        return (
            tuple(replace(self, types=step, steps=()) for step in self.steps)
            if len(self.steps) > 1
            else (self,)
        )


def distinct_asks(jobs: Jobs) -> tuple[list[Ask], NDArray[np.int64]]:
    """Every distinct request, in order of first appearance, and the index of each job's: int64[J]."""
    names = [name for name in jobs.table.column_names if name in _DEFAULTS or name.startswith("res.")]
    if not len(jobs):
        return [], np.zeros(0, dtype=np.int64)
    codes = [_codes(jobs.table.column(name)) for name in names]
    which = reduce(_joined, codes, np.zeros(len(jobs), dtype=np.int64))
    _, first, which = np.unique(which, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    rows = jobs.table.select(names).take(first[order]).to_pylist() if names else [{}]
    return [_ask(row) for row in rows], rank[which]


def types_of(text: str | None) -> tuple[str, ...]:
    """`A|B` and `A>B` as the types that will do, lower case, in their order."""
    return tuple(word.strip().lower() for word in (text or "").replace(">", "|").split("|") if word.strip())


def features_of(text: str | None) -> tuple[frozenset[str], ...]:
    """`a&b|c` as alternatives of words that must all be there; & binds closer than |."""
    alternatives = [part for part in (text or "").split("|") if part.strip()]
    return tuple(frozenset(word.strip() for word in part.split("&") if word.strip()) for part in alternatives)


def _ask(row: dict[str, Any]) -> Ask:
    said = _DEFAULTS | {name: value for name, value in row.items() if value is not None}
    mig = said["mig"] or ""
    gpus = round(said["gpus"] * 1000)
    return Ask(
        tasks=said["tasks"],
        cores=round(said["cores"] * 1000),
        memory_bytes=int(said["memory_bytes"]),
        gpus=max(gpus, 1000) if mig else gpus,
        types=types_of(said["gpu_types"]),
        steps=tuple(
            types_of(step)
            for step in (said["gpu_types"] or "").split(">")
            if ">" in (said["gpu_types"] or "")
        ),
        gpu_memory_bytes=int(said["gpu_memory_bytes"]),
        mig=mig,
        features=features_of(said["features"]),
        tasks_per_node=said["tasks_per_node"],
        within=said["within"] or "",
        whole_nodes=bool(said["whole_nodes"]),
        partition=said["partition"] or "",
        resources=tuple(
            (name[4:], int(value))
            for name, value in sorted(said.items())
            if name.startswith("res.") and value
        ),
    )


def _codes(values: Any) -> NDArray[np.int64]:
    """A number for each distinct cell, 0 for an empty one."""
    indices = pc.dictionary_encode(values).combine_chunks().indices
    return np.asarray(pc.fill_null(indices, -1)).astype(np.int64) + 1


def _joined(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """A number for each distinct pair; kept small, so that no product overflows."""
    _, small = np.unique(one * (int(other.max()) + 1) + other, return_inverse=True)
    return np.asarray(small).astype(np.int64)
