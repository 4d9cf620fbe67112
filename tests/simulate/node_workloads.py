"""Random workloads on random machines with nodes, small and nasty, always the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import pyarrow as pa
from tests.reference.jobs import Job
from tests.reference.nodes import NodeJob
from tests.simulate import workloads as counted

from timonier.describe import Gpus, Machine, Nodes, Partition, Switch
from timonier.policy.profile import Queue
from timonier.workload.jobs import Jobs

TYPES = ("a100-40gb", "a30", "t4-16gb", "v100")


@dataclass
class NodeWorkload:
    """Jobs, the machine they meet, and the queues that the profile is to have."""

    jobs: list[NodeJob]
    machine: Machine
    queues: tuple[Queue, ...] = ()


def on_nodes(jobs: list[Job]) -> list[NodeJob]:
    """The same jobs, each of one task with as many cores as it had processors."""
    made = []
    for job in jobs:
        known = {field.name: getattr(job, field.name) for field in fields(Job)}
        made.append(NodeJob(**known, cores=1000 * job.size))
    return made


def base(rng: random.Random) -> list[NodeJob]:
    """Times of all sorts."""
    family = rng.choice((counted.ties, counted.spread, counted.over_limit, counted.missing_limit))
    return on_nodes(family(rng).jobs)


def set_size(job: NodeJob) -> None:
    job.size = -(-job.tasks * job.cores // 1000)


# ---- machines


def groups(rng: random.Random, kinds: int, *, gpus: bool = False, mig: bool = False) -> list[Nodes]:
    made = []
    first = 1
    for _ in range(kinds):
        count = rng.randint(1, 3)
        names = tuple(f"{rng.choice('nab')}{first + i}" for i in range(count))
        first += count
        made.append(
            Nodes(
                names=names,
                core_thousandths=rng.choice((1000, 2000, 3500, 4000, 8000)),
                memory_bytes=rng.choice((0, 4, 8)) << 30,
                gpus=gpu_entries(rng, mig=mig) if gpus else (),
                rack=rng.choice(("", "r1", "r2")),
                features=tuple(rng.sample(("ib", "ssd", "big"), rng.randint(0, 2))),
                weight=rng.randint(1, 3),
                resources={"disk": rng.randint(0, 5)} if rng.random() < 0.5 else {},
            )
        )
    return made


def gpu_entries(rng: random.Random, *, mig: bool) -> tuple[Gpus, ...]:
    entries = []
    for _ in range(rng.randint(0, 2)):
        name = rng.choice(TYPES)
        sharing = rng.choice(("exclusive", "fraction", "time-slice"))
        if mig and name in ("a100-40gb", "a30") and rng.random() < 0.8:
            layouts: list[Any] = [
                None,
                None,
                (("1g.5gb", "3g.20gb", "2g.10gb") if name[1] == "1" else ("2g.12gb", "1g.6gb")),
            ]
            entries.append(Gpus(name, rng.randint(1, 2), "mig", None, rng.choice(layouts)))
        else:
            most = rng.choice((None, 2, 3)) if sharing != "exclusive" else None
            entries.append(Gpus(name, rng.randint(1, 3), sharing, most))
    return tuple(entries)


def machine_of(rng: random.Random, made: list[Nodes], *, parts: bool = False) -> Machine:
    names = [name for group in made for name in group.names]
    some = lambda: tuple(rng.sample(names, rng.randint(1, len(names))))  # noqa: E731
    switches = tuple(Switch(f"s{i}", some()) for i in range(rng.randint(0, 3)))
    partitions = ()
    if parts:
        default = rng.choice((None, 0))
        partitions = tuple(
            Partition(name, nodes=some(), default=i == default, max_time_s=rng.choice((None, None, 200)))
            for i, name in enumerate(("p", "q")[: rng.randint(1, 2)])
        )
    licences = {"ansys": rng.randint(0, 4)} if rng.random() < 0.5 else {}
    return Machine("test", nodes=tuple(made), switches=switches, partitions=partitions, licences=licences)


# ---- families


def cores(rng: random.Random) -> NodeWorkload:
    """Gangs of tasks with cores and memory."""
    jobs = base(rng)
    for job in jobs:
        job.tasks = rng.choice((1, 1, 2, 3, 5))
        job.cores = rng.choice((1000, 1000, 500, 2000, 3500))
        job.memory = rng.choice((0, 0, 1, 3)) << 30
        set_size(job)
    return NodeWorkload(jobs, machine_of(rng, groups(rng, rng.randint(1, 3))))


def gpus(rng: random.Random) -> NodeWorkload:
    """Whole GPUs of any, one of several or a preferred order of types; least memory."""
    work = cores(rng)
    for job in work.jobs:
        job.cores = rng.choice((100, 500, 1000))
        job.memory = 0
        job.gpus = 1000 * rng.choice((0, 1, 1, 2, 3))
        if job.gpus and rng.random() < 0.5:
            words = rng.sample(TYPES, rng.randint(1, 3))
            job.gpu_types = rng.choice("|>").join(
                word.upper() if rng.random() < 0.1 else word for word in words
            )
        if job.gpus and rng.random() < 0.2:
            job.gpu_memory = rng.choice((10, 16, 20)) << 30
        set_size(job)
    return replace(work, machine=machine_of(rng, groups(rng, rng.randint(1, 3), gpus=True)))


def shares(rng: random.Random) -> NodeWorkload:
    """Shares of a GPU beside whole ones."""
    work = gpus(rng)
    for job in work.jobs:
        if rng.random() < 0.7:
            job.gpus = rng.choice((500, 250, 333, 100, 700, 460))
    return work


def slices(rng: random.Random) -> NodeWorkload:
    """MIG slices beside whole GPUs and shares."""
    work = shares(rng) if rng.random() < 0.5 else gpus(rng)
    for job in work.jobs:
        if rng.random() < 0.6:
            job.mig = rng.choice(
                ("1g.5gb", "2g.10gb", "3g.20gb", "1g.10gb", "7g.40gb", "1g.6gb", "2g.12gb", "4g.20gb")
            )
            job.gpus = 1000 * rng.choice((0, 1, 1, 2, 3))
            job.gpu_types, job.gpu_memory = None, 0
    return replace(work, machine=machine_of(rng, groups(rng, rng.randint(1, 3), gpus=True, mig=True)))


def together(rng: random.Random) -> NodeWorkload:
    """Gangs inside a node, a switch or a rack; whole nodes; at most so many on one node."""
    work = rng.choice((cores, gpus))(rng)
    for job in work.jobs:
        job.within = rng.choice((None, None, "node", "switch", "rack"))
        job.tasks_per_node = rng.choice((None, None, 1, 2))
        job.whole_nodes = rng.random() < 0.3
    return work


def parts(rng: random.Random) -> NodeWorkload:
    """Partitions, features, further resources and licences."""
    work = rng.choice((cores, gpus))(rng)
    work = replace(work, machine=machine_of(rng, list(work.machine.nodes), parts=True))
    for job in work.jobs:
        job.partition = rng.choice((None, "p", "q"))
        if rng.random() < 0.3:
            job.features = rng.choice(("ib", "ssd&ib", "big|ssd", "ib&big|ssd"))
        if rng.random() < 0.3:
            job.resources = {"disk": rng.randint(0, 3)}
        if rng.random() < 0.3:
            job.resources = {**job.resources, "licence_ansys": rng.randint(0, 2)}
    return work


def dependencies(rng: random.Random) -> NodeWorkload:
    """Chains of dependencies on nodes."""
    jobs = on_nodes(counted.dependencies(rng).jobs)
    for job in jobs:
        job.tasks = rng.choice((1, 2, 3))
        job.cores = rng.choice((1000, 2000))
        set_size(job)
    return NodeWorkload(jobs, machine_of(rng, groups(rng, rng.randint(1, 3))))


def mixed(rng: random.Random) -> NodeWorkload:
    """Everything together, with queues, rows in any order."""
    work = slices(rng)
    work = replace(work, machine=machine_of(rng, list(work.machine.nodes), parts=True))
    for family in (parts, together):
        other = family(random.Random(rng.random()))
        for job, model in zip(work.jobs, other.jobs, strict=False):
            if family is parts:
                job.partition, job.features = model.partition, model.features
                job.resources = model.resources
            else:
                job.within, job.tasks_per_node, job.whole_nodes = (
                    model.within,
                    model.tasks_per_node,
                    model.whole_nodes,
                )
    queues = counted.queues(random.Random(rng.random())).queues
    for job in work.jobs:
        job.queue, job.user = rng.choice(["slow", "fast", None]), rng.choice("ab")
        job.priority = rng.randint(0, 2)
    rng.shuffle(work.jobs)
    return replace(work, queues=queues)


FAMILIES: dict[str, Callable[[random.Random], NodeWorkload]] = {
    "cores": cores,
    "gpus": gpus,
    "shares": shares,
    "slices": slices,
    "together": together,
    "parts": parts,
    "dependencies": dependencies,
    "mixed": mixed,
}


def small(family: str, seed: str) -> NodeWorkload:
    return FAMILIES[family](random.Random(f"{family} {seed}"))


# ---- the same jobs as a timonier job table


def to_jobs(jobs: list[NodeJob]) -> Jobs:
    plain = counted.to_jobs(jobs)  # type: ignore[arg-type]
    table = plain.table
    names = sorted({name for job in jobs for name in job.resources})
    columns = {
        "tasks": pa.array([job.tasks for job in jobs], pa.int64()),
        "cores": pa.array([job.cores / 1000 for job in jobs], pa.float64()),
        "memory_bytes": pa.array([job.memory for job in jobs], pa.int64()),
        "gpus": pa.array([job.gpus / 1000 for job in jobs], pa.float64()),
        "gpu_types": pa.array([job.gpu_types for job in jobs], pa.string()),
        "gpu_memory_bytes": pa.array([job.gpu_memory for job in jobs], pa.int64()),
        "mig": pa.array([job.mig for job in jobs], pa.string()),
        "features": pa.array([job.features for job in jobs], pa.string()),
        "tasks_per_node": pa.array([job.tasks_per_node for job in jobs], pa.int64()),
        "within": pa.array([job.within for job in jobs], pa.string()),
        "whole_nodes": pa.array([job.whole_nodes for job in jobs], pa.bool_()),
        **{f"res.{n}": pa.array([job.resources.get(n, 0) for job in jobs], pa.int64()) for n in names},
    }
    for name, values in columns.items():
        if name in table.column_names:
            table = table.set_column(table.column_names.index(name), name, values)
        else:
            table = table.append_column(name, values)
    return replace(plain, table=table)
