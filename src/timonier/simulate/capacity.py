"""How many tasks of a request the empty machine holds, node by node.

The tasks of a request are equal and nothing of one node changes another, so that the tasks of the whole
machine are the sum over its nodes.  The rules for GPUs (docs/background/sharing.md):
shares on one GPU sum to at most one, and are of at most `max_sharers` jobs; beside shared GPUs (`time-slice` or
`fraction`) a share may also have an exclusive one to itself, but a request for a share that may use no shared GPU at
all is refused; a slice needs a GPU under `mig`; whole GPUs are taken from any kind, but from a cut one only where
its layout is dynamic; the GPUs of one task may be of several types that will do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from timonier.describe import Gpus, Machine, MigProfile, Nodes, mig_geometry
from timonier.describe.devices import memory_of
from timonier.simulate.ask import Ask


@dataclass(frozen=True, slots=True)
class Place:
    """Nodes that nothing tells apart: of one group, in the same partitions and under the same switches."""

    group: Nodes
    count: int
    partitions: frozenset[str]
    switches: frozenset[str]


class Room:
    """The empty machine, as requests see it."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.places = places_of(machine)
        self.default = default_partition(machine)

    def is_possible(self, ask: Ask) -> bool:
        """Does the empty machine hold this request?"""
        if ask.is_share and not any_shared(self.gpus(ask)):
            return False
        return any(self._holds(one) for one in ask.alternatives())

    def _holds(self, ask: Ask) -> bool:
        return min(self.tasks_together(ask), licences_for(self.machine, ask)) >= ask.tasks

    def tasks_together(self, ask: Ask) -> int:
        """Tasks that the empty machine holds at once, whatever the licences."""
        return max(tasks_together(self.places, one, self.default) for one in ask.alternatives())

    def allowed(self, ask: Ask) -> list[Nodes]:
        """Groups with nodes that partition and features let the request use."""
        return [place.group for place in self.places if allows(place, ask, self.default)]

    def gpus(self, ask: Ask) -> list[Gpus]:
        """GPUs of the wanted types on these nodes."""
        return [one for group in self.allowed(ask) for one in group.gpus if is_wanted(one, ask)]


def places_of(machine: Machine) -> list[Place]:
    """The nodes of a machine, those alike counted together."""
    partitions: dict[str, set[str]] = {}
    for part in machine.partitions:
        for node in part.nodes:
            partitions.setdefault(node, set()).add(part.name)
    switches: dict[str, set[str]] = {}
    for switch in machine.switches:
        for node in switch.nodes:
            switches.setdefault(node, set()).add(switch.name)
    places = []
    for group in machine.nodes:
        alike = Counter(
            (frozenset(partitions.get(name, ())), frozenset(switches.get(name, ()))) for name in group.names
        )
        places += [Place(group, count, *where) for where, count in alike.items()]
    return places


def default_partition(machine: Machine) -> str:
    """The partition of jobs that name none; empty: they may use every node."""
    return next((part.name for part in machine.partitions if part.default), "")


def allows(place: Place, ask: Ask, default: str) -> bool:
    """Do partition and features let the request use these nodes?"""
    partition = ask.partition or default
    if partition and partition not in place.partitions:
        return False
    words = frozenset(place.group.features)
    return not ask.features or any(alternative <= words for alternative in ask.features)


def is_wanted(gpus: Gpus, ask: Ask) -> bool:
    """Is this type of GPU among those that will do?"""
    return not ask.types or gpus.type.lower() in ask.types


