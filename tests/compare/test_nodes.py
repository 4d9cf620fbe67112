"""Use, fragmentation, stranded resources, energy and cost of runs whose placements are written by hand."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from timonier.compare.energy import unknown_watts
from timonier.compare.fullness import held_between
from timonier.compare.nodes import machine_map, node_run, node_run_of, portrait_of, score_nodes
from timonier.compare.portrait import say_demand, schedule_of, worst_off
from timonier.describe import Gpus, Machine, Nodes, Prices
from timonier.policy import read_profile
from timonier.simulate import simulate
from timonier.workload import Jobs

GIB = 2**30
GPUS = Gpus("t4", 2, "fraction", idle_w=10, busy_w=110)
TWO = Machine(
    "two",
    nodes=(
        Nodes(("a", "b"), 4_000, 16 * GIB, (GPUS,), idle_w=100, busy_w=300, price=8766.0),
    ),
    prices=Prices("CHF", 0.5, lifetime_s=8766 * 3600),
)  # fmt: skip


def run_of(machine, jobs, placed):
    """jobs: rows of the job table with start_s and end_s; placed: (job, node, gpu, share, cores, GiB[, mig_start])."""
    times = {str(k): (row["start_s"], row["end_s"]) for k, row in enumerate(jobs)}
    names = sorted({name for row in jobs for name in row} - {"start_s", "end_s"})
    table = pa.table(
        {
            "job_id": [str(k) for k in range(len(jobs))],
            "submit_s": [0] * len(jobs),
            "runtime_s": [row["end_s"] - row["start_s"] for row in jobs],
            **{name: [row.get(name) for row in jobs] for name in names},
        }
    )
    ran = pa.table(
        {
            "job_id": table.column("job_id"),
            "submit_s": table.column("submit_s"),
            "start_s": [row["start_s"] for row in jobs],
            "end_s": [row["end_s"] for row in jobs],
            "wait_s": [row["start_s"] for row in jobs],
        }
    )
    rows = [(*one, None) if len(one) == 6 else one for one in placed]
    placements = pa.table(
        {
            "job_id": [str(one[0]) for one in rows],
            "node": [one[1] for one in rows],
            "gpu": pa.array([one[2] for one in rows], pa.int32()),
            "gpu_share": pa.array([one[3] for one in rows], pa.float64()),
            "mig_start": pa.array([one[6] for one in rows], pa.int32()),
            "cores": [float(one[4]) for one in rows],
            "memory_bytes": [one[5] * GIB for one in rows],
            "start_s": [times[str(one[0])][0] for one in rows],
            "end_s": [times[str(one[0])][1] for one in rows],
        }
    )
    return node_run(machine, Jobs(table, "test"), ran, placements)


def one_hour(**demand):
    return {"start_s": 0, "end_s": 3600, **demand}


def test_utilisation_is_what_was_held_over_what_there_is():
    """One job holds a GPU and 2 cores of a, another half a GPU of b for half of the time."""
    jobs = [one_hour(cores=2.0, gpus=1.0), {"start_s": 0, "end_s": 1800, "cores": 1.0, "gpus": 0.5}]
    scores = score_nodes(run_of(TWO, jobs, [(0, "a", 0, 1.0, 2, 8), (1, "b", 1, 0.5, 1, 4)]))
    assert scores["utilisation_cores"] == pytest.approx((2 + 0.5) / 8)
    assert scores["utilisation_gpus"] == pytest.approx((1 + 0.25) / 4)
    assert scores["utilisation_memory"] == pytest.approx((8 + 2) / 32)


def test_whole_nodes_are_allocated_above_what_was_asked():
    """The placement says what the task has; the rest of a belongs to the job too."""
    jobs = [one_hour(cores=1.0, gpus=1.0, whole_nodes=True), one_hour(cores=1.0, gpus=1.0)]
    scores = score_nodes(run_of(TWO, jobs, [(0, "a", 0, 1.0, 1, 0), (1, "b", 0, 1.0, 1, 0)]))
    assert scores["allocated_over_asked_cores"] == pytest.approx((4 + 1) / 2)
    assert scores["allocated_over_asked_gpus"] == pytest.approx((2 + 1) / 2)
    assert scores["allocated_over_asked_memory"] is None  # nobody asked for memory
    assert scores["utilisation_memory"] == pytest.approx(16 / 32)


def test_a_run_with_whole_nodes_holds_them():
    """By hand: two jobs of 1 core and 1 GPU have a node each for an hour, then the third runs an hour beside nobody.

    Cores: 4 + 4 + 1 of 16; memory: 16 + 16 + 0 of 64 GiB; GPUs: 2 + 2 + 1 of 8.
    Energy: 2 h of 280 W, and 2 x (200 W + 2 x 100 W), and 50 W + 100 W, an hour each.
    """
    whole = [True, True, None]
    columns = {
        "job_id": ["1", "2", "3"],
        "submit_s": [0] * 3,
        "runtime_s": [3600] * 3,
        "cores": [1.0] * 3,
        "gpus": [1.0] * 3,
        "whole_nodes": whole,
        "user": ["ana", "ben", "ana"],
    }
    found = node_run_of(simulate(Jobs(pa.table(columns), "test"), TWO, read_profile("fcfs")))
    scores = score_nodes(found)
    assert scores["utilisation_cores"] == pytest.approx(9 / 16)
    assert scores["utilisation_memory"] == pytest.approx(32 / 64)
    assert scores["utilisation_gpus"] == pytest.approx(5 / 8)
    assert scores["allocated_over_asked_cores"] == pytest.approx(9 / 3)
    assert scores["allocated_over_asked_gpus"] == pytest.approx(5 / 3)
    assert scores["energy_kwh"] == pytest.approx((2 * 240 + 2 * 400 + 150) / 1000)
    page = portrait_of(found)
    assert {row["user"]: row["gpu_hours"] for row in page["users"]} == {"ana": 3.0, "ben": 2.0}
    half = len(page["map"]["t_s"]) // 2
    assert [row[0] for row in page["map"]["used"]] == [1.0, 1.0]
    assert sorted(row[half] for row in page["map"]["used"]) == [0.0, 0.5]


def test_tasks_that_share_a_whole_node_hold_it_once_with_the_slices_left():
    machine = Machine("mig", nodes=(Nodes(("m",), 16_000, 64 * GIB, (Gpus("a100-40gb", 2, "mig"),)),))
    jobs = [one_hour(gpus=1.0, mig="3g.20gb", tasks=2, cores=3.0, whole_nodes=True)]
    placed = [(0, "m", 0, 3 / 7, 3, 0, 4), (0, "m", 0, 3 / 7, 3, 0, 0)]
    scores = score_nodes(run_of(machine, jobs, placed))
    assert [scores[f"utilisation_{name}"] for name in ("cores", "memory", "gpus")] == pytest.approx([1, 1, 1])
    assert scores["allocated_over_asked_gpus"] == pytest.approx(2 / (6 / 7), rel=1e-3)
    assert scores["gpu_fragmentation"] == 0


def test_what_is_free_beside_others_is_stranded_where_only_whole_nodes_are_asked_for():
    """All typical jobs want a node alone: what the small one leaves of a serves nobody; b is empty."""
    jobs = [*[one_hour(cores=1.0, gpus=1.0, whole_nodes=True)] * 40, one_hour(cores=1.0)]
    scores = score_nodes(run_of(TWO, jobs, [(40, "a", None, None, 1, 0)]))
    assert scores["stranded_cores"] == pytest.approx(3 / 8)
    assert scores["gpu_fragmentation"] == pytest.approx(2 / 4)


def test_what_nobody_asks_for_is_not_stranded_but_unknown():
    scores = score_nodes(run_of(TWO, [one_hour(cores=1.0)], [(0, "a", None, None, 1, 0)]))
    assert scores["stranded_memory"] is None
    assert scores["stranded_gpus"] is None
    assert scores["stranded_cores"] == 0


def test_fragmentation_is_the_idle_share_that_typical_jobs_cannot_use():
    """By hand: jobs ask for a whole GPU or for 0.6, half and half; 0.5 of a GPU on a is idle: both find it useless;
    a's other GPU and b's two are whole: all can use them.  F = 0.5 of 4 GPUs.
    """
    jobs = [one_hour(cores=1.0, gpus=1.0), one_hour(cores=1.0, gpus=0.6)] * 20
    again = run_of(TWO, jobs, [(0, "a", 0, 0.5, 1, 0)])
    assert score_nodes(again)["gpu_fragmentation"] == pytest.approx(0.5 / 4)
    assert score_nodes(again)["gpu_fragmentation_of_idle"] == pytest.approx(0.5 / 3.5)


def test_for_a_job_without_gpus_every_idle_gpu_is_fragmented():
    jobs = [one_hour(cores=1.0), one_hour(cores=1.0, gpus=1.0)]
    scores = score_nodes(run_of(TWO, jobs, [(1, "a", 0, 1.0, 1, 0)]))
    assert scores["gpu_fragmentation"] == pytest.approx(0.5 * 3 / 4)


def test_gpus_on_a_node_without_cores_are_stranded_and_cores_are_to_blame():
    """All cores of a are taken by a job without GPUs: a's two GPUs serve nobody."""
    jobs = [one_hour(cores=1.0, gpus=1.0), one_hour(cores=1.0, gpus=1.0), one_hour(cores=4.0)]
    run = run_of(TWO, jobs, [(2, "a", None, None, 4, 0)])
    scores = score_nodes(run)
    assert scores["stranded_gpus"] == pytest.approx(2 / 4)
    assert scores["stranded_cores"] == 0
    assert scores["short_first_cores"] == 1.0


