"""What placement rules ask about the GPUs of a node: how much is left, and two rules of bands.

Source: Weng et al., USENIX ATC 2023 (the rules there called GpuPacking and GpuClustering).
"""

from __future__ import annotations

from timonier.simulate.kernel.free import device_left
from timonier.simulate.kernel.jit import inline_once as inline
from timonier.simulate.kernel.site import WHOLE, Room, Scores, Site


@inline
def gpu_left(room: Room, n: int) -> int:
    """Thousandths of all GPUs of a node that are free."""
    return int(room.gpus[n])


@inline
def gpu_part(site: Site, s: int) -> int:
    """Thousandths that a task asks of one GPU."""
    shape = site.shape[s]
    return int(shape["thousandths"] // shape["gpus"]) if shape["gpus"] > 0 else 0


@inline
def packing(site: Site, room: Room, s: int, alt: int, n: int) -> float:
    """Three bands: used GPUs are enough, free GPUs of a used node, an idle node. 0 for a task without GPUs."""
    part = gpu_part(site, s)
    if part == 0:
        return 0.0
    node = site.node[n]
    count = int(node["last"] - node["first"])
    free = 0
    used_that_fit = 0
    for d in range(node["first"], node["last"]):
        left = device_left(site, room, d)
        if left == WHOLE:
            free += 1
    if free == count:
        return float(max(33 - free, free))
    gpus = int(site.shape[s]["gpus"])
    fullest = 0  # of the used GPUs that fit, what the fullest ones have left, in hundredths
    last = -1
    last_left = -1
    while used_that_fit < gpus:  # the used GPU with least left that was not counted yet
        best = -1
        best_left = WHOLE
        for d in range(node["first"], node["last"]):
            left = device_left(site, room, d)
            if left < part or left >= best_left or site.suits[alt, site.device[d]["type"]] == 0:
                continue
            if left > last_left or (left == last_left and d > last):
                best = d
                best_left = left
        if best < 0:
            break
        used_that_fit += 1
        fullest += best_left * 100 // WHOLE
        last = best
        last_left = best_left
    if used_that_fit < gpus:
        return float(max(50 - (gpus - used_that_fit), 33))
    return float(max(100 - fullest // 10, 50))


@inline
def clustering(site: Site, room: Room, scores: Scores, s: int, n: int) -> float:
    """Four bands by who is on the node: only tasks of this sort, some, nobody, only others. 0 without GPUs."""
    if site.shape[s]["gpus"] == 0:
        return 0.0
    sorts = 0
    for sort in range(room.sorts.shape[1]):
        if room.sorts[n, sort] > 0:
            sorts += 1
    most = int(scores.most[1])
    inside = 25 * (most - gpu_left(room, n)) // most
    if room.sorts[n, site.shape[s]["sort"]] > 0:
        return float(inside + (75 if sorts == 1 else 50))
    return float(inside + (25 if sorts == 0 else 0))
