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
from timonier.policy.profile import Backfill, Cycle, Device, Place, Profile, Score
from timonier.simulate.drive import drive
from timonier.simulate.kernel.free import NODE_BITS
from timonier.simulate.pack import Packed, pack
from timonier.simulate.rank import MOST_LISTS
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


def best_fit_of(seed: int) -> Profile:
    """Profiles that rank all nodes alike."""
    backfill, blocked, each = KINDS[seed % len(KINDS)]
    place = Place(
        ties=("name", "uniform", "order")[seed % 3],
        device=Device(DEVICES[seed // 2 % len(DEVICES)]),
        score=(Score("best-fit", (1.0, 2.5)[seed // 3 % 2]),),
        scale=(None, 100, 7)[seed // 2 % 3],
    )
    return Profile("large", cycle=Cycle(each=each, blocked=blocked), place=place, backfill=backfill)


def compare(seed: int, nodes: int, count: int, profile: Profile) -> Packed:
    rng = random.Random(f"large {seed}")
    machine = machine_of(rng, nodes)
    jobs = jobs_of(rng, machine, count, (0.7, 0.85, 1.0)[seed % 3])
    fast = pack(jobs, machine, profile, seed)
    plain = by_plain_scan(pack(jobs, machine, profile, seed))
    drive(fast)
    drive(plain)
    assert fast.nodes is not None
    assert plain.nodes is not None
    assert (fast.nodes.cluster.known.row_of >= 0).any()
    assert np.count_nonzero(fast.state.marks["start"] >= 0) > count // 2
    where = f"seed {seed}, {profile}"
    for name in ("start", "promised", "state"):
        assert np.array_equal(fast.state.marks[name], plain.state.marks[name]), f"{name}, {where}"
    for name in ("node", "device", "start"):
        found, wanted = (getattr(packed.nodes.cluster.held, name) for packed in (fast, plain))
        assert np.array_equal(found, wanted), f"held {name}, {where}"
    return fast


def compare_ranked(seed: int, nodes: int, count: int) -> None:
    """As `compare`; afterwards every node still stands where its key belongs, with its word."""
    packed = compare(seed, nodes, count, best_fit_of(seed))
    assert packed.nodes is not None
    site, room = packed.nodes.cluster.site, packed.nodes.cluster.room
    keys = room.left[:, 0] * site.rank_by[0] + room.gpus * site.rank_by[1]
    order = np.lexsort((np.arange(nodes_in(packed)), keys, site.rank_of))
    assert len(site.rank_at) > 4  # lists
    assert np.array_equal(room.rank & ((1 << NODE_BITS) - 1), order)
    assert np.array_equal(room.rank >> NODE_BITS, keys[order])
    assert np.array_equal(room.rank_word, room.word[order])


def nodes_in(packed: Packed) -> int:
    assert packed.nodes is not None
    return len(packed.nodes.layout.names)


@pytest.mark.parametrize("seed", range(6))
def test_some_thousand_jobs_against_the_plain_scan(seed: int) -> None:
    compare(seed, 150, SHORT, profile_of(seed))


@pytest.mark.parametrize("seed", range(10))
def test_nodes_in_the_order_of_their_keys_against_the_plain_scan(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if seed % 2:
        monkeypatch.setattr("timonier.simulate.rank.MOST_IN_LIST", 40)
    compare_ranked(seed, 150, SHORT)


@pytest.mark.parametrize(("count", "ranked"), [(MOST_LISTS, True), (MOST_LISTS + 1, False)])
def test_nodes_that_differ_too_much_are_not_ranked(count: int, ranked: bool) -> None:
    nodes = tuple(Nodes((f"n{i}",), 8000, 8 << 30, features=(f"f{i}",)) for i in range(count))
    asks = {
        "job_id": [f"j{i}" for i in range(count)],
        "submit_s": [0] * count,
        "runtime_s": [10] * count,
        "features": [f"f{i}" for i in range(count)],
    }
    packed = pack(Jobs(pa.table(asks), "many"), Machine("many", nodes=nodes), best_fit_of(0), 0)
    assert packed.nodes is not None
    assert (len(packed.nodes.cluster.room.rank) > 0) == ranked
    drive(packed)
    assert (packed.state.marks["start"] == 0).all()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_a_hundred_thousand_jobs_against_the_plain_scan(seed: int) -> None:
    compare(seed, 200, LONG, profile_of(seed))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_a_hundred_thousand_jobs_on_ranked_nodes(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if seed % 2:
        monkeypatch.setattr("timonier.simulate.rank.MOST_IN_LIST", 40)
    compare_ranked(seed, 400, LONG)
