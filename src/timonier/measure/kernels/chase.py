"""Latency: every load needs the one before it."""

from __future__ import annotations

import numpy as np

from timonier.measure.kernels.arrays import Number, Words
from timonier.measure.kernels.jit import exact

LINE = 8  # words of a cache line of 64 bytes


@exact
def ring(order: Words, links: Words) -> None:
    """One cycle through all lines in the order given: uint64[n] lines; links: uint64[8 n], one a line is used."""
    for k in range(order.size):
        after = order[k + 1] if k + 1 < order.size else order[0]
        links[order[k] * np.uint64(LINE)] = after * np.uint64(LINE)


@exact
def walk(links: Words, at: Number, steps: int) -> Number:
    """Follow the links; returns where the walk ends.  Unsigned, because a signed index pays for a test of its sign."""
    here = np.uint64(at)
    for _ in range(steps >> 3):
        here = links[here]
        here = links[here]
        here = links[here]
        here = links[here]
        here = links[here]
        here = links[here]
        here = links[here]
        here = links[here]
    return here
