"""Graph500's Kronecker graph: every edge tuple by itself from its number, so that any rank can make any part.

Source: Graph500 specification 2.0 (2017), section 3; A, B, C = 0.57, 0.19, 0.19, 16 tuples a vertex.
Random numbers: splitmix64 of the tuple's number; Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
generators".
"""

from __future__ import annotations

import numpy as np

from timonier.measure.kernels.arrays import Array, Ints, Number, Singles
from timonier.measure.kernels.jit import exact, inline

A, B, C = 0.57, 0.19, 0.19
_AB = A + B
_C_NORM, _A_NORM = C / (1.0 - _AB), A / _AB
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31, _32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_SCALE = 2.0**-32


@inline
def mix(state: Number) -> Number:
    """The random word behind a state."""
    z = state
    z = (z ^ (z >> _30)) * _FIRST
    z = (z ^ (z >> _27)) * _SECOND
    return z ^ (z >> _31)


@exact
def tuples(
    seed: int, scale: int, first: int, permutation: Array, starts: Ints, ends: Ints, weights: Singles
) -> None:
    """Tuples first, first + 1, ...: int64[m] each way in permuted labels; float32[m] weights in [0, 1)."""
    for k in range(starts.size):
        state: Number = mix(np.uint64(seed) + _GAMMA * np.uint64(2 * (first + k) + 1)) | np.uint64(1)
        u: Number = 0
        v: Number = 0
        for _ in range(scale):
            state += _GAMMA
            word = mix(state)
            row = (word >> _32) * _SCALE > _AB
            column = (word & _LOW) * _SCALE > (_C_NORM if row else _A_NORM)
            u = 2 * u + row
            v = 2 * v + column
        state += _GAMMA
        starts[k] = permutation[u]
        ends[k] = permutation[v]
        weights[k] = np.float32(mix(state) >> np.uint64(40)) * np.float32(2.0**-24)
