"""How the box is shared out among ranks, and which points a rank sees of its neighbours: pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, int, int]  # x, y, z


def process_grid(ranks: int) -> Shape:
    """The three factors of `ranks` with the smallest surface, the largest first, as the reference code has it.

    >>> process_grid(1), process_grid(2), process_grid(4), process_grid(12), process_grid(7)
    ((1, 1, 1), (2, 1, 1), (2, 2, 1), (3, 2, 2), (7, 1, 1))
    """
    shapes = [
        (ranks // z // y, y, z)
        for z in range(1, ranks + 1)
        if ranks % z == 0
        for y in range(z, ranks // z + 1)
        if ranks // z % y == 0 and ranks // z // y >= y
    ]
    return min(shapes, key=lambda s: s[0] * s[1] + s[1] * s[2] + s[0] * s[2])


@dataclass(frozen=True, slots=True)
class Box:
    """The points of one rank: `local` points along x, y, z, at place `at` of a `grid` of ranks."""

    local: Shape
    grid: Shape
    at: Shape

    @property
    def points(self) -> int:
        """How many there are."""
        return self.local[0] * self.local[1] * self.local[2]

    def global_rows(self) -> NDArray[np.int64]:
        """int64[n]: the number of each point in the whole box, x fastest."""
        nx, ny = self.local[0] * self.grid[0], self.local[1] * self.grid[1]
        x, y, z = (np.arange(n, dtype=np.int64) + n * a for n, a in zip(self.local, self.at, strict=True))
        return ((z[:, None, None] * ny + y[None, :, None]) * nx + x[None, None, :]).ravel()

    def halved(self) -> Box:
        """The next coarser level."""
        x, y, z = self.local
        return Box((x // 2, y // 2, z // 2), self.grid, self.at)


def box_of(rank: int, ranks: int, local: Shape) -> Box:
    """The box of a rank; ranks count along x first."""
    grid = process_grid(ranks)
    return Box(local, grid, (rank % grid[0], rank // grid[0] % grid[1], rank // (grid[0] * grid[1])))


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A rank next to ours.  send: int32[s], our points that it sees; ghosts [first, last) of our vectors are its."""

    rank: int
    send: NDArray[np.int32]
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Halo:
    """places: int32[nz + 2, ny + 2, nx + 2], columns of our points and ghosts, -1 outside the whole box."""

    places: NDArray[np.int32]
    neighbours: tuple[Neighbour, ...]
    ghosts: int


def halo_of(box: Box) -> Halo:
    """Ghosts lie behind the own points, neighbour by neighbour, each one's in its own order."""
    nx, ny, nz = box.local
    places = np.full((nz + 2, ny + 2, nx + 2), -1, np.int32)
    own = np.arange(box.points, dtype=np.int32).reshape(nz, ny, nx)
    places[1:-1, 1:-1, 1:-1] = own
    neighbours, column = [], box.points
    for rank, (dx, dy, dz) in sorted(_around(box)):
        layer = places[_far(dz), _far(dy), _far(dx)]
        layer[...] = np.arange(column, column + layer.size, dtype=np.int32).reshape(layer.shape)
        send = own[_near(dz), _near(dy), _near(dx)].ravel()
        neighbours.append(Neighbour(rank, np.ascontiguousarray(send), column, column + layer.size))
        column += layer.size
    return Halo(places, tuple(neighbours), column - box.points)


def _around(box: Box) -> Iterator[tuple[int, Shape]]:
    """Each neighbouring rank with the direction in which it lies."""
    for dz in (-1, 0, 1):
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                at = (box.at[0] + dx, box.at[1] + dy, box.at[2] + dz)
                is_inside = all(0 <= a < g for a, g in zip(at, box.grid, strict=True))
                if is_inside and (dx, dy, dz) != (0, 0, 0):
                    yield (at[2] * box.grid[1] + at[1]) * box.grid[0] + at[0], (dx, dy, dz)


def _far(step: int) -> slice:
    """The layer around the box on that side."""
    return {-1: slice(0, 1), 0: slice(1, -1), 1: slice(-1, None)}[step]


def _near(step: int) -> slice:
    """Our own outermost layer on that side."""
    return {-1: slice(0, 1), 0: slice(None), 1: slice(-1, None)}[step]
