"""Scores of nodes against kube-scheduler's unit tests and golden values (facts of Kubernetes 1.36)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from timonier.describe import Gpus, Machine, Nodes
from timonier.kit.errors import InputError
from timonier.policy import Place, Profile, Score
from timonier.simulate.kernel.choose import sample_size, stands_before
from timonier.simulate.kernel.occupy import score_nodes
from timonier.simulate.pack import pack
from timonier.workload.jobs import Jobs, StateHeader

CORES_AND_MEMORY = {"cores": 1, "memory": 1}
MIB_200 = 209_715_200


def scores(
    score: Score, node: Nodes, running: list[dict[str, Any]], pod: dict[str, Any], **place: Any
) -> list[float]:
    """The score of each node for a pod, with these pods running on the first node."""
    names = dict.fromkeys(name for row in [*running, pod] for name in row)
    rows = [
        {"job_id": f"r{i}", "state": "running", "start_s": 0, "placement": node.names[0], **row}
        for i, row in enumerate(running)
    ] + [{"job_id": "pod", "state": "pending", **pod}]
    known = dict.fromkeys(["job_id", "submit_s", "runtime_s", "state", "start_s", "placement", *names])
    table = pa.table(
        {name: [row.get(name) for row in rows] for name in known if name not in ("submit_s", "runtime_s")}
    )
    table = table.append_column("submit_s", pa.array([0] * len(rows)))
    table = table.append_column("runtime_s", pa.array([100] * len(rows)))
    jobs = Jobs(table, "pods", state=StateHeader(now_s=1.0))
    profile = Profile("kube", place=Place(score=(score,), **({"scale": 100} | place)))
    packed = pack(jobs, Machine("kube", nodes=(node,)), profile)
    assert packed.nodes is not None
    shape = int(packed.nodes.shapes.of_job[-1])
    alt = int(packed.nodes.shapes.shape["first"][shape])
    totals = np.zeros(len(node.names))
    score_nodes(packed.nodes.cluster, shape, alt, totals)
    found: list[float] = totals.tolist()
    return found


GOLDEN = Nodes(("n1",), 96_000, 1 << 40, (Gpus("gpu", 8),))
POD = {"cores": 4.0, "gpus": 1.0}


@pytest.mark.parametrize(
    ("score", "wanted"),
    [
        (Score("least-allocated", resources=CORES_AND_MEMORY, missing_memory_bytes=MIB_200), (97, 95, 82)),
        (
            Score(
                "most-allocated",
                resources={"gpus": 10, "cores": 1, "memory": 1},
                missing_memory_bytes=MIB_200,
            ),
            (10, 21, 86),
        ),
        (
            Score(
                "requested-to-capacity", resources={"gpus": 5, "cores": 1}, shape=((0, 0), (50, 3), (100, 10))
            ),
            (6, 13, 87),
        ),
        (Score("balanced-allocation"), (73, 74, 74)),
        (Score("balanced-allocation", formula="1.35"), (97, 95, 83)),
    ],
)
def test_the_golden_values(score: Score, wanted: tuple[int, ...]) -> None:
    """The score of the k-th of identical pods, k = 1, 2, 8."""
    found = [scores(score, GOLDEN, [POD] * (k - 1), POD)[0] for k in (1, 2, 8)]
    assert found == list(wanted)


@pytest.mark.parametrize(
    ("total", "used", "pod", "wanted"),
    [
        ((4000, 10000), None, (3000, 5000), 68),
        ((6000, 10000), None, (3000, 5000), 75),
        ((10000, 20000), (3000, 0), (3000, 5000), 73),
        ((10000, 20000), (3000, 5000), (3000, 5000), 74),
        ((10000, 50000), (3000, 5000), (3000, 5000), 70),
    ],
)
def test_balanced_allocation_as_upstream_tests_it(
    total: tuple[int, int], used: tuple[int, int] | None, pod: tuple[int, int], wanted: int
) -> None:
    """Milli-CPU and bytes.  Source: balanced_allocation_test.go, Kubernetes 1.36."""
    node = Nodes(("n1",), total[0], total[1])
    running = [] if used is None else [{"cores": used[0] / 1000, "memory_bytes": used[1]}]
    ask = {"cores": pod[0] / 1000, "memory_bytes": pod[1]}
    assert scores(Score("balanced-allocation"), node, running, ask) == [wanted]


def test_a_scale_cuts_every_score_before_it_is_weighted() -> None:
    node = Nodes(("n1",), 3000, 0)
    ask = {"cores": 1.0}
    least = Score("least-allocated", 2.0, resources={"cores": 1})
    assert scores(least, node, [], ask) == [132.0]
    assert scores(least, node, [], ask, scale=10) == [12.0]
    assert scores(least, node, [], ask, scale=None) == [2 * 2 / 3 * 100.0]


def test_how_many_nodes_kube_scheduler_looks_for() -> None:
    assert [sample_size.py_func(n) for n in (50, 99, 100, 1000, 2000, 5000, 10000)] == [
        50,
        99,
        100,
        420,
        680,
        500,
        500,
    ]


def in_pre_order(count: int, i: int = 0) -> list[int]:
    return [] if i >= count else [i, *in_pre_order(count, 2 * i + 1), *in_pre_order(count, 2 * i + 2)]


def test_the_pre_order_of_a_heap() -> None:
    listed = in_pre_order(40)
    for a in range(40):
        for b in range(40):
            assert stands_before.py_func(a, b) == (listed.index(a) < listed.index(b))


def test_a_resource_that_no_node_has_is_an_error() -> None:
    with pytest.raises(InputError, match="no node has the resource 'gpu'"):
        scores(Score("most-allocated", resources={"gpu": 1}), GOLDEN, [], POD)
