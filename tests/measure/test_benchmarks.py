"""The smaller benchmarks: what they measure is what their rules say."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
from tests.cli.command import timonier
from tests.measure.ranks import with_mpi

from timonier.measure import read_store
from timonier.measure.gemm import onednn
from timonier.measure.gemm.work import factors, kinds_of, verify
from timonier.measure.here import Here, look
from timonier.measure.hpl.text import Input, grid, parse, render, unknowns
from timonier.measure.hpl_like import scaled_residual
from timonier.measure.hpl_mxp import solve
from timonier.measure.kernels import chase, random_access
from timonier.measure.kernels import stream as stream_kernels
from timonier.measure.packages import is_installed
from timonier.measure.recipe import Wanted
from timonier.measure.stream import plan


def measured(tmp_path, *words):
    done = timonier("measure", *words, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    return {(one.name, one.label): one for one in read_store(tmp_path / "out")}


# ---- STREAM


def test_stream_takes_each_memory_node_where_there_are_several():
    two = Here((0, 1, 2, 3), {0: (0, 1), 1: (2, 3)}, {3: 1 << 25}, 1 << 26, 1 << 36, "cpu", "node")
    tasks = {task.label: task for task in plan(two, Wanted())}
    assert list(tasks) == ["all cores", "one core", "memory node 0", "memory node 1"]
    assert tasks["memory node 1"].cpus == (2, 3)
    assert tasks["all cores"].settings["n"] * 8 >= 4 * (1 << 26)
    assert tasks["all cores"].settings["n"] >= 10_000_000


@pytest.mark.skipif("NUMBA_DISABLE_JIT" in os.environ, reason="looks at compiled loops")
def test_loops_for_one_thread_and_for_all_are_kept_apart():
    """Numba names a cached build by its source: one would be loaded for the other, and use one core of all."""
    for name in ("fill", "copy", "scale", "add", "triad"):
        one, every = (getattr(stream_kernels, f"{name}_{kind}") for kind in "1n")
        assert every.targetoptions["parallel"]
        assert one._cache.cache_path != every._cache.cache_path


# ---- RandomAccess and latency


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 63, 64, 1000, 123_457])
def test_a_jump_is_as_many_steps(steps):
    word = 1
    for _ in range(steps):
        word = ((word << 1) & (2**64 - 1)) ^ (7 if word >> 63 else 0)
    assert int(random_access.jump(steps)) % 2**64 == word


def test_the_same_updates_twice_give_the_table_back():
    table = np.empty(1 << 12, np.uint64)
    random_access.fill(table)
    starts = np.array([random_access.jump(k * 512) for k in range(128)], np.uint64)
    random_access.update(table, starts.copy(), 64)
    assert random_access.wrong(table) > 2000
    random_access.update(table, starts.copy(), 64)
    assert random_access.wrong(table) == 0


def test_the_chase_goes_through_every_line_once():
    order = np.random.default_rng(1).permutation(1000).astype(np.uint64)
    links = np.zeros(8000, np.uint64)
    chase.ring(order, links)
    here, seen = np.uint64(0), set()
    for _ in range(1000):
        seen.add(int(here))
        here = links[here]
    assert here == 0
    assert seen == {8 * k for k in range(1000)}
    assert int(chase.walk(links, np.uint64(0), 1000)) == 0


def test_gups_and_latency_end_to_end(tmp_path):
    found = measured(tmp_path, "gups", "--set", "log2_words=16", "--budget", "1s")
    assert found["gups.updates", "one core"].value > 1e6
    found = measured(tmp_path, "latency", "--budget", "2s")
    assert 1e-10 < found["latency.memory", "one core"].value < 1e-5


# ---- products


@pytest.mark.skipif(onednn.load() is None, reason="no oneDNN library")
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 7), (64, 64, 64), (130, 257, 99), (256, 2048, 128)])
def test_int8_products_are_bit_equal_to_an_int32_reference(shape):
    m, k, n = shape
    rng = np.random.default_rng(k)
    a, b = rng.integers(-128, 128, (m, k), dtype=np.int8), rng.integers(-128, 128, (k, n), dtype=np.int8)
    c = np.empty((m, n), np.int32)
    onednn.load().multiply(a, b, c)
    assert np.array_equal(c, a.astype(np.int32) @ b.astype(np.int32))


def test_products_end_to_end_are_measured_or_blank_with_a_reason(tmp_path):
    found = measured(tmp_path, "gemm", "--set", "n=256", "--budget", "2s")
    for label in ("one core", "all cores"):
        assert found["gemm.float64", label].value > 1e8
        assert found["gemm.float8", label].state == "skipped"
    for (name, label), one in found.items():
        assert (one.value is None) == (one.state == "skipped")
        if one.state == "skipped":
            assert one.reason, name
        if label == "gpu" and not is_installed("torch") and not is_installed("cupy"):
            assert "no GPU" in one.reason


def test_a_narrow_format_is_checked_against_what_it_holds():
    """bfloat16 by hand: rounded factors, exact product."""
    a, b = factors("bfloat16", 64)
    rounded = [
        (one.astype(np.float32).view(np.uint32) + 0x8000 & 0xFFFF0000).view(np.float32) for one in (a, b)
    ]
    rows = rounded[0].astype(np.float64) @ rounded[1].astype(np.float64)
    assert verify("bfloat16", 64, rows).passed
    assert not verify("bfloat16", 64, rows * 1.1).passed
    assert kinds_of("float64,int8") == ["float64", "int8"]


# ---- dense systems

REAL = """\
T/V                N    NB     P     Q               Time                 Gflops
WR11C2R4        4000   192     1     2               7.72              5.531e+00
HPL_pdgesv() start time
||Ax-b||_oo/(eps*(||A||_oo*||x||_oo+||b||_oo)*N)=        0.0027586 ...... PASSED
WR11C2R4        8000   192     2     4              17.72              1.931e+01
||Ax-b||_oo/(eps*(||A||_oo*||x||_oo+||b||_oo)*N)=  2.1990230e+02 ...... FAILED
WR11C2R4        9000   192     2     4              18.72              1.931e+01
"""


def test_the_output_of_hpl_is_read_and_a_result_without_residual_is_none():
    good, bad = parse(REAL)
    assert (good.n, good.block, good.rows, good.columns, good.seconds) == (4000, 192, 1, 2, 7.72)
    assert good.flops == pytest.approx(5.531e9)
    assert good.passed
    assert (bad.residual, bad.passed) == (219.90230, False)
    assert parse("killed") == []


def test_the_input_of_hpl_has_its_lines_in_their_places():
    lines = render(Input(8000, 192, 2, 4)).splitlines()
    assert [lines[k].split()[0] for k in (4, 5, 6, 7, 10, 11, 12)] == [
        "1",
        "8000",
        "1",
        "192",
        "2",
        "4",
        "16.0",
    ]
    assert len(render(Input(8000, 192, 2, 4), hpcc=True).splitlines()) == 36
    assert grid(12) == (3, 4)
    assert unknowns(1e9, 1e9, 1e12, 100) <= 10_000


@pytest.mark.skipif(
    shutil.which("hpcc") is None or shutil.which("mpirun") is None, reason="no hpcc, or no mpirun"
)
def test_the_real_hpl_end_to_end(tmp_path):
    found = measured(tmp_path, "hpl", "--set", "n=200", "--ranks", "1", "--budget", "1s")
    one = found["hpl.rate", "1 ranks"]
    assert one.value > 1e6
    assert [c.passed for c in one.checks] == [True]


@pytest.mark.parametrize("n", [1, 31, 64, 257, 600])
def test_factors_in_float32_are_those_of_the_matrix(n):
    full, b = solve.system(n)
    blas = solve.factors(full)
    packed = blas.matrix().astype(np.float64)
    product = (np.tril(packed, -1) + np.eye(n)) @ np.triu(packed)
    assert np.abs(product - full).max() < 1e-5 * max(1.0, np.abs(full).max())
    refined = solve.refine(full, b, blas)
    assert scaled_residual(full, refined.x, b) < 16
    assert refined.x == pytest.approx(np.linalg.solve(full, b), rel=1e-9, abs=1e-12)


def test_no_diagonal_of_the_mixed_precision_system_dominates_its_row():
    """The rules allow strict dominance for tests of the code only."""
    full, _ = solve.system(600)
    off = np.abs(full).sum(axis=1) - np.abs(np.diag(full))
    assert np.all(np.abs(np.diag(full)) < off / 4)


def test_dense_systems_end_to_end(tmp_path):
    for name in ("hpl-like", "hpl-mxp"):
        found = measured(tmp_path, name, "--set", "n=600", "--budget", "1s")
    rates = [one for (name, _), one in found.items() if name.endswith(".rate")]
    assert len(rates) == 2
    assert all(one.value > 1e7 for one in rates)


# ---- messages


@with_mpi
def test_messages_end_to_end(tmp_path):
    found = measured(tmp_path, "network", "--ranks", "2", "--budget", "2s")
    assert found["network.half_trip_8", "2 ranks"].value > 1e-9
    assert found["network.bandwidth", "2 ranks"].value > 1e6
    assert all("shared memory" in one.note for one in found.values())


@with_mpi
def test_hpcg_and_graph500_over_ranks_end_to_end(tmp_path):
    found = measured(
        tmp_path, "hpcg", "--ranks", "2", "--set", "n=16", "--set", "variant=plain", "--budget", "20s"
    )
    assert found["hpcg.rating", "plain"].value > 1e6
    found = measured(
        tmp_path, "graph500", "--ranks", "2", "--set", "scale=8", "--set", "roots=4", "--budget", "5s"
    )
    one = found["graph500.bfs", "scale 8"]
    assert one.repeats == 4
    assert "not conforming: 4 of 64 roots" in one.note
    assert all(c.passed for c in one.checks)


def test_a_gpu_is_blank_with_the_reason_where_there_is_none(tmp_path):
    found = measured(tmp_path, "gpu", "--budget", "1s")
    if is_installed("torch") or is_installed("cupy"):
        pytest.skip("a package that may find a GPU is installed")
    assert {one.state for one in found.values()} == {"skipped"}


def test_this_machine_is_read():
    here = look()
    assert len(here.cpus) >= 1
    assert here.free_bytes > 1 << 20
    assert set().union(*here.numa.values()) <= set(here.cpus)
