"""Independent pods: a job with gang = false is so many jobs of one task."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonier.describe import expand_hostlist
from timonier.kit.errors import InputError
from timonier.workload.arrow import Values, pc

Ints = NDArray[np.int64]

MOST_PODS = 10_000_000


def as_pods(table: pa.Table, where: str) -> tuple[pa.Table, int]:
    """The table with a row for each pod of a job whose pods are independent, and how many such jobs there were.

    Pod i of job J is called J_i and asks for what one task does; all else is the job's, and `array_id` says J where
    it said nothing.  Who depends on J depends on all its pods.
    Raises InputError where something binds the pods to each other, or where there are too many.
    """
    if "gang" not in table.column_names or "tasks" not in table.column_names:
        return table, 0
    tasks = np.asarray(pc.fill_null(table.column("tasks"), 1).to_numpy(), dtype=np.int64)
    loose = ~np.asarray(pc.fill_null(table.column("gang"), True).to_numpy(zero_copy_only=False), dtype=bool)
    loose &= tasks > 1
    if not loose.any():
        return table, 0
    _refuse_bound(table, loose, tasks, where)
    pods = np.where(loose, tasks, 1)
    if pods.sum() > MOST_PODS:
        raise InputError(
            f"the independent pods of these jobs are {int(pods.sum()):,} rows; at most {MOST_PODS:,} are read",
            where=f"{where}, row {int(np.argmax(pods)) + 1}, tasks",
            fix="ask for fewer tasks, or for gang = true",
        )
    row: Ints = np.repeat(np.arange(len(tasks)), pods)
    pod: Ints = np.arange(len(row)) - np.repeat(np.cumsum(pods) - pods, pods)
    return _filled(table, table.take(row), loose, row, pod), int(loose.sum())


def _refuse_bound(table: pa.Table, loose: NDArray[np.bool_], tasks: Ints, where: str) -> None:
    bound = np.zeros(len(loose), dtype=bool)
    if "within" in table.column_names:
        bound |= np.asarray(pc.is_valid(table.column("within")).to_numpy(zero_copy_only=False))
    if "tasks_per_node" in table.column_names:
        most = pc.fill_null(table.column("tasks_per_node").cast(pa.int64()), int(tasks.max()))
        bound |= np.asarray(most.to_numpy()) < tasks
    bound &= loose
    if bound.any():
        row = int(np.flatnonzero(bound)[0])
        raise InputError(
            f"the pods of job {table.column('job_id')[row].as_py()!r} are independent (gang = false): "
            "each starts on its own, and nothing keeps them together or apart",
            where=f"{where}, row {row + 1}",
            fix="leave within and tasks_per_node empty, or say gang = true",
        )


def _filled(jobs: pa.Table, table: pa.Table, loose: NDArray[np.bool_], row: Ints, pod: Ints) -> pa.Table:
    """The rows of the pods with what each has of its own.  row: int64[rows] of `jobs`, pod: its number there."""
    split = loose[row]
    ids = [str(name) for name in jobs.column("job_id").to_pylist()]
    names = [f"{ids[r]}_{i}" if own else ids[r] for r, i, own in zip(row, pod, split, strict=True)]
    table = _with(table, "job_id", pa.array(names, pa.string()))
    ones = pa.array(np.where(split, 1, pc.fill_null(table.column("tasks"), 1).to_numpy()))
    table = _with(table, "tasks", ones.cast(table.schema.field("tasks").type))
    old = pa.array([ids[r] if own else None for r, own in zip(row, split, strict=True)], pa.string())
    if "array_id" in table.column_names:
        old = pc.coalesce(table.column("array_id"), old)
    table = _with(table, "array_id", old)
    if "dependency" in table.column_names:
        many = {ids[r]: ":".join(f"{ids[r]}_{i}" for i in range(int(n))) for r, n in _pods_of(loose, row)}
        depends = [_on_all(text, many) for text in table.column("dependency").to_pylist()]
        table = _with(table, "dependency", pa.array(depends, pa.string()))
    if "placement" in table.column_names:
        where = zip(table.column("placement").to_pylist(), pod.tolist(), split.tolist(), strict=True)
        places = [_part(text, i) if own else text for text, i, own in where]
        table = _with(table, "placement", pa.array(places, pa.string()))
    return table


def _pods_of(loose: NDArray[np.bool_], row: Ints) -> list[tuple[int, int]]:
    counts = np.bincount(row, minlength=len(loose))
    return [(int(r), int(counts[r])) for r in np.flatnonzero(loose)]


def _with(table: pa.Table, name: str, values: Values) -> pa.Table:
    if name not in table.column_names:
        return table.append_column(name, values)
    return table.set_column(table.column_names.index(name), name, values)


def _on_all(text: str | None, many: dict[str, str]) -> str | None:
    """A dependency on a job as one on all its pods."""
    if text is None:
        return None
    clauses = (clause.split(":") for clause in text.split(","))
    return ",".join(":".join([kind, *(many.get(name, name) for name in ids)]) for kind, *ids in clauses)


def _part(text: str | None, pod: int) -> str | None:
    """Where one pod runs, of the placement of all; what cannot be read is left to who places it."""
    if text is None:
        return None
    if not text.lstrip().startswith("["):
        names = expand_hostlist(text)
        return names[pod % len(names)]
    try:
        tasks = json.loads(text)
        return json.dumps([tasks[pod]], separators=(",", ":"))
    except (ValueError, TypeError, IndexError, RecursionError):
        return text
