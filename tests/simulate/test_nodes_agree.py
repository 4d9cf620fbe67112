"""The engine on nodes against the slow reference: every start, every end, every node, GPU and slice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.reference.nodes import simulate as slow
from tests.simulate import cases
from tests.simulate.node_workloads import FAMILIES, NodeWorkload, small, to_jobs

from timonier.policy.profile import Cycle, Device, Place, Profile, Score
from timonier.simulate import Run, simulate

SEEDS = range(0, 60, 5)  # every clock, estimate, score, tie and device rule comes up
LONG_SEEDS = range(1000)
BACKFILLS = ("none", "easy", "shortest", "conservative", "reservations")
BLOCKED = ("queue", "partition", "skip", "drop")
TIES = ("name", "order", "uniform", "preorder")
DEVICES = ("best-fit", "first", "least-allocated", "random", "fragmentation-gradient")
SHAPE = ((0, 0), (40, 3), (100, 10))
SCORES: tuple[tuple[Score, ...], ...] = (
    (),
    (Score("least-allocated"),),
    (
        Score(
            "most-allocated", resources={"gpus": 10, "cores": 1, "memory": 1}, missing_memory_bytes=200 << 20
        ),
    ),
    (Score("best-fit"),),
    (Score("balanced-allocation"), Score("least-allocated", missing_memory_bytes=1 << 30)),
    (Score("balanced-allocation", formula="1.35", resources={"cores": 1, "memory": 1, "gpus": 1}),),
    (Score("requested-to-capacity", resources={"gpus": 5, "cores": 1}, shape=SHAPE),),
    (Score("dot-product"),),
    (Score("gpu-packing"), Score("node-weight", 0.5)),
    (Score("gpu-clustering"), Score("rack-local", 2.0)),
    (Score("fragmentation-gradient"),),
    (Score("random"), Score("rack-local")),
)


def profile_of(fill: str, each: str, seed: int) -> Profile:
    """One profile; seeds go through orders, estimates, clocks and places."""
    order = ("fcfs", "fcfs", "static", "dynamic")[seed % 4]
    plain = cases.profile_of(order, "none" if fill == "reservations" else fill, each, seed)
    most = {"none": 4, "reservations": 2}.get(fill, 1)
    blocked = BLOCKED[seed // 2 % most]
    place = Place(
        ties=TIES[seed // 3 % 4],
        sample="kube" if seed % 7 == 6 else "all",
        device=Device(DEVICES[seed // 5 % 5]),
        score=SCORES[seed % len(SCORES)],
        scale=(None, 100, 100, 10)[seed // 3 % 4],
    )
    cycle: Cycle = replace(plain.cycle, blocked=blocked)
    backfill = cases.cycles_of(seed) if fill == "reservations" else plain.backfill
    return replace(plain, cycle=cycle, place=place, backfill=backfill)


def placed(run: Run) -> dict[str, list[tuple[str, list[tuple[int, int | None]]]]]:
    """Where each job ran: for each task its node and GPUs."""
    from timonier.simulate.unpack import placements_table

    found: dict[str, Any] = {}
    for row in placements_table(run.table, run.packed).to_pylist():
        tasks = found.setdefault(row["job_id"], [])
        if row["task"] == len(tasks):
            tasks.append((row["node"], []))
        if row["gpu"] is not None:
            tasks[row["task"]][1].append((row["gpu"], row["mig_start"]))
    return found


def compare(work: NodeWorkload, profile: Profile, seed: int) -> None:
    profile = replace(profile, queues=work.queues)
    run = simulate(to_jobs(work.jobs), work.machine, profile, seed=seed)
    if run.packed.on_counts:
        return  # conservative on equal slots: test_degenerate.py
    outcomes, places = slow(work.jobs, work.machine, profile, seed=seed, strict=True)
    wanted = [cases.as_row(job, out) for job, out in zip(work.jobs, outcomes, strict=True)]
    where = placed(run)
    for fast, row, place in zip(cases.engine_table(run), wanted, places, strict=True):
        assert fast == row, profile
        assert where.get(row["job_id"]) == place, f"{row} {profile}"


@pytest.mark.parametrize("each", ["instant", "event"])
@pytest.mark.parametrize("fill", BACKFILLS)
@pytest.mark.parametrize("family", FAMILIES)
def test_small_workloads(family: str, fill: str, each: str) -> None:
    compare_block(family, fill, each, SEEDS)


@pytest.mark.long
@pytest.mark.parametrize("each", ["instant", "event"])
@pytest.mark.parametrize("fill", BACKFILLS)
@pytest.mark.parametrize("family", FAMILIES)
def test_many_small_workloads(family: str, fill: str, each: str) -> None:
    compare_block(family, fill, each, LONG_SEEDS)


def test_who_did_not_fit_beside_the_head_is_tried_again_when_a_shorter_job_has_started_before_it() -> None:
    """The shorter one ends before the head starts: the head is named anew, and leaves room that it did not leave."""
    compare(small("together", "shortest event 1110"), profile_of("shortest", "event", 1110), 1110)


def compare_block(family: str, fill: str, each: str, seeds: range) -> None:
    for seed in seeds:
        try:
            compare(small(family, f"{fill} {each} {seed}"), profile_of(fill, each, seed), seed)
        except Exception as error:
            raise AssertionError(f"family {family!r}, seed {seed}, {fill} {each}: {error!r}") from error