def test_cores_behind_full_gpus_are_stranded_and_gpus_are_to_blame():
    jobs = [one_hour(cores=1.0, gpus=2.0)] * 3
    scores = score_nodes(run_of(TWO, jobs, [(0, "a", 0, 1.0, 1, 0), (0, "a", 1, 1.0, 0, 0)]))
    assert scores["stranded_cores"] == pytest.approx(3 / 8)
    assert scores["stranded_gpus"] == 0
    assert scores["short_first_gpus"] == 1.0


def test_a_cut_gpu_is_fragmented_where_no_slice_fits_any_more():
    """3g.20gb at 4 and 1g.5gb at 0, 1, 3: no room is left for 2g.10gb, although two compute slices are idle."""
    machine = Machine("mig", nodes=(Nodes(("m",), 16_000, 64 * GIB, (Gpus("a100-40gb", 1, "mig"),)),))
    jobs = [one_hour(gpus=1.0, mig="3g.20gb"), *[one_hour(gpus=1.0, mig="1g.5gb")] * 2]
    jobs += [one_hour(gpus=1.0, mig="2g.10gb")] * 60
    placed = [(0, "m", 0, 3 / 7, 1, 0, 4), (1, "m", 0, 1 / 7, 1, 0, 0), (2, "m", 0, 1 / 7, 1, 0, 3)]
    scores = score_nodes(run_of(machine, jobs, placed))
    assert scores["gpu_fragmentation"] == pytest.approx(2 / 7, abs=0.002)
    placed = [(0, "m", 0, 3 / 7, 1, 0, 4), (1, "m", 0, 1 / 7, 1, 0, 2), (2, "m", 0, 1 / 7, 1, 0, 3)]
    assert score_nodes(run_of(machine, jobs, placed))["gpu_fragmentation"] == pytest.approx(0, abs=0.002)


