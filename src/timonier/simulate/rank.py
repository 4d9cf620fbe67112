"""Lists of nodes in the order of a key, where a profile ranks nodes alike for all that tasks ask."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import numpy as np
from numpy.typing import NDArray

from timonier.policy import Profile
from timonier.simulate.kernel import site as k
from timonier.simulate.kernel.free import BLOCK, BLOCK_BITS, NODE_BITS
from timonier.simulate.layout import Layout

Ints = NDArray[np.int64]

MOST_IN_LIST = 4096  # nodes: a node that changes is moved within its list
MOST_LISTS = 64  # of nodes that may have room for different shapes: each search looks into all of them
KEY_BITS = 62 - NODE_BITS


@dataclass(frozen=True, slots=True)
class Ranks:
    """The lists: by, at, of and listed are fields of `Site` and `Index`; entry is that of each idle node."""

    by: Ints
    at: NDArray[np.int32]
    of: NDArray[np.int32]
    listed: NDArray[np.uint8]
    entry: Ints


def is_ranked(profile: Profile) -> bool:
    """Does the profile score nodes by a key of the node alone, give or take what all nodes gain or lose?"""
    rules = profile.place.score
    return (
        [score.rule for score in rules] == ["best-fit"]
        and rules[0].weight > 0
        and profile.place.sample != "kube"
        and profile.place.ties != "preorder"
    )


def rank_nodes(profile: Profile, layout: Layout, fine: Ints) -> Ranks:
    """The nodes in lists, none where the profile does not rank them or they differ too much.

    fine: int64[patterns, blocks], which nodes may ever have room.
    """
    nodes = len(layout.names)
    by = _measure(layout)
    entry = layout.total[:, 0] * by[k.BY_CORES]
    entry += k.WHOLE * (layout.node["last"] - layout.node["first"]) * by[k.BY_GPUS]
    at = np.arange(nodes)
    able = (fine[:, at >> BLOCK_BITS] >> (at & (BLOCK - 1)) & 1).astype(np.uint8)
    groups, group = np.unique(able, axis=1, return_inverse=True)
    fits = max(int(entry.max(initial=0)), int(by[k.SPAN])) < 1 << KEY_BITS and nodes < 1 << NODE_BITS
    if not is_ranked(profile) or groups.shape[1] > MOST_LISTS or not fits:
        return _none(len(fine))
    group = group.ravel()
    rank_of = np.zeros(nodes, dtype=np.int32)
    listed: list[NDArray[np.uint8]] = []
    for g in range(groups.shape[1]):
        members = np.flatnonzero(group == g)
        rank_of[members] = len(listed) + np.arange(len(members)) // MOST_IN_LIST
        listed += [groups[:, g]] * -(-len(members) // MOST_IN_LIST)
    first = np.concatenate([[0], np.cumsum(np.bincount(rank_of, minlength=len(listed)))])
    return Ranks(
        by=by,
        at=first.astype(np.int32),
        of=rank_of,
        listed=np.ascontiguousarray(np.array(listed, dtype=np.uint8).T),
        entry=entry << NODE_BITS | at,
    )


def in_order(ranks: Ranks, words: Ints) -> tuple[Ints, Ints, Ints]:
    """`ranked`, `rank` and `rank_word` of a room in which nothing runs."""
    order = np.lexsort((ranks.entry, ranks.of))[: len(ranks.entry)]
    return ranks.entry.copy(), ranks.entry[order], words[order]


def _measure(layout: Layout) -> Ints:
    """int64[3], BY_CORES, BY_GPUS and SPAN of best fit: what is left, as parts of the largest node."""
    cores = int(layout.total[:, 0].max(initial=1))
    gpus = k.WHOLE * int((layout.node["last"] - layout.node["first"]).max(initial=0))
    if gpus == 0:
        return np.array([1, 0, cores], dtype=np.int64)
    shared = gcd(cores, gpus)
    return np.array([gpus // shared, cores // shared, 2 * cores * gpus // shared], dtype=np.int64)


def _none(patterns: int) -> Ranks:
    none = np.zeros(0, dtype=np.int32)
    return Ranks(
        by=np.zeros(3, dtype=np.int64),
        at=np.zeros(1, dtype=np.int32),
        of=none,
        listed=np.zeros((patterns, 0), dtype=np.uint8),
        entry=none.astype(np.int64),
    )
