"""Conjugate gradients with the multigrid preconditioner, plain and with reuse of partial sums.

Source: the HPCG technical specification, sections 3 and 5; reference code 3.1 for the order of operations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from timonier.measure.hpcg.problem import Level, Problem
from timonier.measure.kernels import hpcg as kernel
from timonier.measure.kernels.arrays import Floats

PARTS = ("dot", "waxpby", "spmv", "mg")


@dataclass(slots=True)
class Outcome:
    """What a run of CG gives.  residuals: the norm of the residual before and after each iteration."""

    residuals: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def iterations(self) -> int:
        """How many there were."""
        return len(self.residuals) - 1

    @property
    def scaled(self) -> float:
        """The last residual as a share of the first."""
        return self.residuals[-1] / self.residuals[0]


class Solver:
    """CG on a problem; is_reuse: keep what the first half of a sweep computed.  seconds: part -> time so far."""

    def __init__(self, problem: Problem, *, is_reuse: bool) -> None:
        self._problem, self._is_reuse = problem, is_reuse
        finest = problem.levels[0]
        self._z = np.zeros(finest.x.size)
        self._p = np.zeros(finest.x.size)
        self._r, self._ap = np.zeros(finest.rows), np.zeros(finest.rows)
        self.x = np.zeros(finest.x.size)
        self.seconds = dict.fromkeys(PARTS, 0.0)

    def run(self, b: Floats, iterations: int, tolerance: float, *, preconditioned: bool = True) -> Outcome:
        """Iterate from x = 0 until the scaled residual is at most `tolerance`."""
        began = perf_counter()
        a, n = self._problem.levels[0], self._problem.levels[0].rows
        x, p, z, r, ap = self.x, self._p, self._z, self._r, self._ap
        x[:] = 0.0
        p[:] = x
        self.spmv(a, p, ap)
        self._waxpby(1.0, b, -1.0, ap, r, n)
        outcome = Outcome([math.sqrt(self.dot(r, r, n))])
        rtz = 0.0
        while outcome.iterations < iterations and outcome.scaled > tolerance:
            if preconditioned:
                self.precondition(r, z)
            else:
                z[:n] = r
            before, rtz = rtz, self.dot(r, z, n)
            if outcome.iterations == 0:
                self._waxpby(1.0, z, 0.0, z, p, n)
            else:
                self._waxpby(1.0, z, rtz / before, p, p, n)
            self.spmv(a, p, ap)
            alpha = rtz / self.dot(p, ap, n)
            self._waxpby(1.0, x, alpha, p, x, n)
            self._waxpby(1.0, r, -alpha, ap, r, n)
            outcome.residuals.append(math.sqrt(self.dot(r, r, n)))
        outcome.seconds = perf_counter() - began
        return outcome

    def dot(self, x: Floats, y: Floats, n: int) -> float:
        """x'y over all ranks."""
        began = perf_counter()
        total = self._problem.ranks.sum(kernel.dot(x, y, n))
        self.seconds["dot"] += perf_counter() - began
        return total

    def spmv(self, level: Level, x: Floats, y: Floats) -> None:
        """y = A x; the ghosts of x are fetched first."""
        began = perf_counter()
        self._exchange(level, x)
        kernel.spmv(level.values, level.columns, x, y)
        self.seconds["spmv"] += perf_counter() - began

    def precondition(self, r: Floats, z: Floats) -> None:
        """One V-cycle from z = 0."""
        began = perf_counter()
        self._cycle(0, r, z)
        self.seconds["mg"] += perf_counter() - began

    def _waxpby(self, a: float, x: Floats, b: float, y: Floats, w: Floats, n: int) -> None:
        began = perf_counter()
        kernel.waxpby(a, x, b, y, w, n)
        self.seconds["waxpby"] += perf_counter() - began

    def _cycle(self, depth: int, r: Floats, x: Floats) -> None:
        level = self._problem.levels[depth]
        x[:] = 0.0
        self._smooth_zero(level, r, x)
        if depth + 1 == len(self._problem.levels):
            return
        coarse = self._problem.levels[depth + 1]
        self._exchange(level, x)
        if self._is_reuse:
            kernel.restrict_rows(level.points, level.values, level.columns, r, x, coarse.r)
        else:
            kernel.spmv(level.values, level.columns, x, level.ax)
            kernel.restrict(level.points, r, level.ax, coarse.r)
        self._cycle(depth + 1, coarse.r, coarse.x)
        kernel.prolong(level.points, coarse.x, x)
        self._smooth(level, r, x)

    def _smooth_zero(self, level: Level, r: Floats, x: Floats) -> None:
        """A symmetric sweep whose first guess is zero, the ghosts included."""
        halves = level.halves
        if not self._is_reuse or halves is None:
            self._smooth(level, r, x)
            return
        kernel.forward_from_zero(halves.low, halves.low_columns, level.inverse, r, x)
        kernel.backward_after_zero(halves.up, halves.up_columns, level.inverse, x)

    def _smooth(self, level: Level, r: Floats, x: Floats) -> None:
        """A symmetric sweep of Gauss-Seidel; ghosts keep what they hold at its beginning."""
        self._exchange(level, x)
        halves = level.halves
        if not self._is_reuse or halves is None:
            kernel.forward(level.values, level.columns, level.inverse, r, x)
            kernel.backward(level.values, level.columns, level.inverse, r, x)
            return
        kernel.forward_kept(
            halves.low, halves.low_columns, halves.up, halves.up_columns, level.inverse, r, x, halves.kept
        )
        kernel.backward_kept(halves.up, halves.up_columns, level.inverse, halves.kept, x)

    def _exchange(self, level: Level, x: Floats) -> None:
        """Fetch the ghosts of x."""
        neighbours = level.halo.neighbours
        if not neighbours:
            return
        comm = self._problem.ranks.comm
        waiting = [comm.Irecv(x[one.first : one.last], source=one.rank) for one in neighbours]
        for one, buffer in zip(neighbours, level.buffers, strict=True):
            kernel.take(x, one.send, buffer)
            waiting.append(comm.Isend(buffer, dest=one.rank))
        for request in waiting:
            request.Wait()
