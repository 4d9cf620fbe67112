"""The placement rules of a profile as the kernel's arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonier.kit.errors import InputError, nearest
from timonier.policy import Profile, Score
from timonier.simulate.kernel import score as codes
from timonier.simulate.kernel import site as k
from timonier.simulate.layout import Layout
from timonier.simulate.shapes import Shapes

Ints = NDArray[np.int64]

CODES = {
    "least-allocated": codes.LEAST,
    "most-allocated": codes.MOST,
    "requested-to-capacity": codes.REQUESTED,
    "balanced-allocation": codes.BALANCED,
    "best-fit": codes.BEST_FIT,
    "dot-product": codes.DOT_PRODUCT,
    "gpu-packing": codes.PACKING,
    "gpu-clustering": codes.CLUSTERING,
    "fragmentation-gradient": codes.GRADIENT,
    "node-weight": codes.WEIGHT,
    "rack-local": codes.RACK,
    "random": codes.RANDOM,
}
NO_MEMO = ("rack-local", "random")  # they look at more than the node
ONLY_CORES_AND_GPUS = (
    "best-fit",
    "dot-product",
    "gpu-packing",
    "gpu-clustering",
    "fragmentation-gradient",
    "node-weight",
)
MOST_MEMO = 1 << 25  # scores remembered, 12 bytes each


def make_scores(profile: Profile, layout: Layout, shapes: Shapes, memory: bool) -> k.Scores:
    """The rules with their weights, and what they know of machine and jobs; memory: scores that are found are kept.

    Raises InputError for a resource that the machine does not have.
    """
    rules = profile.place.score
    rule = np.zeros(len(rules), dtype=k.RULE)
    weigh = np.zeros((len(rules), shapes.want.shape[1] + 1), dtype=np.int64)
    points: list[tuple[int, int]] = []
    for w, score in enumerate(rules):
        rule[w]["code"] = CODES[score.rule]
        if score.rule == "balanced-allocation" and score.formula == "1.35":
            rule[w]["code"] = codes.BALANCED_BEFORE
        rule[w]["weight"] = score.weight
        rule[w]["memory"] = shapes.want.shape[1] if score.missing_memory_bytes else 1
        rule[w]["first"] = len(points)
        points += [(x, 10 * y) for x, y in score.shape]
        rule[w]["last"] = len(points)
        weigh[w] = _weights(score, layout)
    typical, suits = _typical(profile, shapes)
    memo_of, rows = _memo_rows(profile, shapes, len(layout.names), memory)
    most_devices = int((layout.node["last"] - layout.node["first"]).max(initial=0))
    return k.Scores(
        rule=rule,
        weigh=weigh,
        points=np.array(points, dtype=np.int64).reshape(len(points), 2),
        most=np.array([layout.total[:, 0].max(initial=1), k.WHOLE * most_devices], dtype=np.float64),
        heavy=_heavy(layout.node["weight"]),
        near=np.zeros(1 + len(layout.domain_kind), dtype=np.int32),
        typical=typical,
        suits=suits,
        kept=np.zeros(most_devices, dtype=np.int32),
        memo_of=memo_of,
        memo=np.zeros((rows, len(layout.names))),
        memo_at=np.full((rows, len(layout.names)), -1, dtype=np.int32),
    )


def counted_columns(profile: Profile, shapes: Shapes, layout: Layout) -> tuple[Ints, Ints]:
    """`want` and `total`, with one column more where a task without a memory request counts as some.

    Raises InputError where two rules count it differently: a node has one sum.
    """
    counted = {score.missing_memory_bytes for score in profile.place.score if score.missing_memory_bytes}
    if not counted:
        return shapes.want, layout.total
    if len(counted) > 1:
        raise InputError(
            "the rules of one profile count a missing memory request differently",
            where=f"profile {profile.name}, place.score.missing_memory",
            fix="give the same missing_memory to each",
        )
    memory = shapes.want[:, 1:2]
    want = np.ascontiguousarray(np.hstack([shapes.want, np.where(memory == 0, counted.pop(), memory)]))
    return want, np.ascontiguousarray(np.hstack([layout.total, layout.total[:, 1:2]]))


def needs_sorts(profile: Profile) -> bool:
    """Does some rule ask which sorts of tasks a node has?"""
    return any(score.rule == "gpu-clustering" for score in profile.place.score)


def _weights(score: Score, layout: Layout) -> list[int]:
    names = ("cores", "memory", *layout.resources, "gpus")
    given = score.resources or {"cores": 1, "memory": 1}
    for name in given:
        if name not in names:
            raise InputError(
                f"no node has the resource {name!r}", where="place.score.resources", fix=nearest(name, names)
            )
    return [given.get(name, 0) for name in names]


def _heavy(weight: Ints) -> NDArray[np.float64]:
    """100 for the lightest nodes, 0 for the heaviest; 100 where all are alike."""
    low, high = int(weight.min(initial=0)), int(weight.max(initial=0))
    low = int(weight.min()) if len(weight) else low
    if high == low:
        return np.full(len(weight), 100.0)
    return 100.0 * (high - weight) / (high - low)


def _typical(profile: Profile, shapes: Shapes) -> tuple[Any, NDArray[np.uint8]]:
    """The most frequent sorts of tasks, and the device types that suit each.

    Sorts differ in cores, GPUs and types; as many of the most frequent as make up `typical_share` of the jobs.
     Source: Weng et al. 2023, section 4.2, and their simulator.
    """
    rules = [score for score in profile.place.score if score.rule == "fragmentation-gradient"]
    share = rules[0].typical_share if rules else 0.95
    if not rules and profile.place.device.rule != "fragmentation-gradient":
        return np.zeros(0, dtype=k.TYPICAL), np.zeros((0, shapes.suits.shape[1]), dtype=np.uint8)
    counts: dict[tuple[Any, ...], int] = {}
    for s, count in enumerate(np.bincount(shapes.of_job, minlength=len(shapes.shape)).tolist()):
        shape = shapes.shape[s]
        part = int(shape["thousandths"]) // max(1, int(shape["gpus"]))
        suits = tuple(shapes.suits[int(shape["first"])].tolist()) if part else ()
        key = (int(shapes.want[s, 0]), int(shape["gpus"]), part, suits)
        counts[key] = counts.get(key, 0) + count
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    total, most, sum_ = sum(counts.values()), 0, 0
    while sum_ < share * total and most < len(ordered):
        sum_ += sum(count for _, count in ordered[most : most + 1])
        most += 1
    chosen = ordered[:most]
    typical = np.zeros(len(chosen), dtype=k.TYPICAL)
    suits_of = np.zeros((len(chosen), shapes.suits.shape[1]), dtype=np.uint8)
    for m, ((cores, gpus, part, suits), count) in enumerate(chosen):
        typical[m] = (cores, gpus, part, count / sum_)
        suits_of[m] = suits or 0
    return typical, suits_of


def kept(scores: k.Scores) -> list[list[Any]]:
    """The typical sorts of tasks, for a state: those that are left of a workload have others."""
    rows = zip(scores.typical.tolist(), scores.suits.tolist(), strict=True)
    return [[cores, gpus, part, share, suits] for (cores, gpus, part, share), suits in rows]


def restored(scores: k.Scores, said: Any) -> k.Scores:
    """The same rules with the typical sorts of a state; as they are where it says none, or of other devices."""
    try:
        rows = [(tuple(row[:4]), [int(suits) for suits in row[4]]) for row in said or []]
        typical = np.array([row for row, _ in rows], dtype=k.TYPICAL)
        suits = np.array([suits for _, suits in rows], dtype=np.uint8)
    except (TypeError, ValueError, IndexError):
        return scores
    if not len(scores.typical) or suits.ndim != 2 or suits.shape[1] != scores.suits.shape[1]:
        return scores
    return scores._replace(typical=typical, suits=suits)


def _memo_rows(profile: Profile, shapes: Shapes, nodes: int, memory: bool) -> tuple[NDArray[np.int32], int]:
    """The row in which the scores of each alternative are remembered, -1: nowhere; and how many rows."""
    rules = [score.rule for score in profile.place.score]
    none = np.full(len(shapes.suits), -1, dtype=np.int32)
    if not memory or not rules or any(rule in NO_MEMO for rule in rules):
        return none, 0
    keys: dict[tuple[Any, ...], int] = {}
    rows = none.copy()
    for s, shape in enumerate(shapes.shape):
        want = shapes.want[s, :1] if set(rules) <= set(ONLY_CORES_AND_GPUS) else shapes.want[s]
        asked = (*want.tolist(), *(int(shape[name]) for name in ("gpus", "share", "profile", "thousandths")))
        for alt in range(shape["first"], shape["last"]):
            key = (*asked, *shapes.suits[alt].tolist())
            rows[alt] = keys.setdefault(key, len(keys))
    if len(keys) * nodes > MOST_MEMO:
        return none, 0
    return rows, len(keys)
