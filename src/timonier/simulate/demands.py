"""The demands of a request, one by one: how to read, change and word them; what is nearest to a word."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from timonier.describe import Gpus, MigProfile, Nodes, mig_geometry
from timonier.describe.devices import memory_of
from timonier.kit.errors import nearest
from timonier.simulate import capacity as room
from timonier.simulate.ask import Ask
from timonier.simulate.capacity import Room

_GIB = 2**30

Getter = Callable[[Ask], int]
Putter = Callable[[Ask, int], Ask]


def demands(ask: Ask) -> list[tuple[Getter, Putter, str]]:
    """How to read and to change each demand of a task, with its column."""
    demands: list[tuple[Getter, Putter, str]] = [
        (lambda a: a.gpus, lambda a, value: replace(a, gpus=value), "gpus"),
        (lambda a: a.cores, lambda a, value: replace(a, cores=value), "cores"),
        (lambda a: a.memory_bytes, lambda a, value: replace(a, memory_bytes=value), "memory_bytes"),
    ]
    for name, _ in ask.resources:
        if not room.is_licence(name):
            demands.append((_resource_getter(name), _resource_putter(name), f"res.{name}"))
    return demands


def _resource_getter(name: str) -> Getter:
    return lambda ask: dict(ask.resources).get(name, 0)


def _resource_putter(name: str) -> Putter:
    return lambda ask, value: with_resource(ask, name, value)


def with_resource(ask: Ask, name: str, value: int) -> Ask:
    """The request with another amount of one resource; an amount of 0 is no request for it."""
    return replace(
        ask,
        resources=tuple(
            (one, value if one == name else old) for one, old in ask.resources if one != name or value
        ),
    )


def most_of(group: Nodes, ask: Ask, word: str) -> int:
    """The most of one demand that a task could have on an empty node of this group."""
    if word == "cores":
        return group.core_thousandths
    if word == "memory_bytes":
        return group.memory_bytes
    if word == "gpus":
        units = sum(one.count * room.units_of(one, ask) for one in group.gpus)
        return (ask.gpus if units else 0) if ask.is_share else 1000 * units
    return group.resources.get(word.removeprefix("res."), 0)


def shown(word: str, value: int, mig: str = "") -> str:
    """A demand as people read it; mig: the profile of which `gpus` counts slices."""
    if word == "memory_bytes":
        return f"{in_gib(value)} of memory"
    if word == "gpus" and mig:
        return f"{value / 1000:g} MIG slice{'' if value == 1000 else 's'} {mig}"
    if word in ("cores", "gpus"):
        unit = "GPU" if word == "gpus" else "core"
        return f"{value / 1000:g} {unit}" + ("" if value == 1000 else "s")
    return f"{value} {word}"


def cell(word: str, value: int) -> str:
    """As it would stand in the job table."""
    return f"{value / 1000:g}" if word in ("cores", "gpus") else str(value)


def in_gib(size: int) -> str:
    """Bytes in GiB."""
    gib = size / _GIB
    return f"{gib:,.0f} GiB" if gib >= 1000 else f"{gib:.4g} GiB"


def of_types(ask: Ask) -> str:
    """`of type A|B `, or nothing where any type will do."""
    return f"of type {'|'.join(ask.types)} " if ask.types else ""


def nearest_word(name: str, known: Iterable[str]) -> str:
    """The known word nearest to `name`; the first one where none is near."""
    names = sorted(known)
    return near_word([name], names) or names[0]


def near_word(names: Iterable[str], known: Iterable[str]) -> str | None:
    """The known word near to the first of these that is near to any; None where none is."""
    known = sorted(known)
    offers = (nearest(name, known) for name in names)
    return next((offer.split("'")[1] for offer in offers if offer.startswith("did you mean")), None)


def profiles_of(gpus: Gpus) -> list[MigProfile]:
    """The slices that one GPU can have, by its geometry or its fixed layout."""
    geometry = mig_geometry(gpus.type)
    if geometry is None:
        return []
    if gpus.layout is None:
        return list(geometry.profiles.values())
    return [geometry.profiles[name.lower()] for name in dict.fromkeys(gpus.layout)]


def near_profile(name: str, there: list[MigProfile]) -> MigProfile | None:
    """By size: the smallest slice with at least the wanted compute and memory, else one of this memory, else the largest.

    A name that says no size is a slip of the pen: the slice that is written most alike.
    """
    if not there:
        return None
    compute, memory = _size_of(name)
    alike = near_word([name.lower()], [one.name for one in there])
    if not (compute and memory) and alike is not None and "." in name:
        return next(one for one in there if one.name == alike)
    enough = [one for one in there if one.compute_slices >= compute and _size_of(one.name)[1] >= memory]
    same = [one for one in there if memory and _size_of(one.name)[1] == memory]
    if enough or same:
        return min(enough or same, key=_size)
    return max(there, key=_size)


def slice_for_share(ask: Ask, cut: Iterable[Gpus]) -> MigProfile | None:
    """The smallest slice of these GPUs with at least the share of compute and of memory; None where there is none."""
    fits = []
    for one in cut:
        geometry = mig_geometry(one.type)
        if geometry is None:
            continue
        for profile in profiles_of(one):
            share = min(
                profile.compute_slices / geometry.compute_slices,
                profile.memory_slices / geometry.memory_slices,
            )
            if 1000 * share >= ask.gpus and profile.memory_bytes >= ask.gpu_memory_bytes:
                fits.append(profile)
    return min(fits, key=_size, default=None)


def _size(profile: MigProfile) -> tuple[int, int, str]:
    return profile.compute_slices, profile.memory_bytes, profile.name


def _size_of(name: str) -> tuple[int, int]:
    """Compute slices and GB of a profile's name, 0 where it does not say: `3g.20gb` is (3, 20)."""
    first, _, second = name.lower().partition(".")
    compute, memory = first.removesuffix("g"), second.split("+")[0].removesuffix("gb")
    return (int(compute) if compute.isdecimal() else 0), (int(memory) if memory.isdecimal() else 0)


def larger_slice(machine_room: Room, ask: Ask) -> str | None:
    """The smallest slice that has the asked memory."""
    if not ask.mig:
        return None
    there = [
        profile
        for one in machine_room.gpus(ask)
        if one.sharing == "mig"
        for profile in profiles_of(one)
        if profile.memory_bytes >= ask.gpu_memory_bytes
    ]
    return min(there, key=lambda one: (one.compute_slices, one.memory_bytes)).name if there else None


def memories(gpus: Gpus, ask: Ask) -> list[int]:
    """The memory of such a GPU or of the asked slice on it, in bytes; empty where it is not known."""
    if ask.mig:
        profile = room.profile_on(gpus, ask.mig)
        return [] if profile is None else [profile.memory_bytes]
    known = memory_of(gpus)
    return [] if known is None else [known]
