"""MIG slices: where one may begin on a GPU that is partly cut.

Occupied memory slices are bits of a mask; a slice of a profile begins at one of its legal starts.
Two legal places of one profile never overlap, so that as many fit as have a free place.
"""

from __future__ import annotations

from timonier.simulate.kernel.jit import inline_once as inline
from timonier.simulate.kernel.site import Site


@inline
def count_slices(site: Site, geometry: int, profile: int, mask: int) -> int:
    """How many slices of a profile can still be cut."""
    starts = int(site.starts[geometry, profile])
    bits = (1 << int(site.slices[geometry, profile])) - 1
    count = 0
    start = 0
    while starts:
        if starts & 1 and not mask & (bits << start):
            count += 1
        starts >>= 1
        start += 1
    return count


@inline
def pick_slice(site: Site, geometry: int, profile: int, mask: int, avoid: int) -> int:
    """Where to cut the next slice, as rank << 8 | start, low first; -1: nowhere.

    First what takes nothing of `avoid`, then what leaves the most ways to cut one more slice, then the
    lowest start.
    """
    starts = int(site.starts[geometry, profile])
    bits = (1 << int(site.slices[geometry, profile])) - 1
    best = -1
    start = 0
    while starts:
        here = bits << start
        if starts & 1 and not mask & here:
            rank = 255 - int(site.options[geometry, mask | here])
            if avoid & here:
                rank += 256
            key = rank << 8 | start
            if best < 0 or key < best:
                best = key
        starts >>= 1
        start += 1
    return best