def tasks_on_node(group: Nodes, ask: Ask) -> int:
    """Tasks that one empty node of this group holds, whatever its partition and features."""
    fits = [ask.tasks]
    if ask.tasks_per_node is not None:
        fits.append(ask.tasks_per_node)
    if ask.cores:
        fits.append(group.core_thousandths // ask.cores)
    if ask.memory_bytes:
        fits.append(group.memory_bytes // ask.memory_bytes)
    if ask.gpus:
        fits.append(tasks_by_gpus(group.gpus, ask))
    fits += [group.resources.get(name, 0) // amount for name, amount in ask.resources if not is_licence(name)]
    return min(fits)


def tasks_by_gpus(gpus: Iterable[Gpus], ask: Ask) -> int:
    """Tasks whose GPUs, shares or slices these GPUs hold."""
    units = sum(one.count * units_of(one, ask) for one in gpus)
    return units if ask.is_share else units // (ask.gpus // 1000)


def units_of(gpus: Gpus, ask: Ask) -> int:
    """What one empty GPU offers this request: 1 or 0 whole ones, so many shares, so many slices."""
    if not is_wanted(gpus, ask):
        return 0
    if ask.mig:
        return _slices(gpus, ask)
    if not _has_memory(gpus, ask.gpu_memory_bytes):
        return 0
    if ask.is_share:
        return shares_on(gpus, ask.gpus)
    return int(gpus.sharing != "mig" or gpus.layout is None)


def shares_on(gpus: Gpus, share: int) -> int:
    """Shares of so many thousandths on one GPU; an exclusive one goes to one job whole."""
    if gpus.sharing not in ("time-slice", "fraction"):
        return int(gpus.sharing == "exclusive")
    most = 1000 // share
    return most if gpus.max_sharers is None else min(most, gpus.max_sharers)


def profile_on(gpus: Gpus, mig: str) -> MigProfile | None:
    """The profile of this name on this type of GPU, where it is cut into slices at all."""
    geometry = mig_geometry(gpus.type) if gpus.sharing == "mig" else None
    return None if geometry is None else geometry.profiles.get(mig.lower())


def any_shared(gpus: Iterable[Gpus]) -> bool:
    """Is any of these GPUs shared?"""
    return any(one.sharing in ("time-slice", "fraction") for one in gpus)


def tasks_together(places: list[Place], ask: Ask, default: str) -> int:
    """Tasks that the empty machine holds at once, inside one node, switch or rack where that is asked for."""
    held = [(place, tasks_on_node(place.group, ask)) for place in places if allows(place, ask, default)]
    if ask.within == "node":
        return max((tasks for _, tasks in held), default=0)
    sums: Counter[str] = Counter()
    for place, tasks in held:
        for name in _groups(place, ask.within):
            sums[name] += tasks * place.count
    return max(sums.values(), default=0)


def licences_for(machine: Machine, ask: Ask) -> int:
    """Tasks that the licences allow."""
    limits = [
        machine.licences.get(licence_name(name), 0) // amount
        for name, amount in ask.resources
        if is_licence(name)
    ]
    return min([ask.tasks, *limits])


def is_licence(name: str) -> bool:
    """Is `res.NAME` one of the machine's licences rather than something of a node?"""
    return name.startswith("licence_")


def licence_name(name: str) -> str:
    """`licence_ansys` in a job table is `ansys` in a machine file."""
    return name.removeprefix("licence_")


def _groups(place: Place, within: str) -> list[str]:
    """What the nodes of a place belong to; a node outside every rack or switch is in none."""
    if within == "rack":
        return [place.group.rack] if place.group.rack else []
    return sorted(place.switches) if within == "switch" else ["machine"]


def _has_memory(gpus: Gpus, least: int) -> bool:
    return not least or (memory_of(gpus) or 0) >= least


def _slices(gpus: Gpus, ask: Ask) -> int:
    profile = profile_on(gpus, ask.mig)
    if profile is None or profile.memory_bytes < ask.gpu_memory_bytes:
        return 0
    if gpus.layout is not None:
        return [name.lower() for name in gpus.layout].count(profile.name)
    return _most_slices(gpus.type.lower(), profile.name)


@cache
def _most_slices(type_: str, profile: str) -> int:
    geometry = mig_geometry(type_)
    most = 0
    while geometry is not None and geometry.fit([profile] * (most + 1)) is not None:
        most += 1
    return most
