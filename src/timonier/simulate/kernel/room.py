"""Take and give on nodes and devices: how many tasks fit, and the only functions that change a room."""

from __future__ import annotations

from timonier.simulate.kernel.free import count_left, device_left, note
from timonier.simulate.kernel.jit import helper_once as helper
from timonier.simulate.kernel.jit import inline_once as inline
from timonier.simulate.kernel.mig import count_slices
from timonier.simulate.kernel.site import (
    BOTH_ROOMS,
    EXCLUSIVE,
    FREE_SHARE,
    LATER_ROOM,
    MASK,
    OWNER,
    SHARED,
    SHARERS,
    SLICED,
    TASKS,
    WHOLE,
    Cluster,
    Held,
    Room,
    Site,
)

MANY = 1 << 30


@inline
def room_of(cluster: Cluster, view: int) -> Room:
    """The room that a view looks at."""
    if view == LATER_ROOM:
        return cluster.later
    if view == BOTH_ROOMS:
        return cluster.both
    return cluster.room


@inline
def units(site: Site, room: Room, s: int, alt: int, d: int) -> int:
    """How many GPUs, shares or slices of shape s device d can give now."""
    device = site.device[d]
    if site.suits[alt, device["type"]] == 0:
        return 0
    shape = site.shape[s]
    free = room.device[d, FREE_SHARE]
    sharing = device["sharing"]
    if shape["profile"] >= 0:
        if device["geometry"] < 0 or free < WHOLE:
            return 0
        return count_slices(site, int(device["geometry"]), int(shape["profile"]), int(room.device[d, MASK]))
    share = shape["share"]
    if share > 0:
        if sharing == SHARED:
            return int(max(0, min(free // share, device["most"] - room.device[d, SHARERS])))
        return 1 if sharing == EXCLUSIVE and free == WHOLE else 0
    if free == WHOLE and room.device[d, MASK] == 0 and sharing <= SLICED:
        return 1
    return 0


@inline
def capacity(site: Site, room: Room, job: int, s: int, alt: int, n: int, most: int) -> int:
    """How many tasks of shape s node n can take, of a job that has none there yet; counted up to `most`."""
    node = site.node[n]
    if site.allowed[s, node["kind"]] == 0:
        return 0
    shape = site.shape[s]
    owner = room.users[n, OWNER]
    if owner >= 0 and owner != job:
        return 0
    if shape["whole"] and room.users[n, TASKS] > 0 and owner != job:
        return 0
    count = min(int(shape["per_node"]), most)
    for r in range(len(site.limited) - 1):
        want = site.want[s, r]
        if want > 0:
            if room.left[n, r] < want:
                return 0
            if count > 1:
                count = min(count, int(room.left[n, r] // want))
    gpus = int(shape["gpus"])
    if gpus > 0:
        found = 0
        for d in range(node["first"], node["last"]):
            found += units(site, room, s, alt, d)
            if found >= gpus * count:
                break
        count = min(count, found // gpus)
    return count


@inline
def spare_units(site: Site, room: Room, now: Room, s: int, alt: int, d: int) -> int:
    """How many of `units` take nothing that is free in the room `now`."""
    count = units(site, room, s, alt, d)
    if count == 0:
        return 0
    shape = site.shape[s]
    free_now = now.device[d, FREE_SHARE]
    if shape["profile"] >= 0:
        if free_now < WHOLE:
            return count
        mask = int(room.device[d, MASK]) | (~int(now.device[d, MASK]) & 255)
        return count_slices(site, int(site.device[d]["geometry"]), int(shape["profile"]), mask)
    share = shape["share"]
    if share > 0 and site.device[d]["sharing"] == SHARED:
        return int(min(count, (room.device[d, FREE_SHARE] - free_now) // share))
    return count if free_now == 0 else 0


@inline
def is_spare(site: Site, room: Room, now: Room, s: int, alt: int, n: int) -> bool:
    """Would a task on node n, which has room for it, take nothing that is free in the room `now`?"""
    shape = site.shape[s]
    if shape["whole"] and now.users[n, TASKS] == 0:
        return False
    for r in range(len(site.limited) - 1):
        want = site.want[s, r]
        if want > 0 and room.left[n, r] - want < now.left[n, r]:
            return False
    gpus = shape["gpus"]
    if gpus > 0:
        found = 0
        node = site.node[n]
        for d in range(node["first"], node["last"]):
            found += spare_units(site, room, now, s, alt, d)
        return bool(found >= gpus)
    return True


@inline
def licensed(site: Site, room: Room, s: int, tasks: int) -> bool:
    """Are there licences for so many tasks?"""
    if site.shape[s]["licensed"]:
        for c in range(len(room.licence)):
            if room.licence[c] < tasks * site.licence[s, c]:
                return False
    return True


@inline
def move_device(site: Site, room: Room, s: int, d: int, start: int, sign: int) -> None:
    """Take (sign 1) what one task of shape s holds on device d, or give it back (-1)."""
    device = site.device[d]
    shape = site.shape[s]
    left = device_left(site, room, d)
    if start >= 0:
        width = site.slices[device["geometry"], shape["profile"]]
        bits = ((1 << width) - 1) << start
        if sign > 0:
            room.device[d, MASK] |= bits
        else:
            room.device[d, MASK] &= ~bits
    elif shape["share"] > 0 and device["sharing"] == SHARED:
        room.device[d, FREE_SHARE] -= sign * shape["share"]
        room.device[d, SHARERS] += sign
    else:
        room.device[d, FREE_SHARE] -= sign * WHOLE
    room.gpus[device["node"]] += device_left(site, room, d) - left


@inline
def move_node(site: Site, room: Room, job: int, s: int, n: int, sign: int) -> None:
    """Take (sign 1) or give back (-1) what one task holds of node n, and its licences."""
    for r in range(room.left.shape[1]):
        room.left[n, r] -= sign * site.want[s, r]
    room.users[n, TASKS] += sign
    room.version[n] += 1
    shape = site.shape[s]
    if shape["whole"]:
        room.users[n, OWNER] = job if room.users[n, TASKS] > 0 else -1
    if room.sorts.shape[1] > 0 and shape["gpus"] > 0:
        room.sorts[n, shape["sort"]] += sign
    if shape["licensed"]:
        for c in range(len(room.licence)):
            room.licence[c] -= sign * site.licence[s, c]
    if len(room.word) > 0:
        note(site, room, n)


@helper
def move_job(site: Site, room: Room, held: Held, job: int, s: int, rows: int, tasks: int, sign: int) -> None:
    """Take (sign 1) or give back (-1) all that a job holds by its rows of `held`."""
    shape = site.shape[s]
    width = int(shape["width"])
    for task in range(tasks):
        row = rows + task * width
        for i in range(shape["gpus"]):
            move_device(site, room, s, int(held.device[row + i]), int(held.start[row + i]), sign)
        move_node(site, room, job, s, int(held.node[row]), sign)


@helper
def copy_room(source: Room, target: Room) -> None:
    """All that is free in one room, into another."""
    for n in range(source.left.shape[0]):
        for r in range(source.left.shape[1]):
            target.left[n, r] = source.left[n, r]
        target.users[n, TASKS] = source.users[n, TASKS]
        target.users[n, OWNER] = source.users[n, OWNER]
        target.gpus[n] = source.gpus[n]
        for sort in range(source.sorts.shape[1]):
            target.sorts[n, sort] = source.sorts[n, sort]
    for d in range(source.device.shape[0]):
        target.device[d, FREE_SHARE] = source.device[d, FREE_SHARE]
        target.device[d, SHARERS] = source.device[d, SHARERS]
        target.device[d, MASK] = source.device[d, MASK]
    for c in range(len(source.licence)):
        target.licence[c] = source.licence[c]


@helper
def meet_node(site: Site, a: Room, b: Room, both: Room, n: int) -> None:
    """What is free of node n and its devices in both rooms."""
    for r in range(a.left.shape[1]):
        both.left[n, r] = min(a.left[n, r], b.left[n, r])
    both.users[n, TASKS] = max(a.users[n, TASKS], b.users[n, TASKS])
    both.users[n, OWNER] = max(a.users[n, OWNER], b.users[n, OWNER])
    for sort in range(a.sorts.shape[1]):
        both.sorts[n, sort] = max(a.sorts[n, sort], b.sorts[n, sort])
    node = site.node[n]
    for d in range(node["first"], node["last"]):
        both.device[d, FREE_SHARE] = min(a.device[d, FREE_SHARE], b.device[d, FREE_SHARE])
        both.device[d, SHARERS] = max(a.device[d, SHARERS], b.device[d, SHARERS])
        both.device[d, MASK] = a.device[d, MASK] | b.device[d, MASK]
    both.gpus[n] = count_left(site, both, n)


@helper
def meet(site: Site, a: Room, b: Room, both: Room) -> None:
    """What is free in both rooms."""
    for n in range(len(site.node)):
        meet_node(site, a, b, both, n)
    for c in range(len(a.licence)):
        both.licence[c] = min(a.licence[c], b.licence[c])
