"""A run of Graph500: tuples, kernel 1, then 64 searches of each kind, every one proved."""

from __future__ import annotations

import math
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from timonier.measure.events import Report
from timonier.measure.graph500.graph import Tuples, build_rows, build_weighted, make_tuples
from timonier.measure.graph500.many import SpreadBreadth, SpreadShortest, build_part, gathered
from timonier.measure.graph500.proof import Proof, prove_bfs, prove_sssp
from timonier.measure.graph500.search import Breadth, Shortest
from timonier.measure.kernels.arrays import Ints
from timonier.measure.measurement import Check
from timonier.measure.ranks import Ranks, meter_of, open_ranks
from timonier.measure.recipe import Setup
from timonier.measure.repeat import Budget, too_small

ROOTS = 64
KINDS = ("bfs", "sssp")
Search = Callable[[int], Any]
Prove = Callable[[Any, int], Proof]


def work(setup: Setup, report: Report) -> None:
    """The whole benchmark on the ranks of this task."""
    ranks = open_ranks(setup.ranks)
    scale, seed, roots = (int(setup.settings[key]) for key in ("scale", "seed", "roots"))
    silent = Report(None)
    small = make_tuples(6, 1, ranks.rank, ranks.size)
    for kind in KINDS:  # compile
        _kernels(kind, small, choose_roots(small, ranks, 2, 1), ranks, silent, Budget(60.0))
    budget = setup.budget()
    report.progress(0, len(KINDS), "tuples")
    tuples = make_tuples(scale, seed, ranks.rank, ranks.size)
    chosen = choose_roots(tuples, ranks, roots, seed)
    stopped = "planned"
    for number, kind in enumerate(KINDS):
        part = Budget(budget.left_s / (len(KINDS) - number))
        if part.left_s <= 0:
            raise too_small(budget)
        done = _kernels(kind, tuples, chosen, ranks, report, part)
        if done < ROOTS:
            report.note(f"not conforming: {done} of {ROOTS} roots", f"graph500.{kind}")
        if done < len(chosen):
            stopped = "budget"
    report.say("stop", why=stopped)


def choose_roots(tuples: Tuples, ranks: Ranks, count: int, seed: int) -> Ints:
    """Distinct vertices that have a neighbour other than themselves, the same on every rank."""
    n = int(ranks.max(float(max(tuples.starts.max(), tuples.ends.max())))) + 1
    keep = tuples.starts != tuples.ends
    has = np.zeros(n, np.uint8)
    has[tuples.starts[keep]] = 1
    has[tuples.ends[keep]] = 1
    if ranks.comm is not None:
        whole = np.empty_like(has)
        from timonier.measure.ranks import load_mpi

        ranks.comm.Allreduce(has, whole, op=load_mpi().MAX)
        has = whole
    vertices = np.flatnonzero(has)
    return np.random.default_rng((seed, 500)).choice(vertices, min(count, vertices.size), replace=False)


def harmonic(values: list[float]) -> tuple[float, float]:
    """Harmonic mean and its standard deviation.

    Source: Graph500 specification 2.0, section 8; Norris 1940, "The standard errors of the geometric and harmonic
    means".

    >>> mean, deviation = harmonic([1.0, 2.0, 4.0])
    >>> round(mean, 4), round(deviation, 4)
    (1.7143, 0.7936)
    """
    inverse = [1 / value for value in values]
    mean = math.fsum(inverse) / len(inverse)
    if len(values) < 2:
        return 1 / mean, math.nan
    spread = math.sqrt(math.fsum((one - mean) ** 2 for one in inverse)) / (len(inverse) - 1)
    return 1 / mean, spread / mean**2


def _kernels(kind: str, tuples: Tuples, roots: Ints, ranks: Ranks, report: Report, budget: Budget) -> int:
    """Kernel 1 and the searches of a kind; returns how many roots there was time for."""
    ranks.barrier()
    began = perf_counter()
    search, prove = _alone(kind, tuples, ranks) if ranks.comm is None else _spread(kind, tuples, ranks)
    report.single(f"graph500.construction_{kind}", ranks.max(perf_counter() - began))
    meter, found, proofs, validation = meter_of(ranks), [], [], 0.0
    for done, root in enumerate(roots):
        ranks.barrier()
        began = perf_counter()
        result = search(int(root))
        seconds = ranks.max(perf_counter() - began)
        began = perf_counter()
        proof = prove(result, int(root))
        validation += perf_counter() - began
        proofs.append(proof)
        found.append(proof.edges / seconds)
        report.sample({f"graph500.{kind}": found[-1]}, (seconds, *meter.read()[1:]))
        share = max((done + 1) / roots.size, min(1.0, budget.used_s / budget.seconds))
        report.progress(KINDS.index(kind) + share, len(KINDS), f"{kind}, root {done + 1} of {roots.size}")
        if ranks.max(float(budget.left_s <= 0)):
            break
    for one in worst(proofs):
        report.check(one)
    report.single(f"graph500.validation_{kind}", validation / len(found))
    deviation = harmonic(found)[1]
    report.note(f"harmonic standard deviation {deviation:.3g} TEPS", f"graph500.{kind}")
    return len(found)


def worst(proofs: list[Proof]) -> list[Check]:
    """Of each rule the check of the root that broke it most."""
    return [max(same, key=lambda one: one.value) for same in zip(*(p.checks for p in proofs), strict=True)]


def _alone(kind: str, tuples: Tuples, ranks: Ranks) -> tuple[Search, Prove]:
    if kind == "bfs":
        return Breadth(build_rows(tuples)).search, lambda r, root: prove_bfs(tuples, r, root, ranks)
    return Shortest(build_weighted(tuples)).search, lambda r, root: prove_sssp(
        tuples, r[0], r[1], root, ranks
    )


def _spread(kind: str, tuples: Tuples, ranks: Ranks) -> tuple[Search, Prove]:
    part = build_part(tuples, ranks, weighted=kind == "sssp")
    if kind == "bfs":
        return SpreadBreadth(part).search, lambda r, root: prove_bfs(
            tuples, gathered(part, r, -1), root, ranks
        )

    def prove(result: Any, root: int) -> Proof:
        parent, distance = gathered(part, result[0], -1), gathered(part, result[1], np.inf)
        return prove_sssp(tuples, parent, distance, root, ranks)

    return SpreadShortest(part).search, prove
