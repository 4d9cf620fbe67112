"""Fragmentation: the idle GPU share of a node that typical tasks cannot use, and how a task changes it.

Source: Weng et al., "Beware of Fragmentation", USENIX ATC 2023, sections 3 and 4.
"""

from __future__ import annotations

import math

from timonier.simulate.kernel.free import device_left
from timonier.simulate.kernel.gpu_score import gpu_part
from timonier.simulate.kernel.jit import helper_once as helper
from timonier.simulate.kernel.jit import inline_once as inline
from timonier.simulate.kernel.room import units
from timonier.simulate.kernel.site import SCALE, WHOLE, Room, Scores, Site
from timonier.simulate.kernel.state import Array


@helper
def fragmentation(
    site: Site, room: Room, scores: Scores, n: int, cores: int, device: int, part: int
) -> float:
    """Thousandths of idle GPU, on average over typical tasks, that such a task cannot use.

    cores: thousandths left.  `part` thousandths of `device` count as taken besides.
    A task that fits cannot use GPUs with less left than it asks of one; one that does not fit, and one
    without GPUs, can use none.
    """
    node = site.node[n]
    first = node["first"]
    last = node["last"]
    idle = 0
    for d in range(first, last):
        idle += device_left(site, room, d)
    idle -= part
    if idle == 0:
        return 0.0
    sum_ = 0.0
    for m in range(len(scores.typical)):
        typical = scores.typical[m]
        asks = int(typical["part"])
        lost = idle
        if asks > 0 and typical["cores"] <= cores:
            found = 0
            small = 0
            for d in range(first, last):
                left = device_left(site, room, d)
                if d == device:
                    left -= part
                if left < asks:
                    small += left
                elif scores.suits[m, site.device[d]["type"]]:
                    found += 1
            if found >= typical["gpus"]:
                lost = small
        sum_ += typical["share"] * lost
    return sum_


@inline
def grade(before: float, after: float, scale: int) -> float:
    """A fall of fragmentation as 0 to 100, by a sigmoid."""
    value = 1.0 / (1.0 + math.exp(-((before - after) / 1000.0))) * 100.0
    return math.floor(value * scale / 100.0) * 100.0 / scale if scale > 0 else value


@inline
def device_grade(site: Site, room: Room, scores: Scores, scale: int, s: int, n: int, d: int) -> float:
    """How good it is to take a share or a slice of one GPU of the node, 0 to 100."""
    cores = int(room.left[n, 0])
    before = fragmentation(site, room, scores, n, cores, -1, 0)
    part = min(gpu_part(site, s), device_left(site, room, d))
    after = fragmentation(site, room, scores, n, cores - int(site.want[s, 0]), d, part)
    return grade(before, after, scale)


@helper
def gradient(site: Site, room: Room, scores: Scores, luck: Array, s: int, alt: int, n: int) -> float:
    """How good a node is: by its best GPU for a share or a slice, else by its first free GPUs, 0 to 100."""
    shape = site.shape[s]
    node = site.node[n]
    scale = luck[SCALE]
    cores = int(room.left[n, 0])
    before = fragmentation(site, room, scores, n, cores, -1, 0)
    cores -= int(site.want[s, 0])
    gpus = int(shape["gpus"])
    if gpus == 0:
        return grade(before, fragmentation(site, room, scores, n, cores, -1, 0), scale)
    part = gpu_part(site, s)
    if part < WHOLE:
        best = -1.0
        for d in range(node["first"], node["last"]):
            if units(site, room, s, alt, d) == 0 or seen_before(site, room, int(node["first"]), d):
                continue
            taken = min(part, device_left(site, room, d))
            after = fragmentation(site, room, scores, n, cores, d, taken)
            best = max(best, grade(before, after, scale))
        return best
    chosen = 0  # whole GPUs: taken for the time of the question
    for d in range(node["first"], node["last"]):
        scores.kept[d - node["first"]] = room.device[d, 0]
        if chosen < gpus and units(site, room, s, alt, d) > 0:
            room.device[d, 0] = 0
            chosen += 1
    after = fragmentation(site, room, scores, n, cores, -1, 0)
    for d in range(node["first"], node["last"]):
        room.device[d, 0] = scores.kept[d - node["first"]]
    return grade(before, after, scale)


@inline
def seen_before(site: Site, room: Room, first: int, d: int) -> bool:
    """Is there a GPU before this one in the node that is in all the same?"""
    for other in range(first, d):
        if (
            room.device[other, 0] == room.device[d, 0]
            and room.device[other, 1] == room.device[d, 1]
            and room.device[other, 2] == room.device[d, 2]
            and site.device[other]["type"] == site.device[d]["type"]
            and site.device[other]["sharing"] == site.device[d]["sharing"]
        ):
            return True
    return False
