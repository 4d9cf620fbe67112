"""Which device of a node a task gets, and putting a task on a node."""

from __future__ import annotations

from timonier.simulate.kernel.chance import draw
from timonier.simulate.kernel.fragment import device_grade
from timonier.simulate.kernel.jit import helper_once as helper
from timonier.simulate.kernel.jit import inline_once as inline
from timonier.simulate.kernel.mig import pick_slice
from timonier.simulate.kernel.room import move_device, move_node, room_of, units
from timonier.simulate.kernel.site import (
    DECISIONS,
    EXCLUSIVE,
    FIXED,
    FREE_SHARE,
    LATER_ROOM,
    MASK,
    PICK,
    SCALE,
    SEED,
    SHARED,
    WHOLE,
    Cluster,
    Room,
    Scores,
    Site,
)
from timonier.simulate.kernel.state import Array

# Rules for a share or a slice: the device of lowest index, with least left, with most left, any.
LOWEST, TIGHTEST, EMPTIEST, RANDOM, GRADIENT = range(5)


@inline
def bits_left(mask: int) -> int:
    """Memory slices that are not occupied, of eight."""
    count = 0
    for b in range(8):
        count += 1 - ((mask >> b) & 1)
    return count


@inline
def pick_device(
    site: Site, room: Room, now: Room, scores: Scores, luck: Array, s: int, alt: int, n: int, spare: int
) -> int:
    """The device of node n for the next GPU, share or slice, as device << 8 | first memory slice + 1; -1: none.

    Keys, low first: (spare) what takes nothing that is free in the room `now`; the kind of device made for
    it; the rule of the profile; for slices what leaves most ways to cut another; the lowest index.
    """
    shape = site.shape[s]
    share = int(shape["share"])
    profile = int(shape["profile"])
    rule = luck[PICK]
    best = -1
    best_key = 0
    node = site.node[n]
    for d in range(node["first"], node["last"]):
        if units(site, room, s, alt, d) == 0:
            continue
        device = site.device[d]
        free = int(room.device[d, FREE_SHARE])
        loss = 0
        kind = 0
        left = 0
        options = 0
        start = 0
        if profile >= 0:
            mask = int(room.device[d, MASK])
            avoid = 0
            if spare:
                avoid = 0 if now.device[d, FREE_SHARE] < WHOLE else ~int(now.device[d, MASK]) & 255
            cut = pick_slice(site, int(device["geometry"]), profile, mask, avoid)
            start = (cut & 255) + 1
            options = (cut >> 8) & 255
            loss = cut >> 16
            kind = 0 if device["sharing"] == FIXED else 1
            left = bits_left(mask)
        elif share > 0:
            kind = 0 if device["sharing"] == SHARED else 1
            left = free - share
            if spare:
                taken = share if device["sharing"] == SHARED else WHOLE
                loss = 1 if free - taken < now.device[d, FREE_SHARE] else 0
        else:
            kind = int(device["sharing"]) - EXCLUSIVE
            if spare:
                loss = 1 if now.device[d, FREE_SHARE] > 0 else 0
        if share == 0 and profile < 0:
            order = 0
        elif rule == TIGHTEST:
            order = left
        elif rule == EMPTIEST:
            order = WHOLE - left
        elif rule == GRADIENT:
            scale = luck[SCALE]
            order = int((100.0 - device_grade(site, room, scores, scale, s, n, d)) * 10_000_000.0)
        else:
            order = 0
        if rule == RANDOM:
            order = draw(luck[SEED], luck[DECISIONS], len(site.node) + d) >> 23
        key = ((loss * 8 + kind) << 40) | (order << 8) | options
        if best < 0 or key < best_key:
            best = d << 8 | start
            best_key = key
    return best


@helper
def put_task(cluster: Cluster, view: int, ask: tuple[int, int, int], n: int, row: int) -> None:
    """Take one task's devices and its part of node n; what it gets is written to its rows of `held`.

    ask: (job, shape, alternative).
    """
    site = cluster.site
    room = room_of(cluster, view)
    spare = 1 if view == LATER_ROOM else 0
    held = cluster.held
    scores = cluster.scores
    job, s, alt = ask
    shape = site.shape[s]
    for i in range(shape["width"]):
        held.node[row + i] = n
        held.device[row + i] = -1
        held.start[row + i] = -1
    for i in range(shape["gpus"]):
        found = pick_device(site, room, cluster.room, scores, cluster.luck, s, alt, n, spare)
        held.device[row + i] = found >> 8
        held.start[row + i] = (found & 255) - 1
        move_device(site, room, s, found >> 8, (found & 255) - 1, 1)
    move_node(site, room, job, s, n, 1)
    rack = site.node[n]["rack"]
    scores.near[0] += 1
    if rack >= 0:
        scores.near[rack + 1] += 1
