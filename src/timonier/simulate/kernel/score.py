"""How good a node is for a task: a list of rules with weights, each from 0 to 100.

With a scale every rule is cut to whole numbers before it is weighted, the four of kube-scheduler in its own
integer arithmetic. Sources: Kubernetes 1.36, plugins noderesources; Weng et al., USENIX ATC 2023.
"""

from __future__ import annotations

import math

from timonier.simulate.kernel.chance import draw
from timonier.simulate.kernel.fragment import gradient
from timonier.simulate.kernel.gpu_score import clustering, gpu_left, packing
from timonier.simulate.kernel.jit import helper_once as helper
from timonier.simulate.kernel.jit import inline_once as inline
from timonier.simulate.kernel.site import DECISIONS, SCALE, SEED, Room, Scores, Site
from timonier.simulate.kernel.state import Array

(
    LEAST,
    MOST,
    REQUESTED,
    BALANCED,
    BALANCED_BEFORE,  # as up to 1.35
    BEST_FIT,
    DOT_PRODUCT,
    PACKING,
    CLUSTERING,
    GRADIENT,
    WEIGHT,
    RACK,
    RANDOM,
) = range(13)


@inline
def quantity(site: Site, room: Room, s: int, n: int, r: int, column: int) -> tuple[int, int, int]:
    """(all, used with the task, asked) of quantity r on node n; the last of them is GPUs in thousandths.

    All is 0 where the quantity does not count: the node has none, or it is further and not asked for.
    """
    last = len(site.limited) - 1
    if r == last:
        want = int(site.shape[s]["thousandths"])
        node = site.node[n]
        total = 1000 * int(node["last"] - node["first"])
        if want == 0 or total == 0:
            return 0, 0, 0
        return total, total - gpu_left(room, n) + want, want
    want = int(site.want[s, column])
    total = int(site.total[n, column])
    if r >= 2 and want == 0:
        return 0, 0, 0
    return total, total - int(room.left[n, column]) + want, want


