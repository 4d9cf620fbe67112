"""A run of HPCG in the order of the rules: set-up, reference CG, optimisation, tests, sets, rating."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

from timonier.measure.events import Report, check
from timonier.measure.hpcg.geometry import Shape
from timonier.measure.hpcg.problem import Problem, build, prepare_reuse
from timonier.measure.hpcg.rules import (
    ITERATIONS,
    MOST_ITERATIONS,
    OFFICIAL_S,
    counts_of,
    matrix,
    norms,
    rating,
    spectral,
    symmetry,
)
from timonier.measure.hpcg.solve import PARTS, Solver
from timonier.measure.interval import LEAST, is_narrow
from timonier.measure.measurement import Check
from timonier.measure.ranks import Ranks, meter_of, open_ranks
from timonier.measure.recipe import Setup
from timonier.measure.repeat import Budget, too_small

REUSE = "reuse of partial sums"


@dataclass(slots=True)
class Run:
    """A problem made ready.  overhead_s: set-up and optimisation.  tolerance: what the reference reached in 50."""

    problem: Problem
    solver: Solver
    overhead_s: float
    tolerance: float
    iterations: int = 0
    worst_s: float = 0.0


def work(setup: Setup, report: Report) -> None:
    """The whole benchmark on the ranks of this task."""
    ranks = open_ranks(setup.ranks)
    is_reuse = setup.label == REUSE
    _compile(ranks, is_reuse)
    budget = setup.budget()
    local = (int(setup.settings["nx"]), int(setup.settings["ny"]), int(setup.settings["nz"]))
    run = prepare(ranks, local, is_reuse, report)
    for one in (matrix(run.problem), *spectral(run.problem, run.solver), *symmetry(run.problem, run.solver)):
        report.check(one)
    report.check(find_iterations(run))
    if ranks.max(budget.left_s) <= 0:
        raise too_small(budget)
    _sets(run, budget, report)


def prepare(ranks: Ranks, local: Shape, is_reuse: bool, report: Report) -> Run:
    """Set-up, 50 iterations of the reference, optimisation; the times that count are reported."""
    began = perf_counter()
    problem = build(ranks, local)
    setup_s = ranks.max(perf_counter() - began)
    report.progress(0, 1, "reference iterations")
    reference = Solver(problem, is_reuse=False).run(problem.b, ITERATIONS, 0.0)
    began = perf_counter()
    if is_reuse:
        prepare_reuse(problem)
    optimise_s = ranks.max(perf_counter() - began) if is_reuse else 0.0
    report.single("hpcg.setup", setup_s)
    report.single("hpcg.optimise", optimise_s)
    return Run(problem, Solver(problem, is_reuse=is_reuse), setup_s + optimise_s, reference.scaled)


def _compile(ranks: Ranks, is_reuse: bool) -> None:
    """All kernels on the smallest problem."""
    problem = build(ranks, (16, 16, 16))
    if is_reuse:
        prepare_reuse(problem)
    for reuse in {False, is_reuse}:
        Solver(problem, is_reuse=reuse).run(problem.b, 2, 0.0)


def find_iterations(run: Run) -> Check:
    """How many iterations reach what the reference reached, and how long they take; whether they reach it."""
    outcome = run.solver.run(run.problem.b, MOST_ITERATIONS, run.tolerance * (1 + 1e-6))
    run.iterations = max(ITERATIONS, outcome.iterations)
    run.worst_s = run.problem.ranks.max(outcome.seconds)
    return check(
        "convergence",
        outcome.scaled / run.tolerance,
        "at most",
        1 + 1e-6,
        "scaled residual against that of 50 reference iterations",
    )


def _sets(run: Run, budget: Budget, report: Report) -> None:
    """Sets of iterations until the budget ends, or, where the run cannot be official anyway, until it is known."""
    problem, ranks = run.problem, run.problem.ranks
    counts = counts_of(problem.rows, problem.entries, run.iterations)
    is_official = budget.seconds >= OFFICIAL_S
    planned = int(ranks.max(OFFICIAL_S if is_official else budget.left_s) / run.worst_s) + 1
    run.solver.seconds = dict.fromkeys(PARTS, 0.0)
    meter, scaled, ratings, total, why = meter_of(ranks), [], [], 0.0, "budget"
    for done in range(planned):
        meter.start()
        outcome = run.solver.run(problem.b, run.iterations, 0.0)
        read = meter.read()
        set_s = ranks.max(outcome.seconds)
        total += set_s
        scaled.append(outcome.scaled)
        ratings.append(rating(counts.total, run.iterations, set_s, run.overhead_s))
        report.sample({"hpcg.rating": ratings[-1], "hpcg.bandwidth": counts.bytes / set_s}, read)
        report.progress(budget.used_s, budget.seconds, f"set {done + 1} of {planned}")
        enough = not is_official and len(ratings) >= LEAST and is_narrow(ratings)
        if ranks.max(float(enough)) > 0:
            why = "interval"
            break
    report.check(norms(scaled))
    for part, seconds in run.solver.seconds.items():
        report.single(f"hpcg.{part}", counts.flops[part] * len(scaled) / ranks.max(seconds))
    if total < OFFICIAL_S:
        report.note(f"not official: the sets took {total:.0f} s, the rules ask for 1,800 s", "hpcg.rating")
    report.say("stop", why=why)
