"""Requests that can never run on a machine with nodes: why, and the nearest request that can.

A pure function of the machine and the job table, used before a run.
A request is changed as little as it must be, one demand after the other, until the empty machine holds it;
so that the request offered is always possible itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonier.describe import Machine
from timonier.simulate.ask import Ask, distinct_asks
from timonier.simulate.capacity import Room, default_partition
from timonier.simulate.impossible_rules import RULES, Change
from timonier.workload import Jobs

_MOST_CHANGES = 20  # far beyond the demands of a request: a request that is still wrong then has no offer


@dataclass(frozen=True, slots=True)
class Impossible:
    """Why a request can never run; nearest: one that can, None where the machine has nothing like it."""

    why: str
    nearest: Ask | None
    offer: str

    @property
    def note(self) -> str:
        """For the run table: one sentence, and what to ask for instead."""
        return f"{self.why}; {self.offer}" if self.offer else self.why


def impossible_jobs(jobs: Jobs, machine: Machine) -> dict[int, str]:
    """Row -> note, of every job that the empty machine has no room for."""
    asks, which = distinct_asks(jobs)
    if not machine.partitions:  # then the column means nothing
        asks = [replace(ask, partition="") for ask in asks]
    room = Room(machine)
    found = {index: one for index, ask in enumerate(asks) if (one := explain(ask, room)) is not None}
    notes = (
        {row: found[index].note for row, index in enumerate(which.tolist()) if index in found}
        if found
        else {}
    )
    notes |= _parts_of_slices(jobs, notes)
    return notes | _over_partition_time(jobs, machine, notes)


def explain(ask: Ask, room: Room) -> Impossible | None:
    """None where the request is possible."""
    if room.is_possible(ask):
        return None
    changes: list[Change] = []
    now: Ask | None = ask
    while now is not None and len(changes) < _MOST_CHANGES and not room.is_possible(now):
        changes.append(_change(room, now))
        now = changes[-1].ask
    # a demand that was changed twice stands in the offer as it was changed last
    parts = [part for change in changes if change.offer for part in change.offer.split(", ")]
    offers = {part.split(" = ")[0]: part for part in parts}
    if now is None or not room.is_possible(now):
        return Impossible(changes[0].why, None, changes[0].offer if len(changes) == 1 else "")
    joined = ", ".join(offers.values())
    return Impossible(changes[0].why, now, f"nearest possible: {joined}")


def _change(room: Room, ask: Ask) -> Change:
    for rule in RULES:
        change = rule(room, ask)
        if change is not None:
            return change
    return Change("the empty machine has no room for it", None, "")


def _parts_of_slices(jobs: Jobs, noted: dict[int, str]) -> dict[int, str]:
    """A share (gpus below 1) and a MIG profile in one request: slices are whole.

    noted: what else is wrong with it, as if it had asked for one slice.
    """
    if not jobs.has("mig"):
        return {}
    gpus: NDArray[Any] = jobs.numbers("gpus", 0)
    is_slice = np.asarray(jobs.texts("mig").is_valid())
    notes = {}
    for row in np.flatnonzero(is_slice & (gpus > 0) & (gpus < 1)).tolist():
        why = f"asks for {gpus[row]:g} of a MIG slice; slices are whole, and a share of a GPU has no mig"
        also = noted.get(row, "nearest possible: ")
        end = "gpus = 1" if also.endswith(": ") else ", gpus = 1" if "nearest possible: " in also else ""
        notes[row] = f"{why}; {also}{end}"
    return notes


def _over_partition_time(jobs: Jobs, machine: Machine, noted: dict[int, str]) -> dict[int, str]:
    """Jobs whose limit is above the longest that their partition allows."""
    most = {part.name: part.max_time_s for part in machine.partitions if part.max_time_s is not None}
    if not most or not jobs.has("time_limit_s"):
        return {}
    limits: NDArray[Any] = jobs.numbers("time_limit_s", np.nan).astype(np.float64)
    default = default_partition(machine)
    notes = {}
    names = jobs.texts("partition").to_pylist()
    for row in np.flatnonzero(~np.isnan(limits)).tolist():
        name = names[row] or default
        if row not in noted and name in most and limits[row] > most[name]:
            why = f"its time limit of {limits[row]:.15g} s is above the {most[name]} s of partition {name!r}"
            notes[row] = f"{why}; nearest possible: time_limit_s = {most[name]}"
    return notes
