"""Who owns which part of the machine: by the machine file, or in proportion to the work of the log."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonier.compare.copies import finite_work
from timonier.describe import Machine, part_of
from timonier.kit.errors import InputError
from timonier.workload import Jobs
from timonier.workload.arrow import pc

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BY_MACHINE = "machine"  # the [[owner]] tables of the machine file
KINDS = ("user", "account", BY_MACHINE)
NO_OWNER = ""


def slices(work: Floats, processors: int) -> Ints:
    """Whole processors for each owner, in proportion to work, at least 1, summing to the machine.

    work: float64[O].  Returns int64[O].  Largest remainder (Hamilton), ties to the first owner; who gets none by
    it takes one from whoever has most.  Raises InputError where there are more owners than processors.
    """
    owners = len(work)
    if owners > processors:
        raise InputError(
            f"{owners:,} owners cannot share {processors:,} processors: each needs one",
            where="profile private",
            fix="take another --owner (user or account), or leave `private` out",
        )
    total = float(work.sum())
    share = work / total if total > 0 else np.full(owners, 1.0 / owners)
    exact = share * processors
    whole = np.floor(exact).astype(np.int64)
    left = processors - int(whole.sum())
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[:left]] += 1
    for poor in np.flatnonzero(whole == 0):
        whole[np.argmax(whole)] -= 1
        whole[poor] = 1
    return whole


@dataclass(frozen=True, slots=True)
class Owners:
    """Who owns what.

    code: int64[J], each job's owner.  slices: a machine an owner, None: nothing.
    """

    code: Ints
    slices: list[Machine | None]


def default_kind(machine: Machine) -> str:
    """Who owns slices unless it is said: the owners of the machine file or, where it names none, the users."""
    return BY_MACHINE if machine.owners else "user"


def owners_of(jobs: Jobs, machine: Machine, owner: str) -> Owners:
    """The owners of a workload and their slices.

    owner: the column that names owners, user or account; their slices are in proportion to work (processor-seconds),
    and jobs without an owner share one.  Or "machine": the accounts of the machine's [[owner]] tables, and for all
    other jobs what nobody owns.  Raises InputError where nobody owns anything, or too many do.
    """
    if machine.processors is None and owner != BY_MACHINE:
        fix = "say in [[owner]] tables of the machine file who owns which nodes, or leave `private` out"
        raise InputError("nodes are not cut by work", where=f"machine {machine.name}", fix=fix)
    column = "account" if owner == BY_MACHINE else owner
    if jobs.texts(column).null_count == len(jobs):
        raise InputError(
            f"no job has a value of {column!r}: who owns what is not known",
            where=jobs.source,
            fix="take another --owner (user or account), or leave `private` out",
        )
    names, code = _encoded(jobs, column)
    if owner == BY_MACHINE:
        return _by_machine(names, code, machine)
    work = np.bincount(code, weights=finite_work(jobs)).astype(np.float64)
    given = slices(work, machine.processors or 0).tolist()
    return Owners(code, [_counted(machine, name, own) for name, own in zip(names, given, strict=True)])


def _encoded(jobs: Jobs, column: str) -> tuple[list[str], Ints]:
    """The names in a column, and each job's index into them."""
    names = pc.fill_null(jobs.texts(column), NO_OWNER)
    names = names.combine_chunks() if isinstance(names, pa.ChunkedArray) else names
    encoded = names.dictionary_encode()
    return [str(name) for name in encoded.dictionary.to_pylist()], np.asarray(encoded.indices, dtype=np.int64)


def _by_machine(names: list[str], code: Ints, machine: Machine) -> Owners:
    """The owners of the machine file; whoever is not among them shares what nobody owns."""
    if not machine.owners:
        raise InputError(
            "the machine names no owners",
            where=f"machine {machine.name}",
            fix="add [[owner]] tables to its file, or take --owner user or account",
        )
    at = {owner.account: place for place, owner in enumerate(machine.owners)}
    place = np.array([at.get(name, len(at)) for name in names], dtype=np.int64)
    if machine.processors is not None:
        owned = [(owner.account, owner.processors or 0) for owner in machine.owners]
        left = machine.processors - sum(own for _, own in owned)
        given = [_counted(machine, account, own) for account, own in [*owned, (NO_OWNER, left)]]
    else:
        taken = {node for owner in machine.owners for node in owner.nodes}
        rest = tuple(node for group in machine.nodes for node in group.names if node not in taken)
        parts = [(owner.account, owner.nodes) for owner in machine.owners]
        given = [
            part_of(machine, nodes, f"{machine.name}/{account}") if nodes else None
            for account, nodes in [*parts, (NO_OWNER, rest)]
        ]
    return Owners(place[code], given)


def _counted(machine: Machine, name: str, processors: int) -> Machine | None:
    if processors == 0:
        return None
    return replace(machine, name=f"{machine.name}/{name}", processors=processors, owners=())
