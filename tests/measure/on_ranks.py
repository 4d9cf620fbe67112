"""What ranks do for the tests: python on_ranks.py NAME RANKS OUT, under mpirun."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from timonier.measure.ranks import open_ranks


def hpcg(ranks):
    from timonier.measure.hpcg.problem import build, prepare_reuse
    from timonier.measure.hpcg.solve import Solver

    problem = build(ranks, (32, 32, 32))
    prepare_reuse(problem)
    found = {}
    for name, is_reuse in (("plain", False), ("reuse", True)):
        residuals = Solver(problem, is_reuse=is_reuse).run(problem.b, 50, 0.0).residuals
        found[name] = [one / residuals[0] for one in residuals[1:]]
    small = build(ranks, (16, 16, 16))
    solver = Solver(small, is_reuse=False)
    found["unpreconditioned"] = solver.run(small.b, 20, 0.0, preconditioned=False).residuals
    return found


def graph500(ranks):
    from timonier.measure.graph500.graph import make_tuples
    from timonier.measure.graph500.many import SpreadBreadth, SpreadShortest, build_part, gathered
    from timonier.measure.graph500.proof import prove_bfs, prove_sssp
    from timonier.measure.graph500.work import choose_roots

    tuples = make_tuples(12, 1, ranks.rank, ranks.size)
    breadth = build_part(tuples, ranks, weighted=False)
    shortest = build_part(tuples, ranks, weighted=True)
    bfs, sssp = SpreadBreadth(breadth), SpreadShortest(shortest)
    found = []
    for root in choose_roots(tuples, ranks, 8, 1):
        parent = gathered(breadth, bfs.search(int(root)), -1)
        proof = prove_bfs(tuples, parent, int(root), ranks)
        parents, distances = sssp.search(int(root))
        whole = gathered(shortest, parents, -1), gathered(shortest, distances, np.inf)
        other = prove_sssp(tuples, *whole, int(root), ranks)
        found.append(
            {
                "root": int(root),
                "parent": parent.tolist(),
                "distance": [float(d) for d in whole[1]],
                "proved": proof.passed and other.passed,
                "edges": [proof.edges, other.edges],
            }
        )
    return found


if __name__ == "__main__":
    together = open_ranks(int(sys.argv[2]))
    result = {"hpcg": hpcg, "graph500": graph500}[sys.argv[1]](together)
    if together.rank == 0:
        Path(sys.argv[3]).write_text(json.dumps(result))
