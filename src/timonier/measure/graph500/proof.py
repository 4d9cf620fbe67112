"""The official validation of one search, as checks; over ranks each proves with its own tuples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from timonier.measure.events import check
from timonier.measure.graph500.graph import Tuples
from timonier.measure.kernels import proof as kernel
from timonier.measure.kernels.arrays import Bytes, Ints, Singles
from timonier.measure.measurement import Check
from timonier.measure.ranks import Ranks


@dataclass(frozen=True, slots=True)
class Proof:
    """checks: each with the number of violations.  edges: tuples inside the tree's component, loops dropped."""

    checks: tuple[Check, ...]
    edges: int

    @property
    def passed(self) -> bool:
        """Did all pass?"""
        return all(one.passed for one in self.checks)


def prove_bfs(tuples: Tuples, parent: Ints, root: int, ranks: Ranks) -> Proof:
    """Tree, levels, span and edges of a breadth-first search.  parent: int64[N], in old labels."""
    level, path = np.empty(parent.size, np.int32), np.empty(parent.size, np.int32)
    lost = kernel.levels(parent, root, level, path)
    seen = np.zeros(parent.size, np.uint8)
    torn, far, inside = kernel.tuples_bfs(tuples.starts, tuples.ends, parent, level, seen)
    return _proof(ranks, seen, parent, root, "bfs", (lost, torn, far, inside))


def prove_sssp(tuples: Tuples, parent: Ints, distance: Singles, root: int, ranks: Ranks) -> Proof:
    """The same for shortest paths.  distance: float32[N], inf where unreached."""
    level, path = np.empty(parent.size, np.int32), np.empty(parent.size, np.int32)
    lost = kernel.levels(parent, root, level, path)
    lost += int(np.count_nonzero((parent >= 0) != np.isfinite(distance))) + int(distance[root] != 0.0)
    seen = np.zeros(parent.size, np.uint8)
    torn, far, inside = kernel.tuples_sssp(tuples.starts, tuples.ends, tuples.weights, parent, distance, seen)
    return _proof(ranks, seen, parent, root, "sssp", (lost, torn, far, inside))


def _proof(
    ranks: Ranks, seen: Bytes, parent: Ints, root: int, name: str, found: tuple[int, int, int, int]
) -> Proof:
    lost, torn, far, inside = found
    if ranks.comm is not None:
        everywhere = np.empty_like(seen)
        ranks.comm.Allreduce(seen, everywhere, op=_largest())
        seen = everywhere
    without = kernel.unseen(parent, root, seen)
    far_what = (
        "tuples whose levels differ by more than 1" if name == "bfs" else "tuples that offer a shorter way"
    )
    counts = (
        ("tree", lost, "vertices whose parents do not lead to the root"),
        ("edges", without, "vertices without a tuple that justifies their parent"),
        ("span", ranks.sum(torn), "tuples with only one end reached"),
        ("levels" if name == "bfs" else "distances", ranks.sum(far), far_what),
    )
    checks = tuple(check(f"{name}, {rule}", count, "equal", 0, what) for rule, count, what in counts)
    return Proof(checks, int(ranks.sum(inside)))


def _largest() -> object:
    from timonier.measure.ranks import load_mpi

    return load_mpi().MAX
