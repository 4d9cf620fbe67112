"""Dependencies between jobs: `afterok:17:18,afterany:19` to a table of who waits for whom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from timonier.kit.errors import InputError, nearest
from timonier.simulate.kernel.arrivals import AFTERANY, AFTERNOTOK, AFTEROK
from timonier.workload import Jobs
from timonier.workload.arrow import pc

KINDS = {"afterany": AFTERANY, "afterok": AFTEROK, "afternotok": AFTERNOTOK}


@dataclass(frozen=True, slots=True)
class Links:
    """Who waits for whom, by packed job.

    depends: int8[J], 1 where a job waits for another that is in the table.
    children[child_at[j]:child_at[j + 1]], child_kind: who waits for j, and how.
    absent: dependencies on jobs that are not in the table: taken as fulfilled.
    """

    depends: NDArray[np.int8]
    child_at: NDArray[np.int64]
    children: NDArray[np.int32]
    child_kind: NDArray[np.int8]
    absent: int


def parse(text: str) -> list[tuple[int, str]]:
    """(kind, job_id) of every dependency in one cell.

    >>> parse("afterok:17:18,afterany:19")
    [(1, '17'), (1, '18'), (0, '19')]

    Raises InputError for an unknown kind or an empty list of jobs.
    """
    found: list[tuple[int, str]] = []
    for clause in text.split(","):
        kind, _, ids = clause.strip().partition(":")
        if kind not in KINDS:
            raise InputError(f"unknown dependency {clause.strip()!r}", fix=nearest(kind, KINDS))
        if "?" in ids or "+" in ids:
            raise InputError(
                f"dependency {clause.strip()!r}: `?` (any one of them) and `+` (minutes) are not modelled",
                fix="write afterok:1,afterok:2 for both of them",
            )
        names = [name.strip() for name in ids.split(":") if name.strip()]
        if not names:
            raise InputError(f"dependency {clause.strip()!r} names no job", fix="write afterok:JOB_ID")
        found += [(KINDS[kind], name) for name in names]
    return found


def read(jobs: Jobs, row: NDArray[np.int64]) -> Links:
    """The dependencies of a workload, by packed job (row[j] is its table row).

    Raises InputError for a malformed cell and for a circle of dependencies.
    """
    count = len(row)
    packed_of = np.empty(len(jobs), dtype=np.int64)
    packed_of[row] = np.arange(count)
    parents: list[int] = []
    children: list[int] = []
    kinds: list[int] = []
    absent = 0
    clauses = _clauses(jobs)
    place = {name: r for r, name in enumerate(jobs.table.column("job_id").to_pylist())} if clauses else {}
    for r, wanted in clauses.items():
        for kind, name in wanted:
            if name not in place:
                absent += 1
                continue
            parents.append(int(packed_of[place[name]]))
            children.append(int(packed_of[r]))
            kinds.append(kind)
    order = np.argsort(np.array(parents, dtype=np.int64), kind="stable")
    child = np.array(children, dtype=np.int32)[order]
    child_at = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(np.array(parents, dtype=np.int64), minlength=count), out=child_at[1:])
    depends = np.zeros(count, dtype=np.int8)
    depends[child] = 1
    links = Links(depends, child_at, child, np.array(kinds, dtype=np.int8)[order], absent)
    _refuse_circles(jobs, row, links)
    return links


def depended_on(jobs: Jobs) -> dict[int, set[str]]:
    """Row -> the job_ids that it waits for, of the jobs that have a dependency.  Raises InputError."""
    return {row: {name for _, name in clauses} for row, clauses in _clauses(jobs).items()}


def _clauses(jobs: Jobs) -> dict[int, list[tuple[int, str]]]:
    """Row -> its dependencies, each once."""
    texts = jobs.texts("dependency")
    rows = np.flatnonzero(np.asarray(pc.is_valid(texts).to_numpy(zero_copy_only=False)))
    found = {}
    for r in rows.tolist():
        try:
            found[r] = list(dict.fromkeys(parse(texts[r].as_py())))
        except InputError as error:
            error.where = f"{jobs.source}, row {r + 1}, dependency"
            raise
    return found


def _refuse_circles(jobs: Jobs, row: NDArray[np.int64], links: Links) -> None:
    """Raise InputError, naming a job, when jobs wait for each other in a circle (Kahn, 1962)."""
    missing = np.bincount(links.children, minlength=len(row))
    ready = np.flatnonzero(missing == 0).tolist()
    seen = 0
    while ready:
        parent = ready.pop()
        seen += 1
        for child in links.children[links.child_at[parent] : links.child_at[parent + 1]].tolist():
            missing[child] -= 1
            if missing[child] == 0:
                ready.append(child)
    if seen < len(row):
        stuck = int(row[int(np.flatnonzero(missing > 0)[0])])
        raise InputError(
            f"job {jobs.table.column('job_id')[stuck].as_py()!r} waits for itself through its dependencies",
            where=f"{jobs.source}, row {stuck + 1}, dependency",
            fix="take one of the dependencies out of the circle",
        )
