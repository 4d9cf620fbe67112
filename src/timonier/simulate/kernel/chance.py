"""Chance without a state: a number for every (seed, decision, index), the same in every engine.

Source: the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), applied once for each word.
"""

from __future__ import annotations

from typing import Any

from numpy import int64, uint64

from timonier.simulate.kernel.jit import inline_once as inline


@inline
def mix(value: int) -> Any:
    """SplitMix64's finaliser on one word."""
    z = uint64(value) + uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> uint64(27))) * uint64(0x94D049BB133111EB)
    return z ^ (z >> uint64(31))


@inline
def draw(seed: int, decision: int, index: int) -> Any:
    """A number below 2**53, as good as random, for one index of one decision."""
    return int64(mix(mix(mix(uint64(seed)) ^ uint64(decision)) ^ uint64(index)) >> uint64(11))
