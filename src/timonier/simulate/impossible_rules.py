"""What can be wrong with a request, one rule a fault, and the request without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from timonier.simulate import capacity as room
from timonier.simulate.ask import Ask
from timonier.simulate.capacity import Room
from timonier.simulate.demands import (
    cell,
    demands,
    in_gib,
    larger_slice,
    memories,
    most_of,
    near_profile,
    near_word,
    nearest_word,
    of_types,
    profiles_of,
    shown,
    slice_for_share,
    with_resource,
)


@dataclass(frozen=True, slots=True)
class Change:
    """One demand that is too much, and the request without that fault (None: there is none)."""

    why: str
    ask: Ask | None
    offer: str


# ---- rules: each sees one fault, in this order; a later one may rely on the earlier ones


def _partition(machine_room: Room, ask: Ask) -> Change | None:
    names = [part.name for part in machine_room.machine.partitions]
    if not ask.partition or ask.partition in names:
        return None
    if not names:
        why = f"partition {ask.partition!r} asked for; this machine has no partitions"
        return Change(why, replace(ask, partition=""), "no partition")
    near = nearest_word(ask.partition, names)
    why = f"no partition {ask.partition!r} on this machine (it has {', '.join(sorted(names))})"
    return Change(why, replace(ask, partition=near), f"partition = {near}")


def _features(machine_room: Room, ask: Ask) -> Change | None:
    if not ask.features or machine_room.allowed(ask):
        return None
    bare = machine_room.allowed(replace(ask, features=()))
    there = sorted({word for group in bare for word in group.features})
    where = f" in partition {ask.partition!r}" if ask.partition else ""
    wanted = " | ".join("&".join(sorted(words)) for words in ask.features)
    strangers = sorted({word for words in ask.features for word in words if word not in there})
    if not strangers:
        best = max(
            (frozenset(words & frozenset(group.features)) for words in ask.features for group in bare),
            key=lambda words: (len(words), sorted(words)),
        )
        offer = f"features = {'&'.join(sorted(best))}" if best else "no features"
        why = f"no node{where} has the features {wanted} together"
        return Change(why, replace(ask, features=(best,) if best else ()), offer)
    if not there:
        return Change(
            f"no node{where} has the feature {strangers[0]!r}", replace(ask, features=()), "no features"
        )
    near = {word: near_word([word], there) for word in strangers}  # a word that is near none is dropped
    meant = [frozenset(near.get(word, word) for word in words) - {None} for words in ask.features]
    features = tuple(frozenset(word for word in words if word) for words in meant) if all(meant) else ()
    wanted = "|".join("&".join(sorted(words)) for words in features)
    why = f"no node{where} has the feature {strangers[0]!r} (known: {', '.join(there)})"
    return Change(why, replace(ask, features=features), f"features = {wanted}" if features else "no features")


def _no_gpus(machine_room: Room, ask: Ask) -> Change | None:
    if not ask.gpus or _has_gpus(machine_room, ask):
        return None
    why = f"partition {(ask.partition or machine_room.default)!r} has no GPU"
    for part in machine_room.machine.partitions:
        if _has_gpus(machine_room, replace(ask, partition=part.name)):
            return Change(why, replace(ask, partition=part.name), f"partition = {part.name}")
    if ask.partition and _has_gpus(machine_room, replace(ask, partition="")):
        return Change(why, replace(ask, partition=""), "no partition")
    if ask.features and _has_gpus(machine_room, replace(ask, features=())):
        return Change("no node with these features has a GPU", replace(ask, features=()), "no features")
    if not any(place.group.gpus for place in machine_room.places):
        why = "this machine has no GPU"
    bare = replace(ask, gpus=0, mig="", types=(), steps=(), gpu_memory_bytes=0)
    return Change(why, bare, "gpus = 0")


def _has_gpus(machine_room: Room, ask: Ask) -> bool:
    return any(group.gpus for group in machine_room.allowed(ask))


def _types(machine_room: Room, ask: Ask) -> Change | None:
    if not ask.gpus or not ask.types or machine_room.gpus(ask):
        return None
    here = sorted({one.type for group in machine_room.allowed(ask) for one in group.gpus})
    anywhere = {one.type.lower() for place in machine_room.places for one in place.group.gpus}
    wanted = "|".join(ask.types)
    if any(type_ in anywhere for type_ in ask.types):
        why = f"no GPU of type {wanted} on the nodes that it may use (they have {', '.join(here)})"
    else:
        why = f"no GPU of type {wanted} on this machine (it has {', '.join(here)})"
    of_feature = _types_of_feature(machine_room, ask)
    near = near_word(ask.types, here)
    if of_feature:
        why += f"; {ask.types[0]} is a feature of the nodes with {', '.join(of_feature)}"
    meant = of_feature or ([near] if near else [])
    types = tuple(type_.lower() for type_ in meant)
    offer = f"gpu_types = {'|'.join(meant)}" if meant else "no gpu_types"
    return Change(why, replace(ask, types=types, steps=()), offer)


def _types_of_feature(machine_room: Room, ask: Ask) -> list[str]:
    """The types of GPU on the nodes of which the first word is a feature."""
    groups = [
        group
        for group in machine_room.allowed(ask)
        if ask.types[0] in {word.lower() for word in group.features}
    ]
    return sorted({one.type for group in groups for one in group.gpus})


def _slices(machine_room: Room, ask: Ask) -> Change | None:
    if not ask.mig:
        return None
    cut = [one for one in machine_room.gpus(ask) if one.sharing == "mig"]
    if not cut:
        any_cut = [one for group in machine_room.allowed(ask) for one in group.gpus if one.sharing == "mig"]
        why = f"MIG profile {ask.mig} asked for; no GPU {of_types(ask)}is cut into slices (sharing = mig)"
        if any_cut:
            return Change(
                why,
                replace(ask, types=(any_cut[0].type.lower(),), steps=()),
                f"gpu_types = {any_cut[0].type}",
            )
        return Change(why, replace(ask, mig="", gpus=1000), "gpus = 1 without mig")
    if any(room.units_of(one, replace(ask, gpu_memory_bytes=0)) for one in cut):
        return None
    there = [profile for one in cut for profile in profiles_of(one)]
    types = ", ".join(sorted({one.type for one in cut}))
    known = ", ".join(dict.fromkeys(profile.name for profile in there))
    near = near_profile(ask.mig, there)
    if near is None:
        return Change(
            f"no GPU of type {types} has a slice in its layout", replace(ask, mig="", gpus=1000), "no mig"
        )
    if any(room.profile_on(one, ask.mig) for one in cut):
        why = f"no fixed layout of {types} has a slice {ask.mig} (they have {known})"
    else:
        why = f"{types} has no MIG profile {ask.mig} (it has {known})"
    return Change(why, replace(ask, mig=near.name), f"mig = {near.name}")


def _shares(machine_room: Room, ask: Ask) -> Change | None:
    if not ask.is_share or room.any_shared(machine_room.gpus(ask)):
        return None
    share = f"{ask.gpus / 1000:g}"
    why = f"a share of {share} GPU asked for; no GPU {of_types(ask)}is shared (sharing = time-slice or fraction)"
    shared = sorted(
        {one.type for group in machine_room.allowed(ask) for one in group.gpus if room.any_shared([one])}
    )
    other = ""
    if shared and ask.types:
        near = nearest_word(ask.types[0], shared)
        if machine_room.is_possible(replace(ask, types=(near.lower(),), steps=())):
            other = f" (or gpu_types = {near})"
    slice_ = slice_for_share(ask, [one for one in machine_room.gpus(ask) if one.sharing == "mig"])
    if slice_ is not None:
        return Change(why, replace(ask, mig=slice_.name, gpus=1000), f"gpus = 1, mig = {slice_.name}{other}")
    return Change(why, replace(ask, gpus=1000), f"gpus = 1{other}")


def _whole_gpus(machine_room: Room, ask: Ask) -> Change | None:
    if not ask.gpus or ask.mig or ask.is_share:
        return None
    bare = replace(ask, gpu_memory_bytes=0)
    if any(room.units_of(one, bare) for one in machine_room.gpus(ask)):
        return None
    cut = machine_room.gpus(ask)
    near = near_profile("7g", [profile for one in cut for profile in profiles_of(one)])
    why = f"whole GPUs asked for; every GPU {of_types(ask)}is cut into fixed slices"
    if near is None:
        return Change(why, replace(ask, gpus=0, types=(), steps=()), "gpus = 0")
    return Change(why, replace(ask, mig=near.name), f"mig = {near.name}")


def _gpu_memory(machine_room: Room, ask: Ask) -> Change | None:
    if not ask.gpus or not ask.gpu_memory_bytes:
        return None
    wanted = machine_room.gpus(ask)
    if any(room.units_of(one, ask) for one in wanted):
        return None
    known = [
        size
        for one in wanted
        if room.units_of(one, replace(ask, gpu_memory_bytes=0))
        for size in memories(one, ask)
    ]
    most = max(known, default=0)
    what = f"slice {ask.mig}" if ask.mig else "GPU"
    why = f"{in_gib(ask.gpu_memory_bytes)} of GPU memory asked for; "
    if not most:
        types = ", ".join(sorted({one.type for one in wanted}))
        return Change(
            f"{why}the memory of {types} is not known",
            replace(ask, gpu_memory_bytes=0),
            "no gpu_memory_bytes",
        )
    larger = larger_slice(machine_room, ask)
    if larger is not None:
        return Change(
            f"{why}the largest {what} has {in_gib(most)}", replace(ask, mig=larger), f"mig = {larger}"
        )
    why = f"{why}the largest {what} {of_types(ask)}has {in_gib(most)}".replace("  ", " ")
    return Change(why, replace(ask, gpu_memory_bytes=most), f"gpu_memory_bytes = {most}")


def _one_demand(machine_room: Room, ask: Ask) -> Change | None:
    """Cores, memory, GPUs or another resource beyond every node, each looked at by itself."""
    one = replace(ask, tasks=1)
    for get, put, word in demands(one):
        if not get(one):
            continue
        most = max((most_of(group, one, word) for group in machine_room.allowed(one)), default=0)
        if get(one) > most:
            asked, offered = (shown(word, value, one.mig) for value in (get(one), most))
            why = f"asks for {asked} per task; the largest node that it may use has {offered}"
            return Change(why, put(ask, most), f"{word} = {cell(word, most)}")
    return None


def _together(machine_room: Room, ask: Ask) -> Change | None:
    """Each demand fits on some node, but no node has all of them."""
    one = replace(ask, tasks=1, within="")
    if any(room.tasks_on_node(group, one) for group in machine_room.allowed(one)):
        return None
    best: tuple[float, str, int, Callable[[Ask, int], Ask]] | None = None
    for get, put, word in demands(one):
        if not get(one):
            continue
        without = put(one, 0)
        nodes = [group for group in machine_room.allowed(one) if room.tasks_on_node(group, without)]
        most = max((most_of(group, one, word) for group in nodes), default=0)
        if most and (best is None or most / get(one) > best[0]):
            best = (most / get(one), word, most, put)
    asked = ", ".join(shown(word, get(one), one.mig) for get, _, word in demands(one) if get(one))
    why = f"no node that it may use has {asked} together"
    if best is not None:
        _, word, most, put = best
        return Change(why, put(ask, most), f"{word} = {cell(word, most)}")
    # two demands at odds with all others: take what the node with most of the asked GPUs or cores has
    group = max(
        machine_room.allowed(one), key=lambda group: (most_of(group, one, "gpus"), group.core_thousandths)
    )
    changed, offers = ask, list[str]()
    for get, put, word in demands(one):
        most = most_of(group, one, word)
        if get(one) > most:
            changed, offers = put(changed, most), [*offers, f"{word} = {cell(word, most)}"]
    return Change(why, changed, ", ".join(offers))


def _licences(machine_room: Room, ask: Ask) -> Change | None:
    if room.licences_for(machine_room.machine, ask) >= ask.tasks:
        return None
    for name, amount in ask.resources:
        have = machine_room.machine.licences.get(room.licence_name(name), 0)
        if not room.is_licence(name) or have >= amount * ask.tasks:
            continue
        word = room.licence_name(name)
        known = ", ".join(sorted(machine_room.machine.licences)) or "none"
        if not have:
            why = f"no licence {word!r} on this machine (it has {known})"
        else:
            why = f"asks for {amount * ask.tasks} licences {word}; the machine has {have}"
        if have >= amount:
            return Change(why, replace(ask, tasks=have // amount), f"tasks = {have // amount}")
        return Change(why, with_resource(ask, name, have), f"res.{name} = {have}")
    return None


def _within(machine_room: Room, ask: Ask) -> Change | None:
    """Inside one rack or switch, on a machine whose nodes are in none."""
    if not ask.within or machine_room.tasks_together(replace(ask, tasks=1)):
        return None
    why = f"no {ask.within} of this machine has a node for one of its tasks"
    return Change(why, replace(ask, within=""), "within empty")


def _tasks(machine_room: Room, ask: Ask) -> Change | None:
    most = machine_room.tasks_together(ask)
    where = f" in one {ask.within}" if ask.within else ""
    if ask.within and machine_room.is_possible(replace(ask, within="")):
        why = f"{ask.tasks:,} tasks asked for{where}; at most {most:,} fit there"
        return Change(why, replace(ask, tasks=most), f"tasks = {most} (or within empty)")
    why = f"{ask.tasks:,} tasks asked for; at most {most:,} fit{where} on the empty machine"
    return Change(why, replace(ask, tasks=most), f"tasks = {most}")


Rule = Callable[[Room, Ask], "Change | None"]
RULES: tuple[Rule, ...] = (
    _partition, _features, _no_gpus, _types, _slices, _shares, _whole_gpus, _gpu_memory,
    _one_demand, _together, _licences,
    _within,
    _tasks,
)  # fmt: skip
