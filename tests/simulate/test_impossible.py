"""Requests that can never run are named before the run, with one that can."""

from __future__ import annotations

import random
from dataclasses import replace

import pyarrow as pa
import pytest

from timonier.describe import Gpus, Machine, Nodes, Partition, Switch, mig_geometry
from timonier.describe.devices import memory_of
from timonier.policy import read_profile
from timonier.simulate import simulate
from timonier.simulate.ask import Ask, distinct_asks
from timonier.simulate.capacity import Room
from timonier.simulate.impossible import explain, impossible_jobs
from timonier.workload import Jobs

GIB = 2**30
LAB = Machine(
    "lab",
    nodes=(
        Nodes(("big1", "big2"), 64_000, 512 * GIB, (Gpus("a100-40gb", 8, "mig"),), rack="r1", features=("ib", "ssd")),
        Nodes(("old1", "old2"), 20_000, 128 * GIB, (Gpus("titan-x", 4),), rack="r2", features=("ssd", "maxwell")),
        Nodes(("share1",), 32_000, 256 * GIB, (Gpus("t4", 2, "fraction", max_sharers=4),), rack="r2"),
        Nodes(("cpu1",), 96_000, 1024 * GIB, resources={"nvme": 10}),
    ),
    switches=(Switch("leaf", ("big1", "old1")),),
    partitions=(
        Partition("gpu", nodes=("big1", "big2", "old1", "old2", "share1"), max_time_s=3600),
        Partition("cpu", nodes=("cpu1",)),
    ),
    licences={"ansys": 5},
)  # fmt: skip
NO_SHARES = Machine("exclusive", nodes=(Nodes(("n1",), 8_000, 64 * GIB, (Gpus("titan-x", 4),)),))


def jobs_of(*rows):
    names = sorted({name for row in rows for name in row})
    columns = {name: [row.get(name) for row in rows] for name in names}
    base = {
        "job_id": [str(k) for k in range(len(rows))],
        "submit_s": [0] * len(rows),
        "runtime_s": [1] * len(rows),
    }
    return Jobs(pa.table(base | columns), "test")


def note_of(machine=LAB, **row):
    return impossible_jobs(jobs_of(row), machine).get(0)


