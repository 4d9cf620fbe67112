"""A dense system by factors in float32 and GMRES in float64.

Source: the rules of HPL-MxP (2025); Saad and Schultz 1986, "GMRES: a generalized minimal residual algorithm".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from timonier.measure.hpl_mxp.blas import Blas
from timonier.measure.kernels.arrays import Floats, Singles
from timonier.measure.kernels.lu import factorise as factorise_small

BLOCK, INNER = 256, 32
MOST_ITERATIONS = 50


def system(n: int, seed: int = 1) -> tuple[Floats, Floats]:
    """(matrix, right side): uniform in (-0.5, 0.5) with sqrt(n) more on the diagonal.

    Rows sum to about n / 4, so no diagonal dominates its row; the eigenvalues lie in a circle of sqrt(n / 12) around
    sqrt(n), which is what elimination without pivoting needs.  Columns lie one after the other.
    """
    rng = np.random.default_rng(seed)
    matrix = rng.uniform(-0.5, 0.5, (n, n)).T
    matrix[np.diag_indices(n)] += np.sqrt(n)
    return matrix, rng.uniform(-0.5, 0.5, n)


def factors(matrix: Floats) -> Blas:
    """The factors in float32, in place of a narrow copy; 2/3 n^3 operations."""
    n = matrix.shape[0]
    flat = np.empty(n * n, np.float32)
    flat.reshape(n, n)[...] = matrix.T
    blas = Blas(flat, n)
    _eliminate(flat, blas, n, 0, n, BLOCK)
    return blas


def _eliminate(flat: Singles, blas: Blas, lead: int, first: int, size: int, block: int) -> None:
    """Right-looking elimination of the square that begins at `first`; its diagonal blocks in smaller ones."""
    for k in range(0, size, block):
        width = min(block, size - k)
        corner = first + k + k * lead
        if block > INNER:
            _eliminate(flat, blas, lead, corner, width, INNER)
        else:
            factorise_small(flat, corner, width, lead)
        rest = size - k - width
        if rest:
            beside, below = corner + width * lead, corner + width
            blas.divide(b"LLNU", width, rest, corner, beside)
            blas.divide(b"RUNN", rest, width, corner, below)
            blas.subtract(rest, rest, width, (below, beside, beside + width))


@dataclass(frozen=True, slots=True)
class Refined:
    """x float64[n].  iterations of GMRES; residual: of the last one, as a share of the first."""

    x: Floats
    iterations: int
    residual: float


def refine(
    matrix: Floats, b: Floats, blas: Blas, tolerance: float = 1e-15, most: int = MOST_ITERATIONS
) -> Refined:
    """GMRES preconditioned by the factors, from x = (LU)^-1 b."""

    def precondition(v: Floats) -> Floats:
        x = v.astype(np.float32)
        blas.solve(x)
        return x.astype(np.float64)

    x = precondition(b)
    start = precondition(b - matrix @ x)
    norm = float(np.linalg.norm(start))
    scale = float(np.linalg.norm(precondition(b)))
    if norm <= tolerance * scale:
        return Refined(x, 0, norm / scale)
    basis, upper = [start / norm], np.zeros((most + 1, most))
    turns: list[tuple[float, float]] = []
    right = np.zeros(most + 1)
    right[0] = norm
    count = 0
    while count < most and abs(right[count]) > tolerance * scale:
        v = precondition(matrix @ basis[count])
        for k, old in enumerate(basis):
            upper[k, count] = old @ v
            v -= upper[k, count] * old
        length = float(np.linalg.norm(v))
        upper[count + 1, count] = length
        basis.append(v / length if length > 0 else v)
        _rotate(upper, right, turns, count)
        count += 1
    weights = _back(upper[:count, :count], right[:count])
    return Refined(x + np.column_stack(basis[:count]) @ weights, count, abs(right[count]) / scale)


def _rotate(upper: Floats, right: Floats, turns: list[tuple[float, float]], k: int) -> None:
    """Givens rotations: column k of the Hessenberg matrix becomes upper triangular."""
    for i, (cosine, sine) in enumerate(turns):
        one, two = upper[i, k], upper[i + 1, k]
        upper[i, k], upper[i + 1, k] = cosine * one + sine * two, cosine * two - sine * one
    length = float(np.hypot(upper[k, k], upper[k + 1, k]))
    cosine, sine = upper[k, k] / length, upper[k + 1, k] / length
    turns.append((cosine, sine))
    upper[k, k], upper[k + 1, k] = length, 0.0
    right[k + 1], right[k] = -sine * right[k], cosine * right[k]


def _back(upper: Floats, right: Floats) -> Any:
    """Back substitution."""
    found = np.zeros(right.size)
    for k in range(right.size - 1, -1, -1):
        found[k] = (right[k] - upper[k, k + 1 :] @ found[k + 1 :]) / upper[k, k]
    return found
