"""HPCG: the residuals of the reference code, the counts of its report, and tests that can fail."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.cli.command import environment
from tests.measure.ranks import on_ranks, with_mpi

from timonier.measure.hpcg.geometry import box_of, halo_of, process_grid
from timonier.measure.hpcg.problem import build, prepare_reuse
from timonier.measure.hpcg.rules import counts_of, rating
from timonier.measure.hpcg.solve import Solver
from timonier.measure.ranks import Alone

GOLDEN = Path(__file__).parent / "golden" / "hpcg.json"
HISTORIES = json.loads(GOLDEN.read_text())["histories"]
CALM = (
    1e-8  # below, the residual is what rounding left over: two builds of the reference differ there as well
)


def history(solver, problem, iterations=50):
    residuals = solver.run(problem.b, iterations, 0.0).residuals
    return residuals[0], [one / residuals[0] for one in residuals[1:]]


def agree(found, wanted):
    """Equal within 1e-10 relative, down to a residual of CALM; how many iterations that are."""
    count = 0
    for one, other in zip(found, wanted, strict=False):
        if other < CALM:
            break
        assert one == pytest.approx(other, rel=1e-10)
        count += 1
    return count


@pytest.mark.parametrize("is_reuse", [False, True], ids=["plain", "reuse"])
@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("32x32x32 on 1", 18),
        ("64x64x64 on 1", 34),
        pytest.param("88x88x88 on 1", 49, marks=pytest.mark.long),
        pytest.param("104x104x104 on 1", 50, marks=pytest.mark.long),
    ],
)
def test_the_residuals_are_those_of_the_reference_code(name, least, is_reuse):
    golden = HISTORIES[name]
    problem = build(Alone(), tuple(golden["local"]))
    if is_reuse:
        prepare_reuse(problem)
    first, found = history(Solver(problem, is_reuse=is_reuse), problem)
    assert first == pytest.approx(golden["initial"], rel=1e-14)
    assert agree(found, golden["scaled"]) >= least


@with_mpi
@pytest.mark.parametrize("ranks", [2, 4])
def test_over_ranks_the_residuals_are_those_of_the_reference_code_over_ranks(ranks):
    found = on_ranks(ranks, "hpcg")
    golden = HISTORIES[f"32x32x32 on {ranks}"]
    for variant in ("plain", "reuse"):
        assert agree(found[variant], golden["scaled"]) >= 20


@with_mpi
@pytest.mark.parametrize("ranks", [2, 4])
def test_without_the_preconditioner_the_residuals_over_ranks_are_those_of_one(ranks):
    """The preconditioner works on each rank by itself; the matrix, the halo and CG do not."""
    found = on_ranks(ranks, "hpcg")["unpreconditioned"]
    grid = process_grid(ranks)
    problem = build(Alone(), tuple(16 * n for n in grid))
    solver = Solver(problem, is_reuse=False)
    alone = solver.run(problem.b, 20, 0.0, preconditioned=False).residuals
    assert found == pytest.approx(alone, rel=1e-11)


def test_every_point_of_a_halo_is_where_its_owner_says():
    """Two ranks number the points between them the same way: for twelve ranks, by global numbers."""
    local, ranks = (8, 8, 16), 12
    boxes = [box_of(rank, ranks, local) for rank in range(ranks)]
    halos = [halo_of(box) for box in boxes]
    rows = [box.global_rows() for box in boxes]
    for rank, halo in enumerate(halos):
        for one in halo.neighbours:
            back = next(other for other in halos[one.rank].neighbours if other.rank == rank)
            assert back.last - back.first == one.send.size
            sent = rows[rank][one.send]
            assert np.all(np.diff(sent) > 0)
    total = np.sort(np.concatenate(rows))
    assert np.array_equal(total, np.arange(total.size))


def test_the_matrix_is_the_27_point_operator():
    problem = build(Alone(), (16, 16, 16))
    n = problem.levels[0].rows
    dense = np.zeros((n, n))
    values, columns = problem.levels[0].values, problem.levels[0].columns
    for k in range(27):
        dense[np.arange(n), columns[:, k]] += values[:, k]
    z, y, x = (index.ravel() for index in np.indices((16, 16, 16)))
    near = (
        (abs(z[:, None] - z) <= 1) & (abs(y[:, None] - y) <= 1) & (abs(x[:, None] - x) <= 1)
    )  # fmt: skip
    assert np.array_equal(dense, np.where(np.eye(n) > 0, 26.0, np.where(near, -1.0, 0.0)))
    assert problem.entries[0] == near.sum()


def test_operations_are_counted_as_the_report_of_the_reference_counts_them():
    """Numbers of the reference's own report: 64^3 on one rank, one set of 50 iterations."""
    golden = json.loads(GOLDEN.read_text())["report"]
    found = counts_of(golden["rows"], golden["entries"], 50)
    for part, flops in golden["flops"].items():
        assert found.flops[part] * golden["sets"] == pytest.approx(flops, rel=2e-6), part
    total = golden["bytes"]
    assert found.bytes * golden["sets"] == pytest.approx(total, rel=2e-5)


def test_iterations_beyond_fifty_do_not_count_and_set_up_does():
    assert rating(100.0, 50, 10.0, 0.0) == 10.0
    assert rating(200.0, 100, 10.0, 0.0) == 10.0
    assert rating(100.0, 50, 10.0, 100.0) == 5.0


@pytest.mark.long
def test_the_whole_command_says_that_a_short_run_is_not_official(tmp_path):
    line = [
        sys.executable,
        "-m",
        "timonier.cli",
        "measure",
        "hpcg",
        "--ranks",
        "1",
        "--set",
        "n=16",
        "--budget",
        "4s",
    ]
    done = subprocess.run(
        [*line, "-o", tmp_path / "out"], capture_output=True, text=True, check=True, env=environment()
    )
    assert "not official" in done.stdout
    assert "reuse of partial sums" in done.stdout