@pytest.mark.parametrize(
    ("row", "why", "offer"),
    [
        ({"gpus": 1.0, "mig": "5g.20gb"}, "a100-40gb has no MIG profile 5g.20gb", "mig = 7g.40gb"),
        ({"gpus": 1.0, "mig": "3g.40gb"}, "has no MIG profile 3g.40gb", "mig = 7g.40gb"),
        ({"gpus": 1.0, "mig": "1g.10gg"}, "has no MIG profile", "mig = 1g.10gb"),
        ({"gpus": 1.0, "mig": "9g.5gb"}, "has no MIG profile 9g.5gb", "mig = 1g.5gb"),
        ({"gpus": 1.0, "mig": "9g.40gb"}, "has no MIG profile 9g.40gb", "mig = 7g.40gb"),
        ({"gpus": 80.0, "mig": "1g.5gb"}, "asks for 80 MIG slices 1g.5gb per task", "has 56 MIG slices 1g.5gb"),
        ({"gpus": 1.0, "gpu_types": "maxwell"}, "maxwell is a feature of the nodes with titan-x", "gpu_types = titan-x"),
        ({"gpus": 1.0, "gpu_types": "xyz|a100-40bg"}, "no GPU of type xyz|a100-40bg", "gpu_types = a100-40gb"),
        ({"gpus": 0.5, "gpu_types": "a100-40gb"}, "a100-40gb is shared", "gpus = 1, mig = 4g.20gb (or gpu_types = t4)"),
        ({"gpus": 0.5, "gpu_types": "titan-x"}, "titan-x is shared", "gpus = 1 (or gpu_types = t4)"),
        ({"gpus": 0.5, "gpu_types": "titan-x", "features": "ib|ssd"}, "titan-x is shared", "nearest possible: gpus = 1"),
        ({"features": "xyz"}, "no node has the feature 'xyz'", "no features"),
        ({"features": "xyz&ib"}, "no node has the feature 'xyz'", "features = ib"),
        ({"gpus": 1.0, "mig": "1g.5gb", "gpu_types": "titan-x"}, "is cut into slices", "gpu_types = a100-40gb"),
        ({"gpus": 9.0}, "asks for 9 GPUs per task; the largest node that it may use has 8 GPUs", "gpus = 8"),
        ({"gpus": 5.0, "gpu_types": "Titan-X"}, "the largest node that it may use has 4 GPUs", "gpus = 4"),
        ({"memory_bytes": 2048 * GIB}, "2,048 GiB of memory per task", f"memory_bytes = {1024 * GIB}"),
        ({"cores": 97.0}, "asks for 97 cores per task", "cores = 96"),
        ({"cores": 65.0, "partition": "gpu"}, "has 64 cores", "cores = 64"),
        ({"gpus": 1.0, "gpu_types": "a100-40g"}, "no GPU of type a100-40g on this machine", "gpu_types = a100-40gb"),
        ({"gpus": 1.0, "gpu_types": "h100|h200"}, "no GPU of type h100|h200", "no gpu_types"),
        ({"features": "id"}, "no node has the feature 'id' (known: ib, maxwell, ssd)", "features = ib"),
        ({"features": "ib&ssd", "partition": "cpu"}, "no node in partition 'cpu' has the feature", "no features"),
        ({"partition": "gpus"}, "no partition 'gpus'", "partition = gpu"),
        ({"gpus": 1.0, "partition": "cpu"}, "partition 'cpu' has no GPU", "partition = gpu"),
        ({"gpus": 0.5, "gpu_types": "titan-x"}, "no GPU of type titan-x is shared", "gpu_types = t4"),
        ({"tasks": 17, "gpus": 1.0, "gpu_types": "a100-40gb"}, "17 tasks asked for; at most 16 fit", "tasks = 16"),
        ({"tasks": 19, "gpus": 0.25}, "19 tasks asked for; at most 16 fit", "tasks = 16"),
        ({"tasks": 9, "gpus": 0.25, "gpu_types": "t4"}, "9 tasks asked for; at most 8 fit", "tasks = 8"),
        ({"tasks": 5, "gpus": 4.0, "gpu_types": "titan-x>a100-40gb"}, "at most 4 fit", "tasks = 4"),
        ({"tasks": 2, "within": "rack", "cores": 90.0}, "no rack of this machine", "within empty"),
        ({"tasks": 3, "gpus": 4.0, "within": "switch"}, "at most 3 fit", None),
        ({"tasks": 4, "gpus": 4.0, "within": "switch"}, "4 tasks asked for in one switch; at most 3", "tasks = 3"),
        ({"tasks": 9, "gpus": 1.0, "within": "node"}, "in one node; at most 8", "tasks = 8"),
        ({"gpus": 4.0, "cores": 90.0}, "no node that it may use has 4 GPUs, 90 cores together", "cores = 64"),
        ({"res.nvme": 11}, "11 res.nvme per task", "res.nvme = 10"),
        ({"tasks": 6, "res.licence_ansys": 1}, "asks for 6 licences ansys; the machine has 5", "tasks = 5"),
        ({"res.licence_abaqus": 1}, "no licence 'abaqus' on this machine (it has ansys)", "res.licence_abaqus = 0"),
        ({"gpus": 1.0, "gpu_memory_bytes": 41 * GIB}, "41 GiB of GPU memory", f"gpu_memory_bytes = {40 * GIB}"),
        ({"gpus": 1.0, "mig": "1g.5gb", "gpu_memory_bytes": 9 * GIB}, "slice 1g.5gb has 4.75 GiB", "mig = 1g.10gb"),
        ({"time_limit_s": 7200.0, "partition": "gpu"}, "7200 s is above the 3600 s", "time_limit_s = 3600"),
    ],
)  # fmt: skip
def test_an_impossible_request_is_told_with_the_nearest_possible_one(row, why, offer):
    note = note_of(**row)
    if offer is None:
        assert note is None
        return
    assert why in note
    assert offer in note


def test_a_share_on_a_machine_without_shared_gpus_is_told():
    note = note_of(NO_SHARES, gpus=0.5)
    assert "no GPU is shared" in note
    assert note.endswith("nearest possible: gpus = 1")


def test_a_part_of_a_mig_slice_is_refused_and_a_whole_one_offered():
    note = note_of(gpus=0.5, mig="1g.5gb")
    assert note.startswith("asks for 0.5 of a MIG slice")
    assert note.endswith("nearest possible: gpus = 1")
    both = note_of(gpus=0.5, mig="5g.20gb")
    assert "has no MIG profile 5g.20gb" in both
    assert both.endswith("nearest possible: mig = 7g.40gb, gpus = 1")
    rows = jobs_of({"gpus": 0.5, "mig": "1g.5gb"}, {"gpus": 0.0, "mig": "1g.5gb"})
    run = simulate(rows, LAB, read_profile("fcfs"))
    assert run.table.column("state").to_pylist() == ["unrunnable", "completed"]


def test_two_faults_of_one_request_are_mended_together():
    note = note_of(gpus=9.0, gpu_types="a100-40", cores=100.0)
    assert note.endswith("nearest possible: gpu_types = a100-40gb, gpus = 8, cores = 64")


def test_possible_requests_get_no_note():
    rows = [
        {"gpus": 8.0, "cores": 64.0}, {"gpus": 0.5}, {"gpus": 1.0, "mig": "3g.20gb", "tasks": 32},
        {"features": "nothing|ssd"}, {"gpu_types": "h100>t4", "gpus": 2.0},
    ]  # fmt: skip
    assert impossible_jobs(jobs_of(*rows), LAB) == {}


