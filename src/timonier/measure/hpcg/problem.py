"""The linear system on four levels, and the vectors that a solver needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from timonier.measure.hpcg.geometry import Box, Halo, Shape, box_of, halo_of
from timonier.measure.kernels import hpcg as kernel
from timonier.measure.kernels.arrays import Floats, Indices
from timonier.measure.ranks import Ranks

LEVELS = 4


@dataclass(slots=True)
class Halves:
    """The matrix below and above the diagonal, for the variant that reuses partial sums; kept: float64[n]."""

    low: Floats
    low_columns: Indices
    up: Floats
    up_columns: Indices
    kept: Floats


@dataclass(slots=True)
class Level:
    """One grid.

    values, columns: [n, 27] as in kernels/hpcg.py.  inverse: float64[n], 1 / diagonal.
    x: float64[n + ghosts], r, ax: float64[n].  points: int32, the rows that the next coarser grid consists of.
    """

    box: Box
    halo: Halo
    values: Floats
    columns: Indices
    inverse: Floats
    entries: int
    r: Floats
    x: Floats
    ax: Floats
    points: Indices
    buffers: list[Floats]
    halves: Halves | None = None

    @property
    def rows(self) -> int:
        """Points of this rank."""
        return int(self.values.shape[0])

    def set_diagonal(self, diagonal: Floats) -> None:
        """Put another diagonal into the matrix."""
        kernel.set_diagonal(self.values, diagonal, self.inverse)


@dataclass(slots=True)
class Problem:
    """levels: finest first.  b: float64[n].  rows, entries: of each level, over all ranks."""

    ranks: Ranks
    levels: list[Level]
    b: Floats
    rows: list[float]
    entries: list[float]


def build(ranks: Ranks, local: Shape) -> Problem:
    """The system whose solution is 1 everywhere.  local: points of each rank along x, y, z, multiples of 8."""
    box = box_of(ranks.rank, ranks.size, local)
    levels = []
    for number in range(LEVELS):
        levels.append(_level(box, is_last=number == LEVELS - 1))
        box = box.halved()
    b = np.empty(levels[0].rows)
    kernel.right_side(levels[0].values, b)
    rows = [ranks.sum(float(level.rows)) for level in levels]
    return Problem(ranks, levels, b, rows, [ranks.sum(float(level.entries)) for level in levels])


def prepare_reuse(problem: Problem) -> None:
    """Make the halves of the matrices (the optimisation phase of the reuse variant)."""
    for level in problem.levels:
        n = level.rows
        low, up = np.empty((n, 13)), np.empty((n, 13))
        low_c, up_c = np.empty((n, 13), np.int32), np.empty((n, 13), np.int32)
        kernel.split(level.values, level.columns, low, low_c, up, up_c)
        level.halves = Halves(low, low_c, up, up_c, np.empty(n))


def bytes_of(local: Shape, *, reuse: bool) -> float:
    """Memory of one rank: matrices, halves, vectors; the coarser grids add a seventh."""
    points = local[0] * local[1] * local[2]
    return 8 / 7 * points * (27 * 12 + (26 * 12 if reuse else 0) + 8 * 8)


def _level(box: Box, *, is_last: bool) -> Level:
    halo = halo_of(box)
    n = box.points
    values, columns = np.empty((n, 27)), np.empty((n, 27), np.int32)
    entries = kernel.generate(halo.places, values, columns)
    nx, ny, nz = box.local
    own = np.arange(n, dtype=np.int32).reshape(nz, ny, nx)
    points = np.empty(0, np.int32) if is_last else np.ascontiguousarray(own[::2, ::2, ::2].ravel())
    return Level(
        box=box,
        halo=halo,
        values=values,
        columns=columns,
        inverse=np.full(n, 1.0 / 26.0),
        entries=int(entries),
        r=np.zeros(n),
        x=np.zeros(n + halo.ghosts),
        ax=np.zeros(n),
        points=points,
        buffers=[np.empty(one.send.size) for one in halo.neighbours],
    )