def test_energy_and_cost_by_hand():
    """One hour; two nodes idle at 100 W and four GPUs at 10 W; half the cores of a and one GPU at work:
    240 + 100 + 100 W = 0.44 kWh.  Cost: 0.44 x 0.5 + 2 nodes x 1 an hour.
    """
    run = run_of(TWO, [one_hour(cores=2.0, gpus=1.0)], [(0, "a", 0, 1.0, 2, 0)])
    scores = score_nodes(run)
    assert scores["energy_kwh"] == pytest.approx(0.44)
    assert scores["idle_energy_kwh"] == pytest.approx(0.24)
    assert scores["cost"] == pytest.approx(0.22 + 2.0)


def test_rented_nodes_cost_their_rent_and_need_no_watts():
    machine = Machine("rent", nodes=(Nodes(("a",), 4_000, per_hour=3.0),), prices=Prices("CHF"))
    scores = score_nodes(run_of(machine, [one_hour(cores=2.0)], [(0, "a", None, None, 2, 0)]))
    assert scores["energy_kwh"] is None
    assert scores["cost"] == pytest.approx(3.0)


def test_what_is_not_known_is_empty_with_its_reason():
    machine = Machine("unknown", nodes=(Nodes(("a",), 4_000, 0, (Gpus("g2", 1),)),))
    run = run_of(machine, [one_hour(cores=2.0)], [(0, "a", None, None, 2, 0)])
    scores = score_nodes(run)
    assert scores["energy_kwh"] is None
    assert scores["cost"] is None
    assert unknown_watts(machine) == ["nodes a ...", "g2"]
    why = portrait_of(run)["bill"]["why"]
    assert "g2" in why["energy_kwh"]
    assert "a" in why["cost"]
    assert scores["utilisation_memory"] is None  # the machine says no memory


