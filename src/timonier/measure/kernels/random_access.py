"""RandomAccess (GUPS): updates of a table at places that no cache foresees.

Source: HPCC RandomAccess 1.5; polynomial x^63 + x^2 + x + 1 over GF(2).
"""

from __future__ import annotations

import numpy as np

from timonier.measure.kernels.arrays import Number, Words
from timonier.measure.kernels.jit import exact

_POLYNOMIAL = np.uint64(7)
_ONE, _63 = np.uint64(1), np.uint64(63)


@exact
def fill(table: Words) -> None:
    """Word i holds i."""
    for i in range(table.size):
        table[i] = np.uint64(i)


@exact
def update(table: Words, streams: Words, rounds: int) -> None:
    """`rounds` updates by each of the streams; a stream's next number depends on its last, the streams are apart."""
    mask = np.uint64(table.size - 1)
    for _ in range(rounds):
        for k in range(streams.size):
            r = streams[k]
            r = (r << _ONE) ^ (_POLYNOMIAL if r >> _63 else np.uint64(0))
            streams[k] = r
            table[r & mask] ^= r


@exact
def wrong(table: Words) -> int:
    """Words that do not hold their own place: after the same updates twice there are none."""
    count = 0
    for i in range(table.size):
        count += table[i] != np.uint64(i)
    return count


@exact
def jump(steps: int) -> Number:
    """The sequence's word after `steps` steps from 1, by squaring: log2(steps) rounds of 64."""
    powers = np.empty(64, np.uint64)
    word = np.uint64(1)
    for k in range(64):
        powers[k] = word
        for _ in range(2):
            word = (word << _ONE) ^ (_POLYNOMIAL if word >> _63 else np.uint64(0))
    if steps == 0:
        return np.uint64(1)
    top = 62
    while top >= 0 and not (steps >> top) & 1:
        top -= 1
    state = np.uint64(2)
    while top > 0:
        squared = np.uint64(0)
        for k in range(64):
            if (state >> np.uint64(k)) & _ONE:
                squared ^= powers[k]
        state = squared
        top -= 1
        if (steps >> top) & 1:
            state = (state << _ONE) ^ (_POLYNOMIAL if state >> _63 else np.uint64(0))
    return state