@inline
def line(scores: Scores, w: int, u: int) -> int:
    """The broken line of rule w at utilisation u, 0 to 100, in integers cut towards 0."""
    first = scores.rule[w]["first"]
    last = scores.rule[w]["last"]
    if u <= scores.points[first, 0]:
        return int(scores.points[first, 1])
    for p in range(first + 1, last):
        if u <= scores.points[p, 0]:
            x = int(scores.points[p - 1, 0])
            y = int(scores.points[p - 1, 1])
            rise = (int(scores.points[p, 1]) - y) * (u - x)
            run = int(scores.points[p, 0]) - x
            return y + (rise // run if rise >= 0 else -(-rise // run))
    return int(scores.points[last - 1, 1])


@inline
def fit(site: Site, room: Room, scores: Scores, scaled: bool, s: int, n: int, w: int) -> float:
    """Least-allocated, most-allocated and requested-to-capacity: a mean over quantities."""
    code = scores.rule[w]["code"]
    whole = 0
    real = 0.0
    weights = 0
    for r in range(len(site.limited)):
        weight = int(scores.weigh[w, r])
        if weight == 0:
            continue
        column = int(scores.rule[w]["memory"]) if r == 1 else r
        total, used, _ = quantity(site, room, s, n, r, column)
        if total == 0:
            continue
        if code == REQUESTED:
            u = 100 if used > total else used * 100 // total
            value = line(scores, w, u)
            if value == 0:
                continue
            whole += weight * value
        elif code == LEAST:
            if scaled:
                whole += weight * (0 if used > total else (total - used) * 100 // total)
            else:
                real += weight * (max(total - used, 0) / total * 100.0)
        elif scaled:
            whole += weight * (min(used, total) * 100 // total)
        else:
            real += weight * (min(used, total) / total * 100.0)
        weights += weight
    if weights == 0:
        return 0.0
    if code == REQUESTED:
        return float((2 * whole + weights) // (2 * weights)) if scaled else whole / weights
    return float(whole // weights) if scaled else real / weights


@inline
def spread(site: Site, room: Room, scores: Scores, s: int, n: int, w: int, without: bool) -> float:
    """The standard deviation of the used parts of a node, with the task or without it."""
    count = 0
    first = 0.0
    second = 0.0
    sum_ = 0.0
    for r in range(len(site.limited)):
        if scores.weigh[w, r] == 0:
            continue
        total, used, want = quantity(site, room, s, n, r, r)
        if total == 0:
            continue
        part = min(1.0, (used - want if without else used) / total)
        if count == 0:
            first = part
        elif count == 1:
            second = part
        sum_ += part
        count += 1
    if count < 2:
        return 0.0
    if count == 2:
        return abs(first - second) / 2.0
    mean = sum_ / count
    squares = 0.0
    for r in range(len(site.limited)):
        if scores.weigh[w, r] == 0:
            continue
        total, used, want = quantity(site, room, s, n, r, r)
        if total == 0:
            continue
        part = min(1.0, (used - want if without else used) / total)
        squares += (part - mean) * (part - mean)
    return math.sqrt(squares / count)


@inline
def balanced(site: Site, room: Room, scores: Scores, scaled: bool, s: int, n: int, w: int) -> float:
    """How evenly the quantities of a node are used, and what the task changes about it."""
    after = (1.0 - spread(site, room, scores, s, n, w, False)) * 100.0
    if scores.rule[w]["code"] == BALANCED_BEFORE:
        return math.floor(after) if scaled else after
    before = (1.0 - spread(site, room, scores, s, n, w, True)) * 100.0
    if not scaled:
        return 50.0 + (50.0 + after - before) / 2.0
    change = 50 + int(after) - int(before)
    return float(50 + (change // 2 if change >= 0 else -(-change // 2)))


@inline
def packed(site: Site, room: Room, scores: Scores, s: int, n: int, dot: bool) -> float:
    """Best fit and dot product over cores and GPUs, as parts of the largest node.

    Source: Weng et al. 2023; the dot product is that of Tetris (Grandl et al., SIGCOMM 2014), turned round.
    """
    most_cores = scores.most[0]
    most_gpus = scores.most[1]
    cores = float(room.left[n, 0])
    want = float(site.want[s, 0])
    parts = 1.0
    sum_ = (cores / most_cores) * (want / most_cores) if dot else (cores - want) / most_cores
    if most_gpus > 0.0:
        gpus = float(gpu_left(room, n))
        wanted = float(site.shape[s]["thousandths"])
        sum_ += (gpus / most_gpus) * (wanted / most_gpus) if dot else (gpus - wanted) / most_gpus
        parts = 2.0
    return (1.0 - sum_ / parts) * 100.0


@inline
def by_rule(site: Site, room: Room, scores: Scores, luck: Array, s: int, alt: int, n: int, w: int) -> float:
    """The score of one rule, 0 to 100."""
    code = scores.rule[w]["code"]
    scaled = luck[SCALE] > 0
    if code <= REQUESTED:
        return fit(site, room, scores, scaled, s, n, w)
    if code <= BALANCED_BEFORE:
        return balanced(site, room, scores, scaled, s, n, w)
    if code == BEST_FIT or code == DOT_PRODUCT:
        return packed(site, room, scores, s, n, code == DOT_PRODUCT)
    if code == PACKING:
        return packing(site, room, s, alt, n)
    if code == CLUSTERING:
        return clustering(site, room, scores, s, n)
    if code == GRADIENT:
        return gradient(site, room, scores, luck, s, alt, n)
    if code == WEIGHT:
        return float(scores.heavy[n])
    if code == RACK:
        rack = site.node[n]["rack"]
        placed = scores.near[0]
        return 100.0 * scores.near[rack + 1] / placed if rack >= 0 and placed > 0 else 0.0
    return draw(luck[SEED], luck[DECISIONS], n) / 9007199254740992.0 * 100.0


@helper
def score_node(site: Site, room: Room, scores: Scores, luck: Array, s: int, alt: int, n: int) -> float:
    """The weighted sum of all rules for one task of shape s on node n, high is good."""
    total = 0.0
    scale = luck[SCALE]
    for w in range(len(scores.rule)):
        value = by_rule(site, room, scores, luck, s, alt, n, w)
        if scale > 0:
            value = math.floor(value * scale / 100.0)
        total += scores.rule[w]["weight"] * value
    return total