def test_the_map_shows_the_share_of_each_node_over_time():
    """The first half of the hour a's two GPUs are full, then nothing runs there; b idles."""
    jobs = [{"start_s": 0, "end_s": 1800, "gpus": 2.0}, one_hour(cores=1.0)]
    placed = [(0, "a", 0, 1.0, 1, 0), (0, "a", 1, 1.0, 0, 0), (1, "b", None, None, 1, 0)]
    found = machine_map(run_of(TWO, jobs, placed))
    assert [label.split(":")[0] for label in found["rows"]] == ["a", "b"]
    half = len(found["t_s"]) // 2
    assert found["used"][0][:half] == [1.0] * half
    assert found["used"][0][half:] == [0.0] * half
    assert set(found["used"][1]) == {0.0}


def test_users_and_types_share_all_gpu_hours():
    jobs = [one_hour(gpus=1.0, user="ana"), one_hour(gpus=0.5, user="ben")]
    page = portrait_of(run_of(TWO, jobs, [(0, "a", 0, 1.0, 1, 0), (1, "b", 0, 0.5, 1, 0)]))
    assert [(row["user"], row["gpu_hours"]) for row in page["users"]] == [("ana", 1.0), ("ben", 0.5)]
    assert [(row["type"], row["gpus"], row["gpu_hours"]) for row in page["types"]] == [("t4", 4, 1.5)]


def test_a_counted_machine_has_no_nodes_to_look_at():
    empty = pa.table({"node": pa.array([], pa.string())})
    assert node_run(Machine("c", processors=4), Jobs(pa.table({}), ""), pa.table({}), empty) is None


def test_a_machine_is_full_when_any_resource_is():
    """GPUs are full in the first half hour, cores of a and b never; memory in the last quarter."""
    jobs = [{"start_s": 0, "end_s": 1800, "gpus": 2.0, "tasks": 2}, {"start_s": 2700, "end_s": 3600}]
    placed = [(0, node, gpu, 1.0, 1 - gpu, 0) for node in "ab" for gpu in (0, 1)]
    page = portrait_of(run_of(TWO, jobs, [*placed, (1, "a", None, None, 1, 16), (1, "b", None, None, 0, 16)]))
    full = page["full"]
    assert full["of"] == {"cores": 0.0, "memory": pytest.approx(0.25), "gpus": pytest.approx(0.5)}
    assert full["share"] == pytest.approx(0.75)
    assert (full["longest_from_s"], full["longest_to_s"]) == (0, 1800)
    held = held_between(page["held"], np.array([0.0, 1800.0, 3600.0]))
    assert held["gpus"].tolist() == pytest.approx([1.0, 0.0])
    assert held["memory"].tolist() == pytest.approx([0.0, 0.5])
    assert held["cores"].tolist() == pytest.approx([2 / 8, 0.5 / 8])


def test_a_job_on_nodes_is_described_by_what_its_tasks_ask_for():
    rows = [
        {"tasks": 11, "cores": 8.0, "memory_bytes": 64 * GIB, "gpus": 1.0, "gpu_types": "t4|a100-40gb"},
        {"cores": 1.0, "gpus": 0.5, "whole_nodes": True},
        {"cores": 2.5, "gpus": 2.0, "mig": "1g.5gb", "within": "node"},
        {},
    ]
    names = {name for row in rows for name in row}
    jobs = Jobs(pa.table({name: [row.get(name) for row in rows] for name in sorted(names)}), "test")
    assert [say_demand(jobs, row) for row in range(4)] == [
        "11 tasks, each with 8 cores, 64 GiB and 1 GPU (t4|a100-40gb)",
        "1 core and 0.5 GPU, its nodes alone",
        "2.5 cores and 2 slices 1g.5gb, all inside one node",
        "1 core",
    ]


def test_who_waited_longest_on_nodes_is_told_what_was_in_use_meanwhile():
    """Two GPU jobs fill all GPUs for an hour; the third waits for them, with seven of eight cores idle."""
    columns = {"job_id": ["1", "2", "3"], "submit_s": [0, 0, 0], "runtime_s": [3600] * 3, "tasks": [2, 2, 1]}
    jobs = Jobs(pa.table(columns | {"cores": [0.25, 0.25, 1.0], "gpus": [1.0, 1.0, 1.0]}), "test")
    run = simulate(jobs, TWO, read_profile("fcfs"))
    held = portrait_of(node_run_of(run))["held"]
    why = worst_off(schedule_of(run.table), run.table, jobs, 8, held)["why"]
    assert why.startswith("It asked for 1 core and 1 GPU. When it came, 0 jobs")
    assert "12% of the cores, 0% of the memory and 100% of the GPUs were in use" in why