def test_equal_requests_are_read_once():
    rows = [{"gpus": 1.0}, {"gpus": 2.0}, {"gpus": 1.0}, {"gpus": 2.0, "features": "ib"}]
    asks, which = distinct_asks(jobs_of(*rows))
    assert [ask.gpus for ask in asks] == [1000, 2000, 2000]
    assert which.tolist() == [0, 1, 0, 2]


# ---- against a search that lays tasks on nodes one by one


def can_hold(machine, ask):
    """Tries every way to lay the tasks, one after the other, on named nodes and named GPUs."""
    names = [(name, group) for group in machine.nodes for name in group.names]
    allowed = {name for part in machine.partitions if part.name == ask.partition for name in part.nodes}
    usable = [(n, g) for n, g in names if (not ask.partition or n in allowed) and has_features(g, ask)]
    if not ask.within:
        groups = [usable]
    elif ask.within == "rack":
        racks = {g.rack for _, g in usable if g.rack}
        groups = [[(n, g) for n, g in usable if g.rack == rack] for rack in racks]
    else:
        groups = [[one] for one in usable]
    kinds = [one for _, g in usable for one in g.gpus if not ask.types or one.type in ask.types]
    if 0 < ask.gpus < 1000 and not ask.mig and all(one.sharing in ("exclusive", "mig") for one in kinds):
        return False  # a share of a GPU is a share: somewhere it must be possible to share
    steps = [replace(ask, types=step) for step in ask.steps] or [ask]
    return any(lay(empty(group), step, ask.tasks) for step in steps for group in groups)


def has_features(group, ask):
    return not ask.features or any(words <= set(group.features) for words in ask.features)


def empty(nodes):
    return tuple(
        (
            g.core_thousandths,
            g.memory_bytes,
            0,
            tuple((one, 0, 0, 0) for one in g.gpus for _ in range(one.count)),
        )
        for _, g in nodes
    )


