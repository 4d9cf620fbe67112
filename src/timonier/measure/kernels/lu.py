"""The factors of a small block of a matrix, in place and without pivoting.

Matrices are stored column by column: element (i, j) of the block lies at first + i + j * lead.
"""

from __future__ import annotations

import numpy as np

from timonier.measure.kernels.arrays import Singles
from timonier.measure.kernels.jit import fast


@fast
def factorise(a: Singles, first: int, size: int, lead: int) -> None:
    """a, float32, flat: the block of `size` rows and columns that begins at `first` becomes L (unit) and U."""
    for k in range(size):
        column = first + k * lead
        inverse = np.float32(1.0) / a[column + k]
        for i in range(k + 1, size):
            a[column + i] *= inverse
        for j in range(k + 1, size):
            other = first + j * lead
            factor = a[other + k]
            for i in range(k + 1, size):
                a[other + i] -= a[column + i] * factor
