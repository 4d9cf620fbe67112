"""HPCG's loops on rows of 27 places: place k is the neighbour at offset (k % 3 - 1, k // 3 % 3 - 1, k // 9 - 1).

values: float64[n, 27], columns: int32[n, 27]; a place without neighbour holds 0.0 and the row's own column.
Columns from n on are ghosts: points of other ranks, float64 behind the n own values of a vector.
Place 13 is the diagonal, places below it come before the row in natural order, places above it after it.
In a sweep the value that was written last (place 12 forwards, 14 backwards) is used last, and the others go into three
sums: the chain from row to row is then one multiplication and one addition.
Source: Dongarra, Heroux and Luszczek 2013, "HPCG technical specification", SAND2013-8752.
"""

from __future__ import annotations

from timonier.measure.kernels.arrays import Floats, Indices
from timonier.measure.kernels.jit import exact, fast


@exact
def generate(places: Indices, values: Floats, columns: Indices) -> int:
    """Fill the matrix; returns how many entries it has.

    places: int32[nz + 2, ny + 2, nx + 2], the column of each point of the box and of the layer around it, -1 outside.
    """
    nz, ny, nx = places.shape[0] - 2, places.shape[1] - 2, places.shape[2] - 2
    entries = 0
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                row = (z * ny + y) * nx + x
                for k in range(27):
                    column = places[z + k // 9, y + k // 3 % 3, x + k % 3]
                    is_there = column >= 0
                    entries += is_there
                    columns[row, k] = column if is_there else row
                    values[row, k] = -1.0 if is_there else 0.0
                values[row, 13] = 26.0
    return entries


@exact
def right_side(values: Floats, b: Floats) -> None:
    """b = 27 - (entries of the row): then the solution is 1 everywhere."""
    for i in range(values.shape[0]):
        entries = 0
        for k in range(27):
            entries += values[i, k] != 0.0
        b[i] = 26.0 - (entries - 1)


@exact
def set_diagonal(values: Floats, diagonal: Floats, inverse: Floats) -> None:
    """Put the diagonal into the matrix, and 1 / diagonal beside it."""
    for i in range(values.shape[0]):
        values[i, 13] = diagonal[i]
        inverse[i] = 1.0 / diagonal[i]


@exact
def split(values: Floats, columns: Indices, low: Floats, low_c: Indices, up: Floats, up_c: Indices) -> None:
    """The places before and after the diagonal as matrices of their own; the one nearest to it comes last in a row."""
    for i in range(values.shape[0]):
        for k in range(13):
            low[i, k] = values[i, k]
            low_c[i, k] = columns[i, k]
            up[i, k] = values[i, 26 - k]
            up_c[i, k] = columns[i, 26 - k]


@fast
def dot(x: Floats, y: Floats, n: int) -> float:
    """x'y over the first n values."""
    total = 0.0
    for i in range(n):
        total += x[i] * y[i]
    return total


@fast
def waxpby(a: float, x: Floats, b: float, y: Floats, w: Floats, n: int) -> None:
    """w = a x + b y over the first n values."""
    if a == 1.0:
        for i in range(n):
            w[i] = x[i] + b * y[i]
    else:
        for i in range(n):
            w[i] = a * x[i] + b * y[i]


@fast
def spmv(v: Floats, c: Indices, x: Floats, y: Floats) -> None:
    """y = A x."""
    for i in range(v.shape[0]):
        p0 = v[i, 0] * x[c[i, 0]]
        p1 = v[i, 1] * x[c[i, 1]]
        p2 = v[i, 2] * x[c[i, 2]]
        p0 += v[i, 3] * x[c[i, 3]]
        p1 += v[i, 4] * x[c[i, 4]]
        p2 += v[i, 5] * x[c[i, 5]]
        p0 += v[i, 6] * x[c[i, 6]]
        p1 += v[i, 7] * x[c[i, 7]]
        p2 += v[i, 8] * x[c[i, 8]]
        p0 += v[i, 9] * x[c[i, 9]]
        p1 += v[i, 10] * x[c[i, 10]]
        p2 += v[i, 11] * x[c[i, 11]]
        p0 += v[i, 12] * x[c[i, 12]]
        p1 += v[i, 13] * x[c[i, 13]]
        p2 += v[i, 14] * x[c[i, 14]]
        p0 += v[i, 15] * x[c[i, 15]]
        p1 += v[i, 16] * x[c[i, 16]]
        p2 += v[i, 17] * x[c[i, 17]]
        p0 += v[i, 18] * x[c[i, 18]]
        p1 += v[i, 19] * x[c[i, 19]]
        p2 += v[i, 20] * x[c[i, 20]]
        p0 += v[i, 21] * x[c[i, 21]]
        p1 += v[i, 22] * x[c[i, 22]]
        p2 += v[i, 23] * x[c[i, 23]]
        p0 += v[i, 24] * x[c[i, 24]]
        p1 += v[i, 25] * x[c[i, 25]]
        p2 += v[i, 26] * x[c[i, 26]]
        y[i] = p0 + p1 + p2


@fast
def forward(v: Floats, c: Indices, inverse: Floats, r: Floats, x: Floats) -> None:
    """Half a sweep of Gauss-Seidel in natural order."""
    for i in range(v.shape[0]):
        p0 = r[i]
        p1 = 0.0
        p2 = 0.0
        p0 -= v[i, 26] * x[c[i, 26]]
        p1 -= v[i, 25] * x[c[i, 25]]
        p2 -= v[i, 24] * x[c[i, 24]]
        p0 -= v[i, 23] * x[c[i, 23]]
        p1 -= v[i, 22] * x[c[i, 22]]
        p2 -= v[i, 21] * x[c[i, 21]]
        p0 -= v[i, 20] * x[c[i, 20]]
        p1 -= v[i, 19] * x[c[i, 19]]
        p2 -= v[i, 18] * x[c[i, 18]]
        p0 -= v[i, 17] * x[c[i, 17]]
        p1 -= v[i, 16] * x[c[i, 16]]
        p2 -= v[i, 15] * x[c[i, 15]]
        p0 -= v[i, 14] * x[c[i, 14]]
        p1 -= v[i, 0] * x[c[i, 0]]
        p2 -= v[i, 1] * x[c[i, 1]]
        p0 -= v[i, 2] * x[c[i, 2]]
        p1 -= v[i, 3] * x[c[i, 3]]
        p2 -= v[i, 4] * x[c[i, 4]]
        p0 -= v[i, 5] * x[c[i, 5]]
        p1 -= v[i, 6] * x[c[i, 6]]
        p2 -= v[i, 7] * x[c[i, 7]]
        p0 -= v[i, 8] * x[c[i, 8]]
        p1 -= v[i, 9] * x[c[i, 9]]
        p2 -= v[i, 10] * x[c[i, 10]]
        p0 -= v[i, 11] * x[c[i, 11]]
        x[i] = (p0 + p1 + p2 - v[i, 12] * x[c[i, 12]]) * inverse[i]


@fast
def backward(v: Floats, c: Indices, inverse: Floats, r: Floats, x: Floats) -> None:
    """The other half, from the last row to the first."""
    for i in range(v.shape[0] - 1, -1, -1):
        p0 = r[i]
        p1 = 0.0
        p2 = 0.0
        p0 -= v[i, 0] * x[c[i, 0]]
        p1 -= v[i, 1] * x[c[i, 1]]
        p2 -= v[i, 2] * x[c[i, 2]]
        p0 -= v[i, 3] * x[c[i, 3]]
        p1 -= v[i, 4] * x[c[i, 4]]
        p2 -= v[i, 5] * x[c[i, 5]]
        p0 -= v[i, 6] * x[c[i, 6]]
        p1 -= v[i, 7] * x[c[i, 7]]
        p2 -= v[i, 8] * x[c[i, 8]]
        p0 -= v[i, 9] * x[c[i, 9]]
        p1 -= v[i, 10] * x[c[i, 10]]
        p2 -= v[i, 11] * x[c[i, 11]]
        p0 -= v[i, 12] * x[c[i, 12]]
        p1 -= v[i, 26] * x[c[i, 26]]
        p2 -= v[i, 25] * x[c[i, 25]]
        p0 -= v[i, 24] * x[c[i, 24]]
        p1 -= v[i, 23] * x[c[i, 23]]
        p2 -= v[i, 22] * x[c[i, 22]]
        p0 -= v[i, 21] * x[c[i, 21]]
        p1 -= v[i, 20] * x[c[i, 20]]
        p2 -= v[i, 19] * x[c[i, 19]]
        p0 -= v[i, 18] * x[c[i, 18]]
        p1 -= v[i, 17] * x[c[i, 17]]
        p2 -= v[i, 16] * x[c[i, 16]]
        p0 -= v[i, 15] * x[c[i, 15]]
        x[i] = (p0 + p1 + p2 - v[i, 14] * x[c[i, 14]]) * inverse[i]


@fast
def forward_from_zero(low: Floats, c: Indices, inverse: Floats, r: Floats, y: Floats) -> None:
    """Half a sweep whose first guess is known to be zero: y = (L + D)^-1 r reads the lower part only."""
    for i in range(low.shape[0]):
        p0 = r[i]
        p1 = 0.0
        p0 -= low[i, 0] * y[c[i, 0]]
        p1 -= low[i, 1] * y[c[i, 1]]
        p0 -= low[i, 2] * y[c[i, 2]]
        p1 -= low[i, 3] * y[c[i, 3]]
        p0 -= low[i, 4] * y[c[i, 4]]
        p1 -= low[i, 5] * y[c[i, 5]]
        p0 -= low[i, 6] * y[c[i, 6]]
        p1 -= low[i, 7] * y[c[i, 7]]
        p0 -= low[i, 8] * y[c[i, 8]]
        p1 -= low[i, 9] * y[c[i, 9]]
        p0 -= low[i, 10] * y[c[i, 10]]
        p1 -= low[i, 11] * y[c[i, 11]]
        y[i] = (p0 + p1 - low[i, 12] * y[c[i, 12]]) * inverse[i]


@fast
def backward_after_zero(up: Floats, c: Indices, inverse: Floats, x: Floats) -> None:
    """The other half: r - L y = D y is known from the first, so only the upper part is read."""
    for i in range(up.shape[0] - 1, -1, -1):
        p0 = 0.0
        p1 = 0.0
        p0 -= up[i, 0] * x[c[i, 0]]
        p1 -= up[i, 1] * x[c[i, 1]]
        p0 -= up[i, 2] * x[c[i, 2]]
        p1 -= up[i, 3] * x[c[i, 3]]
        p0 -= up[i, 4] * x[c[i, 4]]
        p1 -= up[i, 5] * x[c[i, 5]]
        p0 -= up[i, 6] * x[c[i, 6]]
        p1 -= up[i, 7] * x[c[i, 7]]
        p0 -= up[i, 8] * x[c[i, 8]]
        p1 -= up[i, 9] * x[c[i, 9]]
        p0 -= up[i, 10] * x[c[i, 10]]
        p1 -= up[i, 11] * x[c[i, 11]]
        x[i] += (p0 + p1 - up[i, 12] * x[c[i, 12]]) * inverse[i]


@fast
def forward_kept(
    low: Floats,
    low_c: Indices,
    up: Floats,
    up_c: Indices,
    inverse: Floats,
    r: Floats,
    x: Floats,
    kept: Floats,
) -> None:
    """Half a sweep that keeps U x of the old values."""
    for i in range(low.shape[0]):
        q0 = 0.0
        q1 = 0.0
        q0 += up[i, 0] * x[up_c[i, 0]]
        q1 += up[i, 1] * x[up_c[i, 1]]
        q0 += up[i, 2] * x[up_c[i, 2]]
        q1 += up[i, 3] * x[up_c[i, 3]]
        q0 += up[i, 4] * x[up_c[i, 4]]
        q1 += up[i, 5] * x[up_c[i, 5]]
        q0 += up[i, 6] * x[up_c[i, 6]]
        q1 += up[i, 7] * x[up_c[i, 7]]
        q0 += up[i, 8] * x[up_c[i, 8]]
        q1 += up[i, 9] * x[up_c[i, 9]]
        q0 += up[i, 10] * x[up_c[i, 10]]
        q1 += up[i, 11] * x[up_c[i, 11]]
        q0 += up[i, 12] * x[up_c[i, 12]]
        kept[i] = q0 + q1
        p0 = r[i] - (q0 + q1)
        p1 = 0.0
        p0 -= low[i, 0] * x[low_c[i, 0]]
        p1 -= low[i, 1] * x[low_c[i, 1]]
        p0 -= low[i, 2] * x[low_c[i, 2]]
        p1 -= low[i, 3] * x[low_c[i, 3]]
        p0 -= low[i, 4] * x[low_c[i, 4]]
        p1 -= low[i, 5] * x[low_c[i, 5]]
        p0 -= low[i, 6] * x[low_c[i, 6]]
        p1 -= low[i, 7] * x[low_c[i, 7]]
        p0 -= low[i, 8] * x[low_c[i, 8]]
        p1 -= low[i, 9] * x[low_c[i, 9]]
        p0 -= low[i, 10] * x[low_c[i, 10]]
        p1 -= low[i, 11] * x[low_c[i, 11]]
        x[i] = (p0 + p1 - low[i, 12] * x[low_c[i, 12]]) * inverse[i]


@fast
def backward_kept(up: Floats, c: Indices, inverse: Floats, kept: Floats, x: Floats) -> None:
    """The other half: the row's lower sum has not changed, so x moves by what its upper sum moved."""
    for i in range(up.shape[0] - 1, -1, -1):
        p0 = kept[i]
        p1 = 0.0
        p0 -= up[i, 0] * x[c[i, 0]]
        p1 -= up[i, 1] * x[c[i, 1]]
        p0 -= up[i, 2] * x[c[i, 2]]
        p1 -= up[i, 3] * x[c[i, 3]]
        p0 -= up[i, 4] * x[c[i, 4]]
        p1 -= up[i, 5] * x[c[i, 5]]
        p0 -= up[i, 6] * x[c[i, 6]]
        p1 -= up[i, 7] * x[c[i, 7]]
        p0 -= up[i, 8] * x[c[i, 8]]
        p1 -= up[i, 9] * x[c[i, 9]]
        p0 -= up[i, 10] * x[c[i, 10]]
        p1 -= up[i, 11] * x[c[i, 11]]
        x[i] += (p0 + p1 - up[i, 12] * x[c[i, 12]]) * inverse[i]


@exact
def restrict(points: Indices, r: Floats, ax: Floats, coarse: Floats) -> None:
    """Inject the residual r - A x at the coarse points."""
    for i in range(points.size):
        coarse[i] = r[points[i]] - ax[points[i]]


@fast
def restrict_rows(points: Indices, v: Floats, c: Indices, r: Floats, x: Floats, coarse: Floats) -> None:
    """The residual of those rows only that are injected."""
    for row in range(points.size):
        i = points[row]
        p0 = r[i]
        p1 = 0.0
        p2 = 0.0
        p0 -= v[i, 0] * x[c[i, 0]]
        p1 -= v[i, 1] * x[c[i, 1]]
        p2 -= v[i, 2] * x[c[i, 2]]
        p0 -= v[i, 3] * x[c[i, 3]]
        p1 -= v[i, 4] * x[c[i, 4]]
        p2 -= v[i, 5] * x[c[i, 5]]
        p0 -= v[i, 6] * x[c[i, 6]]
        p1 -= v[i, 7] * x[c[i, 7]]
        p2 -= v[i, 8] * x[c[i, 8]]
        p0 -= v[i, 9] * x[c[i, 9]]
        p1 -= v[i, 10] * x[c[i, 10]]
        p2 -= v[i, 11] * x[c[i, 11]]
        p0 -= v[i, 12] * x[c[i, 12]]
        p1 -= v[i, 13] * x[c[i, 13]]
        p2 -= v[i, 14] * x[c[i, 14]]
        p0 -= v[i, 15] * x[c[i, 15]]
        p1 -= v[i, 16] * x[c[i, 16]]
        p2 -= v[i, 17] * x[c[i, 17]]
        p0 -= v[i, 18] * x[c[i, 18]]
        p1 -= v[i, 19] * x[c[i, 19]]
        p2 -= v[i, 20] * x[c[i, 20]]
        p0 -= v[i, 21] * x[c[i, 21]]
        p1 -= v[i, 22] * x[c[i, 22]]
        p2 -= v[i, 23] * x[c[i, 23]]
        p0 -= v[i, 24] * x[c[i, 24]]
        p1 -= v[i, 25] * x[c[i, 25]]
        p2 -= v[i, 26] * x[c[i, 26]]
        coarse[row] = p0 + p1 + p2


@exact
def prolong(points: Indices, coarse: Floats, x: Floats) -> None:
    """Add the coarse correction at the coarse points."""
    for i in range(points.size):
        x[points[i]] += coarse[i]


@exact
def take(x: Floats, rows: Indices, buffer: Floats) -> None:
    """What other ranks are sent."""
    for k in range(rows.size):
        buffer[k] = x[rows[k]]