def lay(state, ask, tasks):
    """state: per node (cores, memory, tasks, GPUs), a GPU as (kind, used thousandths, jobs, used memory slices)."""
    if not tasks:
        return True
    for at, (cores, memory, here, gpus) in enumerate(state):
        if cores < ask.cores or memory < ask.memory_bytes or here == ask.tasks_per_node:
            continue
        for after in set(take(gpus, ask, (ask.gpus + 999) // 1000)):
            node = (cores - ask.cores, memory - ask.memory_bytes, here + 1, after)
            if lay((*state[:at], node, *state[at + 1 :]), ask, tasks - 1):
                return True
    return False


def take(gpus, ask, units):
    if not units:
        yield gpus
        return
    for at, one in enumerate(gpus):
        for after in take_one(one, ask):
            yield from take((*gpus[:at], after, *gpus[at + 1 :]), ask, units - 1)


def take_one(gpu, ask):
    kind, used, sharers, slices = gpu
    if ask.types and kind.type not in ask.types:
        return
    if ask.mig:
        geometry = mig_geometry(kind.type)
        profile = geometry.profiles.get(ask.mig) if geometry and kind.sharing == "mig" and not used else None
        for start in profile.starts if profile else ():
            if not slices & profile.mask(start):
                yield (kind, used, sharers, slices | profile.mask(start))
        return
    if ask.gpu_memory_bytes > (memory_of(kind) or 0):
        return
    if ask.gpus < 1000:
        shared = kind.sharing in ("time-slice", "fraction")
        if kind.sharing == "exclusive" and not used:
            yield (kind, 1000, 1, slices)
        if shared and used + ask.gpus <= 1000 and sharers < (kind.max_sharers or 10**9):
            yield (kind, used + ask.gpus, sharers + 1, slices)
    elif not used and not slices:
        yield (kind, 1000, 1, slices)


def random_machine(rng):
    kinds = [
        Gpus("titan-x", rng.randint(1, 2)), Gpus("t4", 1, "fraction", rng.choice([None, 2])),
        Gpus("a30", 1, "mig"), Gpus("a30", 1), Gpus("t4", 1, "time-slice"),
    ]  # fmt: skip
    nodes = tuple(
        Nodes(
            tuple(f"n{k}{j}" for j in range(rng.randint(1, 2))),
            rng.randint(1, 4) * 1000,
            rng.randint(1, 4) * GIB,
            tuple(rng.sample(kinds, rng.randint(0, 2))),
            rack=rng.choice(["", "a", "b"]),
            features=tuple(rng.sample(["ib", "ssd"], rng.randint(0, 2))),
        )
        for k in range(rng.randint(1, 2))
    )
    first = nodes[0].names[:1]
    return Machine("m", nodes=nodes, partitions=(Partition("p", nodes=first),))


def random_ask(rng):
    ask = random_request(rng)
    steps = (
        rng.choice([(), (), (("t4",), ("a30",)), (("titan-x",), ("t4", "a30"))])
        if ask.gpus and not ask.types
        else ()
    )
    return replace(ask, types=tuple(word for step in steps for word in step), steps=steps) if steps else ask


def random_request(rng):
    gpus = rng.choice([0, 0, 0, 0, 250, 500, 600, 1000, 2000])
    mig = rng.choice(["", "", "1g.6gb", "2g.12gb", "3g.12gb"]) if gpus >= 1000 else ""
    return Ask(
        tasks=rng.choice([1, 1, 2, 3, 4]),
        cores=rng.choice([500, 500, 1000, 1000, 2000, 5000]),
        memory_bytes=rng.choice([0, 0, 0, GIB, 2 * GIB, 5 * GIB]),
        gpus=gpus,
        types=rng.choice([(), (), (), (), ("t4",), ("t4", "a30"), ("titan-x",), ("t40",)]) if gpus else (),
        gpu_memory_bytes=0 if mig else rng.choice([0, 0, 0, 13 * GIB]),
        mig=mig,
        features=rng.choice(
            [(), (), (), (), (), (frozenset({"ib"}),), (frozenset({"ib", "ssd"}), frozenset({"x"}))]
        ),
        tasks_per_node=rng.choice([None, None, 1, 2]),
        within=rng.choice(["", "", "node", "rack"]),
        partition=rng.choice(["", "", "", "", "p", "q"]),
    )


def test_what_is_called_impossible_is_what_no_search_can_lay_out():
    """2,000 random requests on random machines; and every request offered instead can be laid out."""
    rng = random.Random(5)
    seen = {True: 0, False: 0}
    for _ in range(2000):
        machine, ask = random_machine(rng), random_ask(rng)
        found = explain(ask, Room(machine))
        possible = can_hold(machine, ask)
        assert (found is None) == possible, (machine, ask, found)
        seen[possible] += 1
        if found is not None:
            assert found.nearest is not None
            assert can_hold(machine, found.nearest), (machine, ask, found)
            assert found.nearest != ask
    assert min(seen.values()) > 300


def test_a_changed_request_keeps_what_was_possible_in_it():
    """Only the demand that is at fault is changed."""
    found = explain(Ask(gpus=9000, cores=4000, memory_bytes=GIB), Room(LAB))
    assert found.nearest == replace(Ask(gpus=9000, cores=4000, memory_bytes=GIB), gpus=8000)


def test_a_run_tells_it_in_the_note_of_the_job_and_nothing_else_is_refused():
    """The engine's own check of the empty machine refuses no job that is not explained here, and the other way round."""
    rng = random.Random(11)
    for _ in range(60):
        machine = random_machine(rng)
        rows = [row_of(random_ask(rng)) for _ in range(30)]
        notes = impossible_jobs(jobs_of(*rows), machine)
        table = simulate(jobs_of(*rows), machine, read_profile("fcfs")).table
        states = table.column("state").to_pylist()
        assert {row for row, state in enumerate(states) if state == "unrunnable"} == set(notes)
        assert [table.column("note")[row].as_py() for row in notes] == list(notes.values())


def test_it_is_told_before_the_run_the_most_frequent_reason_first():
    rows = [{"gpus": 9.0}, {"gpu_types": "titan-y", "gpus": 1.0}, {"gpus": 9.0}, {"cores": 1.0}]
    rows += [{"cores": 1000.0 + i} for i in range(5)]
    told = []
    simulate(jobs_of(*rows), LAB, read_profile("fcfs"), tell=told.append)
    told = [sentence for sentence in told if sentence.startswith("can never run")]
    assert told[0].startswith("can never run: job 0 and 1 more: asks for 9 GPUs per task")
    assert told[0].endswith("nearest possible: gpus = 8")
    assert "job 1: no GPU of type titan-y" in told[1]
    assert told[1].endswith("nearest possible: gpu_types = titan-x")
    assert (len(told), told[-1]) == (6, "can never run: 2 more, for other reasons; the run table notes each")


def row_of(ask):
    types = ">".join("|".join(step) for step in ask.steps) or "|".join(ask.types)
    return {
        "tasks": ask.tasks, "cores": ask.cores / 1000, "memory_bytes": ask.memory_bytes, "gpus": ask.gpus / 1000,
        "gpu_types": types or None, "gpu_memory_bytes": ask.gpu_memory_bytes, "mig": ask.mig or None,
        "features": "|".join("&".join(sorted(words)) for words in ask.features) or None,
        "tasks_per_node": ask.tasks_per_node, "within": ask.within or None, "partition": ask.partition or None,
    }  # fmt: skip
