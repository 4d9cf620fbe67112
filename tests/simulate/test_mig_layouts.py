"""The MIG layouts that the engine reaches are exactly those of an exhaustive search over the geometry table."""

from __future__ import annotations

import random
from itertools import product
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from timonier.describe import Gpus, Machine, Nodes
from timonier.describe.mig import MigGeometry, mig_geometries
from timonier.policy import read_profile
from timonier.simulate import simulate
from timonier.simulate.kernel.mig import pick_slice
from timonier.simulate.layout import lay_out
from timonier.simulate.unpack import placements_table
from timonier.workload import Jobs

DEVICES = sorted(mig_geometries())
Layout = frozenset[tuple[int, str]]  # (start, profile) of every slice
EMPTY: Layout = frozenset()
Step = tuple[int, str, bool]  # start, profile, whether it comes (else it goes)


def legal_layouts(geometry: MigGeometry) -> set[Layout]:
    """Every choice of "nothing or a profile" at each memory slice in which no two slices share one."""
    width = geometry.memory_slices
    profiles = list(geometry.profiles.values())
    choices = [[None, *(one for one in profiles if start in one.starts)] for start in range(width)]
    legal = set()
    for picked in product(*choices):
        cells = [s + i for s, one in enumerate(picked) if one is not None for i in range(one.memory_slices)]
        if len(cells) == len(set(cells)):
            legal.add(frozenset((s, one.name) for s, one in enumerate(picked) if one is not None))
    return legal


def one_gpu(device: str, layout: tuple[str, ...] | None = None) -> Machine:
    return Machine("one", nodes=(Nodes(("n",), 100_000, 0, (Gpus(device, 1, "mig", layout=layout),)),))


def ways_to(device: str) -> dict[Layout, list[Step]]:
    """Every layout that slices that come and go lead to, with a shortest way there from the empty GPU.

    Where a slice comes to lie is said by the kernel's own rule, which here runs as plain Python.
    """
    geometry = mig_geometries()[device]
    found = lay_out(one_gpu(device), by_name=True)
    site: Any = SimpleNamespace(starts=found.starts, slices=found.slices, options=found.options)
    pick = pick_slice.py_func
    ways: dict[Layout, list[Step]] = {EMPTY: []}
    line = [EMPTY]
    for layout in line:
        mask = sum(geometry.profiles[name].mask(start) for start, name in layout)
        steps = []
        for number, name in enumerate(found.profiles):
            cut = pick(site, 0, number, mask, 0)
            if cut >= 0:
                steps.append((cut & 255, name, True))
        steps += [(start, name, False) for start, name in layout]
        for start, name, comes in steps:
            after = layout | {(start, name)} if comes else layout - {(start, name)}
            if after not in ways:
                ways[after] = [*ways[layout], (start, name, comes)]
                line.append(after)
    return ways


@pytest.mark.parametrize("device", DEVICES)
def test_slices_that_come_and_go_reach_every_legal_layout_and_no_other(device: str) -> None:
    assert set(ways_to(device)) == legal_layouts(mig_geometries()[device])


def jobs_of(rows: list[dict[str, Any]]) -> Jobs:
    names = dict.fromkeys(name for row in rows for name in row)
    return Jobs(pa.table({name: [row[name] for row in rows] for name in names}), "mig")


def layouts_at(jobs: Jobs, device: str, instants: list[int]) -> list[Layout]:
    """What is cut at these instants of a run."""
    run = simulate(jobs, one_gpu(device), read_profile("fcfs"))
    profile = dict(zip(jobs.texts("job_id").to_pylist(), jobs.texts("mig").to_pylist(), strict=True))
    placed = placements_table(run.table, run.packed).to_pylist()
    changes: list[tuple[int, int, tuple[int, str]]] = []
    for row in placed:
        slice_ = (row["mig_start"], profile[row["job_id"]])
        changes += [(row["start_s"], 1, slice_), (row["end_s"], 0, slice_)]
    changes.sort()
    now: set[tuple[int, str]] = set()
    seen, at = [], 0
    for instant in sorted(instants):
        while at < len(changes) and changes[at][0] <= instant:
            _, comes, slice_ = changes[at]
            assert (slice_ in now) != bool(comes), "one slice twice"
            (now.add if comes else now.remove)(slice_)
            at += 1
        seen.append(frozenset(now))
    return seen


@pytest.mark.parametrize("device", DEVICES)
def test_a_run_is_steered_to_every_legal_layout(device: str) -> None:
    """The same by the engine itself: one run visits each layout in turn, from an empty GPU each time."""
    now, rows, visits = 0, list[dict[str, Any]](), list[tuple[int, Layout]]()
    for layout, way in ways_to(device).items():
        coming = {}
        for step, (start, name, comes) in enumerate(way):
            if comes:
                coming[start, name] = len(rows)
                rows.append({"job_id": str(len(rows)), "submit_s": now + step, "runtime_s": 0, "mig": name})
            else:
                row = rows[coming.pop((start, name))]
                row["runtime_s"] = now + step - row["submit_s"]
        last = now + len(way)
        for at in coming.values():
            rows[at]["runtime_s"] = last + 1 - rows[at]["submit_s"]
        visits.append((last, layout))
        now = last + 2
    found = layouts_at(jobs_of(rows), device, [instant for instant, _ in visits])
    assert found == [layout for _, layout in visits]
    assert set(found) == legal_layouts(mig_geometries()[device])


@pytest.mark.parametrize("device", DEVICES)
def test_a_random_crowd_never_leaves_the_legal_layouts(device: str) -> None:
    rng = random.Random(device)
    names = list(mig_geometries()[device].profiles)
    rows = [
        {"job_id": str(i), "submit_s": 3 * i, "runtime_s": rng.randint(1, 20), "mig": rng.choice(names)}
        for i in range(4000)
    ]
    found = set(layouts_at(jobs_of(rows), device, list(range(0, 30_000, 1))))
    assert found <= legal_layouts(mig_geometries()[device])
    assert len(found) > 10


@pytest.mark.parametrize("device", DEVICES)
def test_a_fixed_layout_is_what_is_used(device: str) -> None:
    """Every full layout given as a list: its slices lie where the list puts them, and no other can be had."""
    geometry = mig_geometries()[device]
    legal = legal_layouts(geometry)
    full = {one for one in legal if not any(one < other for other in legal)}
    for names in sorted({tuple(sorted(name for _, name in one)) for one in full}):
        rows = [
            {"job_id": str(i), "submit_s": 0, "runtime_s": 10, "mig": name} for i, name in enumerate(names)
        ]
        run = simulate(jobs_of(rows), one_gpu(device, names), read_profile("fcfs"))
        placed = placements_table(run.table, run.packed).to_pylist()
        assert [row["start_s"] for row in placed] == [0] * len(names)
        starts = geometry.fit(names)
        assert starts is not None
        found = {(row["mig_start"], names[int(row["job_id"])]) for row in placed}
        assert found == set(zip(starts, names, strict=True))
