"""Many jobs on many nodes: what is kept of nodes (blocks, groups, scores) against looking at every node every time.

A pruning that is wrong shows only where thousands of entries grow old: small workloads do not find it.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.simulate.test_nodes_agree import SCORES, TIES

from timonier.describe import Gpus, Machine, Nodes, Partition, Switch
from timonier.policy.profile import Backfill, Cycle, Device, Place, Profile
from timonier.simulate.drive import drive
from timonier.simulate.pack import Packed, pack
from timonier.workload import Jobs

LONG, SHORT = 100_000, 3_000
KINDS = (  # backfill, blocked, each
    (Backfill("easy"), "queue", "instant"),
    (Backfill(), "partition", "instant"),
    (Backfill("easy", "shortest"), "queue", "event"),
    (Backfill(), "skip", "event"),
    (Backfill(), "drop", "instant"),
)
DEVICES = ("best-fit", "fragmentation-gradient", "least-allocated", "random", "first")
HARDWARE = (  # cores, GiB, GPUs
    (96, 384, ()),
    (64, 256, (Gpus("t4-16gb", 4, "fraction"),)),
    (96, 512, (Gpus("v100", 8),)),
    (64, 1024, (Gpus("a100-40gb", 4, "mig"), Gpus("t4-16gb", 1, "time-slice", 3))),
    (32, 128, (Gpus("a30", 2, "mig", None, ("2g.12gb", "1g.6gb")),)),
)
ASKS: tuple[dict[str, Any], ...] = (
    {"cores": 1.0, "memory_bytes": 4 << 30},
    {"cores": 16.0, "memory_bytes": 64 << 30},
    {"cores": 4.0, "gpus": 1.0},
    {"cores": 2.0, "gpus": 0.5},
    {"cores": 1.0, "gpus": 0.25, "gpu_types": "t4-16gb"},
    {"cores": 8.0, "gpus": 2.0, "gpu_types": "v100|t4-16gb"},
    {"cores": 8.0, "gpus": 4.0, "gpu_types": "v100>t4-16gb"},
    {"cores": 2.0, "mig": "1g.5gb", "gpus": 1.0},
    {"cores": 2.0, "mig": "3g.20gb", "gpus": 1.0},
    {"cores": 2.0, "mig": "1g.6gb", "gpus": 1.0},
    {"cores": 8.0, "tasks": 4},
    {"cores": 4.0, "tasks": 6, "within": "switch"},
    {"cores": 16.0, "tasks": 2, "tasks_per_node": 1, "features": "ib"},
    {"cores": 32.0, "tasks": 2, "whole_nodes": True},
)


def machine_of(rng: random.Random, nodes: int) -> Machine:
    """Racks of equal nodes, a switch for every eighth of them, two partitions."""
    made: list[Nodes] = []
    count = 0
    while count < nodes:
        cores, gib, gpus = HARDWARE[len(made) % len(HARDWARE)] if len(made) < 5 else rng.choice(HARDWARE)
        names = tuple(f"n{count + i}" for i in range(rng.randint(4, 20)))
        count += len(names)
        features = ("ib",) if len(made) % 2 == 0 else ()
        rack, weight = f"r{len(made)}", rng.randint(1, 3)
        made.append(Nodes(names, 1000 * cores, gib << 30, gpus, rack=rack, features=features, weight=weight))
    every = [name for group in made for name in group.names]
    eighth = -(-len(every) // 8)
    return Machine(
        "large",
        nodes=tuple(made),
        switches=tuple(Switch(f"s{i}", tuple(every[i * eighth : (i + 1) * eighth])) for i in range(8)),
        partitions=(
            Partition("all", nodes=tuple(every), default=True),
            Partition("some", nodes=tuple(every[::3])),
        ),
    )


def jobs_of(rng: random.Random, machine: Machine, count: int, load: float) -> Jobs:
    """Jobs of every sort at once, submitted so that they ask for `load` of the scarcer of cores and GPUs."""
    asks = [dict(rng.choice(ASKS)) for _ in range(count)]
    runtime = np.ceil(np.random.default_rng(rng.getrandbits(32)).lognormal(6.0, 1.2, count)).astype(np.int64)
    tasks = np.array([ask.get("tasks", 1) for ask in asks])
    cores = np.array([ask["cores"] for ask in asks]) * tasks
    gpus = np.array([0.15 if ask.get("mig") else ask.get("gpus", 0.0) for ask in asks]) * tasks
    busy = max(np.sum(cores * runtime) / (machine.total_cores), np.sum(gpus * runtime) / machine.total_gpus)
    submit = np.sort(np.floor(np.array([rng.random() for _ in range(count)]) * busy / load)).astype(np.int64)
    names = dict.fromkeys(name for ask in ASKS for name in ask)
    columns = {name: pa.array([ask.get(name) for ask in asks]) for name in names}
    columns |= {
        "job_id": pa.array([f"j{i}" for i in range(count)]),
        "submit_s": pa.array(submit),
        "runtime_s": pa.array(runtime),
        "time_limit_s": pa.array(runtime * np.array([rng.choice((1, 1, 2, 5)) for _ in range(count)])),
        "partition": pa.array([rng.choice((None, None, None, "some")) for _ in range(count)]),
    }
    return Jobs(pa.table(columns), "large")


def profile_of(seed: int) -> Profile:
    backfill, blocked, each = KINDS[seed % len(KINDS)]
    place = Place(
        ties=TIES[seed // 5 % len(TIES)],
        sample="kube" if seed % 7 == 6 else "all",
        device=Device(DEVICES[seed // 2 % len(DEVICES)]),
        score=SCORES[seed % len(SCORES)],
        scale=(None, 100)[seed // 3 % 2],
    )
    return Profile("large", cycle=Cycle(each=each, blocked=blocked), place=place, backfill=backfill)


def by_plain_scan(packed: Packed) -> Packed:
    """Nothing is kept of nodes: every decision looks at all of them."""
    assert packed.nodes is not None
    packed.nodes.cluster.known.row_of[:] = -1
    packed.nodes.cluster.scores.memo_of[:] = -1
    return packed


def compare(seed: int, nodes: int, count: int) -> None:
    rng = random.Random(f"large {seed}")
    machine = machine_of(rng, nodes)
    jobs = jobs_of(rng, machine, count, (0.7, 0.85, 1.0)[seed % 3])
    fast = pack(jobs, machine, profile_of(seed), seed)
    plain = by_plain_scan(pack(jobs, machine, profile_of(seed), seed))
    drive(fast)
    drive(plain)
    assert fast.nodes is not None
    assert plain.nodes is not None
    assert (fast.nodes.cluster.known.row_of >= 0).any()
    assert np.count_nonzero(fast.state.marks["start"] >= 0) > count // 2
    where = f"seed {seed}, {profile_of(seed)}"
    for name in ("start", "promised", "state"):
        assert np.array_equal(fast.state.marks[name], plain.state.marks[name]), f"{name}, {where}"
    for name in ("node", "device", "start"):
        found, wanted = (getattr(packed.nodes.cluster.held, name) for packed in (fast, plain))
        assert np.array_equal(found, wanted), f"held {name}, {where}"


@pytest.mark.parametrize("seed", range(6))
def test_some_thousand_jobs_against_the_plain_scan(seed: int) -> None:
    compare(seed, 150, SHORT)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_a_hundred_thousand_jobs_against_the_plain_scan(seed: int) -> None:
    compare(seed, 200, LONG)
