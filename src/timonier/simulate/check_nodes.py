"""The promises of a run on a machine with nodes: what `placements.parquet` must keep.

Written from docs/background/node-engine.md and the machine file alone; it knows nothing of the engine.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from timonier.describe import Gpus, expand_hostlist, mig_geometry
from timonier.describe.devices import memory_of
from timonier.kit.errors import InputError
from timonier.simulate.check_evidence import FOREVER, Flags, Ints, told
from timonier.simulate.check_held import (
    gpus_are_not_overfull,
    nodes_are_not_overfull,
    whole_nodes_belong_to_one_job,
)
from timonier.simulate.check_metrics import node_metrics_are_right
from timonier.simulate.check_placements import WHOLE, OnNodes
from timonier.simulate.check_rules import never_allowed
from timonier.simulate.impossible import impossible_jobs
from timonier.workload import Jobs

CLOSE = 1e-6  # thousandths of a GPU


# ---- all tasks, at one time, each on one node


def tasks_run_together(o: OnNodes) -> list[str]:
    """Who started has all its tasks placed, from its start to its end, and the run table names the same nodes."""
    e = o.e
    placed = o.jobs_of(np.ones(len(o.job), dtype=bool))
    end = np.where(e.ended, e.said["end_s"], FOREVER)
    late = (o.start != e.said["start_s"][o.job]) | (o.end != end[o.job])
    strange = (o.task < 0) | (o.task >= o.asked["tasks"][o.job])
    counted = np.bincount(o.job[o.first & ~strange], minlength=e.count)
    return [
        *told(e, e.started & ~placed, "started, but has no placement"),
        *told(e, placed & ~e.started, "has a placement, but never started"),
        *told(e, o.jobs_of(late), "is placed at other times than it runs"),
        *told(e, o.jobs_of(strange), "has a task placed that it does not have"),
        *told(e, placed & (counted != o.asked["tasks"]), "has not as many tasks placed as it asks for"),
        *told(e, _named_otherwise(o), "runs on other nodes than the column 'nodes' of jobs.parquet says"),
    ]


def _named_otherwise(o: OnNodes) -> Flags:
    wrong = np.zeros(o.e.count, dtype=bool)
    found: dict[int, set[str]] = {}
    for job, node in np.unique(np.stack([o.job, o.node], axis=1), axis=0).tolist():
        found.setdefault(job, set()).add(o.places.names[node])
    for job, text in enumerate(o.lists):
        try:
            said = set() if text is None else set(expand_hostlist(text))
        except InputError:
            said = {"?"}
        wrong[job] = said != found.get(job, set())
    return wrong


def tasks_get_what_they_ask_for(o: OnNodes) -> list[str]:
    """Each task lies on one node, with its cores and memory and as many GPUs, shares or slices as it asks for."""
    task = _task_numbers(o)
    count = int(task.max(initial=-1)) + 1
    job = np.zeros(count, dtype=np.int64)
    job[task] = o.job
    low, high = np.full(count, FOREVER), np.full(count, -1)
    np.minimum.at(low, task, o.node)
    np.maximum.at(high, task, o.node)
    sums = [np.zeros(count, dtype=np.int64) for _ in range(3)]
    for into, values in zip(sums, (o.cores, o.memory, (o.gpu >= 0).astype(np.int64)), strict=True):
        np.add.at(into, task, values)
    cores, memory, gpus = sums
    _, needed = gpus_of(o)
    places = np.stack([task, o.gpu, o.mig_start], axis=1)[o.gpu >= 0]
    _, first = np.unique(places, axis=0, return_index=True)
    again = np.ones(len(places), dtype=bool)
    again[first] = False
    asked = o.asked
    other = (cores != asked["cores"][job]) | (memory != asked["memory_bytes"][job])
    return [
        *_told_tasks(o, job, low != high, "has a task on two nodes"),
        *_told_tasks(o, job, other, "has a task with other cores or memory than it asks for"),
        *_told_tasks(
            o, job, gpus != needed[job], "has a task with other GPUs, shares or slices than it asks for"
        ),
        *_told_tasks(o, job[places[:, 0]], again, "has one GPU twice in a task"),
    ]


def _task_numbers(o: OnNodes) -> Ints:
    """A number for each task of each job."""
    _, number = np.unique(np.stack([o.job, o.task], axis=1), axis=0, return_inverse=True)
    return np.asarray(number.ravel())


def _told_tasks(o: OnNodes, job: Ints, wrong: Flags, sentence: str) -> list[str]:
    flags = np.zeros(o.e.count, dtype=bool)
    flags[job[wrong]] = True
    return told(o.e, flags, sentence)


def gpus_of(o: OnNodes) -> tuple[Ints, Ints]:
    """Of each job: thousandths where a task asks for a share, else 0; and how many GPUs, shares or slices."""
    asks = o.asked["gpus"]
    cut = np.array([text is not None for text in o.texts["mig"]], dtype=bool)
    share = np.where(~cut & (asks > 0) & (asks < WHOLE), asks, 0)
    count = np.where(cut, np.maximum(1, asks // WHOLE), np.where(share > 0, 1, asks // WHOLE))
    return share, count


# ---- on nodes and GPUs that will do


def nodes_are_such_as_asked_for(o: OnNodes) -> list[str]:
    """Partition and features, tasks per node, and all inside one node, switch or rack."""
    e = o.e
    per_node = np.stack([o.job, o.node], axis=1)[o.first]
    pairs, tasks = np.unique(per_node, axis=0, return_counts=True)
    crowded = tasks > o.asked["tasks_per_node"][pairs[:, 0]]
    broken = _told_tasks(o, pairs[:, 0], crowded, "has more tasks on a node than it allows")
    broken += told(e, _outside_partition(o), "runs on a node outside its partition")
    codes, texts = _codes(o.texts["features"])
    for (code, group), rows in o.kinds_with(np.arange(len(o.job)), codes[o.job], o.places.group[o.node]):
        text = texts[code]
        if text is not None and not _has(text, frozenset(o.places.groups[group].features)):
            broken += told(e, o.jobs_of(rows), f"runs on a node without the features {text!r}")
    for word in ("node", "switch", "rack"):
        jobs = [job for job in np.unique(pairs[:, 0]).tolist() if o.texts["within"][job] == word]
        apart = np.zeros(e.count, dtype=bool)
        for job in jobs:
            apart[job] = not _is_within(o, word, pairs[pairs[:, 0] == job, 1])
        broken += told(e, apart, f"should lie inside one {word}, and does not")
    return broken


def _outside_partition(o: OnNodes) -> Flags:
    wrong = np.zeros(o.e.count, dtype=bool)
    for part in o.places.machine.partitions:
        inside = np.isin(np.array(o.places.names, dtype=object), part.nodes)
        wrong |= o.e.in_partition(part.name) & o.jobs_of(~inside[o.node])
    return wrong


def _is_within(o: OnNodes, word: str, nodes: Ints) -> bool:
    if word == "node":
        return len(nodes) == 1
    if word == "rack":
        racks = {o.places.groups[o.places.group[node]].rack for node in nodes.tolist()}
        return len(racks) == 1 and "" not in racks
    names = {o.places.names[node] for node in nodes.tolist()}
    return any(names <= set(switch.nodes) for switch in o.places.machine.switches)


def _has(wanted: str, words: frozenset[str]) -> bool:
    return any(all(word.strip() in words for word in part.split("&")) for part in wanted.split("|"))


def _codes(texts: list[str | None]) -> tuple[Ints, list[str | None]]:
    """A number for each text, and the texts."""
    known = list(dict.fromkeys(texts))
    place = {text: at for at, text in enumerate(known)}
    return np.array([place[text] for text in texts], dtype=np.int64), known


def gpus_are_such_as_asked_for(o: OnNodes) -> list[str]:
    """Types, least memory, and each GPU given as it may be: whole, a share, or a slice that its geometry knows."""
    e = o.e
    broken = told(e, o.jobs_of(o.device == -2), "runs on a GPU that its node does not have")
    rows = np.flatnonzero(o.device >= 0)
    kind = np.full(len(o.job), -1)
    kind[rows] = o.places.kind[o.device[rows]]
    types, type_texts = _codes(o.texts["gpu_types"])
    wrong_type = np.zeros(e.count, dtype=bool)
    for code, text in enumerate(type_texts):
        if text is not None:
            wrong_type |= _other_types(o, kind, rows[types[o.job[rows]] == code], text)
    broken += told(e, wrong_type, "runs on GPUs of other types than it asks for")
    for (least, of), mine in o.kinds_with(rows, o.asked["gpu_memory_bytes"][o.job], kind):
        if least and (memory_of(o.places.kinds[of]) or 0) < least:
            broken += told(e, o.jobs_of(mine), "runs on a GPU with less memory than it asks for")
    profiles, names = _codes(o.texts["mig"])
    share, _ = gpus_of(o)
    got = np.rint(o.share * 1000).astype(np.int64)
    wrong: dict[str, Flags] = {}
    for (profile, asked, of, start, given), mine in o.kinds_with(
        rows, profiles[o.job], share[o.job], kind, o.mig_start, got
    ):
        gpus = o.places.kinds[of]
        name = names[profile]
        given_share = given / 1000
        sentence = (
            _whole_fault(gpus, asked, start, given_share)
            if name is None
            else _slice_fault(gpus, name, start, given_share)
        )
        if sentence:
            wrong[sentence] = wrong.get(sentence, np.zeros(e.count, dtype=bool)) | o.jobs_of(mine)
    return broken + [line for sentence, jobs in wrong.items() for line in told(e, jobs, sentence)]


def _other_types(o: OnNodes, kind: Ints, rows: Ints, text: str) -> Flags:
    """Jobs whose GPUs are not all of one of these alternatives."""
    fits = np.zeros(o.e.count, dtype=bool)
    for step in text.split(">"):
        words = {word.strip().lower() for word in step.split("|")}
        good = np.array([gpus.type.lower() in words for gpus in o.places.kinds], dtype=bool)
        fits |= ~o.jobs_of(rows[~good[kind[rows]]])
    return o.jobs_of(rows) & ~fits


def _whole_fault(gpus: Gpus, share: int, start: int, given: float) -> str:
    """What is wrong with a GPU or a share of one; empty: nothing.  share, given: thousandths."""
    if start >= 0:
        return "has a MIG slice that it did not ask for"
    if share and gpus.sharing == "mig":
        return "has a share of a GPU that is cut into slices"
    if gpus.sharing == "mig" and gpus.layout is not None:
        return "has a whole GPU that is cut into fixed slices"
    should = share if share and gpus.sharing != "exclusive" else WHOLE
    return "" if abs(given - should) <= CLOSE else "has another share of its GPU than it asks for"


def _slice_fault(gpus: Gpus, name: str, start: int, given: float) -> str:
    """What is wrong with a slice; empty: nothing."""
    geometry = mig_geometry(gpus.type) if gpus.sharing == "mig" else None
    profile = None if geometry is None else geometry.profiles.get(name)
    if geometry is None or profile is None or start not in profile.starts:
        return "has a slice where its GPU cannot be cut like this"
    if abs(given - WHOLE * profile.compute_slices / geometry.compute_slices) > 0.01:
        return "has a slice with another gpu_share than its compute slices"
    if gpus.layout is not None:
        names = [word.strip().lower() for word in gpus.layout]
        if (name, start) not in zip(names, geometry.fit(names) or (), strict=True):
            return "has a slice that is not in the fixed layout of its GPU"
    return ""


# ---- who may run at all, and who ran already


def unrunnable_jobs_are_just_those(o: OnNodes) -> list[str]:
    """A job is unrunnable if the empty machine, its partition or its queue could not take it, and only then."""
    e, machine = o.e, o.places.machine
    cannot = np.zeros(e.count, dtype=bool)
    cannot[list(impossible_jobs(Jobs(o.work.data, o.work.where), machine))] = True
    for part in machine.partitions:
        if part.max_time_s is not None:
            cannot |= e.in_partition(part.name) & (e.limit > part.max_time_s)
    for queue in e.profile.queues:
        cannot |= e.in_queue(queue.name) & never_allowed(e, queue.limits)
    cannot &= ~e.running_then
    called = e.is_in("unrunnable")
    return [
        *told(e, cannot & ~called, "cannot run on this machine, but is not called unrunnable"),
        *told(e, called & ~cannot, "is called unrunnable, but the empty machine could run it"),
    ]


def running_jobs_stay_where_they_were(o: OnNodes) -> list[str]:
    """What ran already in the state from which the run went on is where the state says."""
    moved = np.zeros(o.e.count, dtype=bool)
    texts = o.work.data.column("placement").to_pylist() if "placement" in o.work.names else []
    for job in np.flatnonzero(o.e.running_then).tolist() if texts else []:
        moved[job] = not _same_place(o, np.flatnonzero(o.job == job), texts[job])
    return told(o.e, moved, "ran already in the state, but on other nodes or GPUs than the run says")


def _same_place(o: OnNodes, rows: Ints, text: Any) -> bool:
    """Do these rows say what the state says?  A state by hand names nodes only."""
    try:
        if not str(text).lstrip().startswith("["):
            return {o.places.names[node] for node in o.node[rows].tolist()} <= set(expand_hostlist(str(text)))
        said = [
            (task, str(node), *(gpu if len(gpu) > 1 else (*gpu, -1)))
            for task, (node, gpus) in enumerate(json.loads(str(text)))
            for gpu in gpus or [[-1]]
        ]
    except (InputError, ValueError, TypeError, RecursionError):
        return False
    names = [o.places.names[node] for node in o.node[rows].tolist()]
    columns = (o.task[rows].tolist(), names, o.gpu[rows].tolist(), o.mig_start[rows].tolist())
    return sorted(said) == sorted(zip(*columns, strict=True))


NODE_RULES: tuple[Callable[[OnNodes], list[str]], ...] = (
    tasks_run_together,
    tasks_get_what_they_ask_for,
    nodes_are_such_as_asked_for,
    gpus_are_such_as_asked_for,
    nodes_are_not_overfull,
    gpus_are_not_overfull,
    whole_nodes_belong_to_one_job,
    unrunnable_jobs_are_just_those,
    running_jobs_stay_where_they_were,
    node_metrics_are_right,
)
