"""What jobs ask for on a machine with nodes: jobs that ask for the same share a shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonier.describe import Machine
from timonier.kit.errors import InputError, nearest
from timonier.simulate.columns import Columns
from timonier.simulate.kernel import site as k
from timonier.simulate.kernel.room import MANY
from timonier.simulate.layout import LICENCE, Layout
from timonier.workload import Jobs
from timonier.workload.arrow import Values, pc

Ints = NDArray[np.int64]
WITHIN = {"node": k.IN_NODE, "switch": k.IN_SWITCH, "rack": k.IN_RACK}
MOST_TASKS = 1 << 24


@dataclass(frozen=True, slots=True)
class Shapes:
    """The distinct demands of a workload.

    of_job: int64[J], the shape of each row.  tasks: int64[J].  partition: int64[J], -1: none.
    first_row: int64[S], a row of each shape.  The others are the kernel's tables.
    """

    of_job: Ints
    tasks: Ints
    partition: Ints
    first_row: Ints
    shape: Any
    want: Ints
    licence: Ints
    allowed: NDArray[np.uint8]
    suits: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Asked:
    """The columns that make a shape, one number a row each; texts as codes into `texts`."""

    numbers: dict[str, Ints]
    texts: dict[str, tuple[str | None, ...]]

    def text(self, name: str, row: int) -> str | None:
        """The text of one row."""
        return self.texts[name][int(self.numbers[name][row])]


def read_shapes(jobs: Jobs, machine: Machine, layout: Layout, columns: Columns) -> Shapes:
    """The shapes of all jobs; what no node of this machine could ever be is noted in columns.why.

    Raises InputError for more tasks than the engine can hold.
    """
    asked, tasks, partition = _read(jobs, machine, layout)
    _note_unknown(jobs, machine, layout, columns)
    of_job, first_row = _distinct(list(asked.numbers.values()), len(jobs))
    numbers = {name: values[first_row] for name, values in asked.numbers.items()}
    shape, suits = _shape_rows(asked, layout, first_row, numbers)
    want = np.stack(
        [numbers["cores"], numbers["memory_bytes"], *(numbers[f"res.{name}"] for name in layout.resources)],
        axis=1,
    )
    licence = np.stack(
        [numbers[f"res.{LICENCE}{name}"] for name in layout.licences] or [np.zeros(0, np.int64)], axis=1
    ).reshape(len(first_row), len(layout.licences))
    shape["licensed"] = (licence > 0).any(axis=1)
    return Shapes(
        of_job=of_job,
        tasks=tasks,
        partition=partition,
        first_row=first_row,
        shape=shape,
        want=want,
        licence=licence,
        allowed=_allowed(asked, machine, layout, first_row, want),
        suits=suits,
    )


def _read(jobs: Jobs, machine: Machine, layout: Layout) -> tuple[Asked, Ints, Ints]:
    numbers = {
        "cores": _thousandths(jobs, "cores", 1),
        "memory_bytes": _whole(jobs, "memory_bytes", 0),
        "gpus": _thousandths(jobs, "gpus", 0),
        "gpu_memory_bytes": _whole(jobs, "gpu_memory_bytes", 0),
        "tasks_per_node": _whole(jobs, "tasks_per_node", MANY),
        "whole_nodes": _flags(jobs, "whole_nodes", missing=False),
    }
    for name in layout.resources:
        numbers[f"res.{name}"] = _whole(jobs, f"res.{name}", 0)
    for name in layout.licences:
        numbers[f"res.{LICENCE}{name}"] = _whole(jobs, f"res.{LICENCE}{name}", 0)
    texts = {}
    for name in ("gpu_types", "mig", "features", "within", "partition"):
        given = jobs.texts(name)
        if name == "partition":
            given = _partitions(given, machine)
        numbers[name], texts[name] = _codes(given)
    tasks = _whole(jobs, "tasks", 1)
    if len(tasks) and int(tasks.max()) >= MOST_TASKS:
        row = int(np.argmax(tasks))
        raise InputError(f"a job has fewer than {MOST_TASKS} tasks", where=f"{jobs.source}, row {row + 1}")
    places = {part.name: at for at, part in enumerate(machine.partitions)}
    of_code = np.array([places.get(text or "", -1) for text in texts["partition"]], dtype=np.int64)
    return Asked(numbers, texts), tasks, of_code[numbers["partition"]]


def _partitions(names: Values, machine: Machine) -> Values:
    """The partition of each job; where a machine has none, the column means nothing."""
    if not machine.partitions:
        return pc.if_else(pc.is_null(names), names, None)
    default = next((part.name for part in machine.partitions if part.default), None)
    return names if default is None else pc.fill_null(names, default)


def _note_unknown(jobs: Jobs, machine: Machine, layout: Layout, columns: Columns) -> None:
    """Words of the job table that mean nothing on this machine."""
    _note_partitions(jobs, machine, columns)
    kinds = [frozenset(group.features) for group in machine.nodes]
    words = frozenset().union(*kinds)
    for text, rows in _rows_of(jobs.texts("features")):
        if not any(has_features(text, kind) for kind in kinds):
            strangers = [word for word in _words_of(text) if word not in words]
            what = (
                f"the feature {strangers[0]!r}: {nearest(strangers[0], words)}" if strangers else f"{text!r}"
            )
            _note(columns, rows, f"no node has {what}")
    for text, rows in _rows_of(jobs.texts("gpu_types")):
        known = [word for part in _alternatives(text) for word in part if word in layout.types]
        if not known:
            word = _alternatives(text)[0][0]
            _note(columns, rows, f"no GPU of type {text!r} on this machine: {nearest(word, layout.types)}")
    has = (*layout.resources, *(LICENCE + licence for licence in layout.licences))
    for name in jobs.table.column_names:
        if name.startswith("res.") and name[4:] not in has:
            _note(
                columns,
                jobs.numbers(name, 0) > 0,
                f"no node has the resource {name[4:]!r}: {nearest(name[4:], has)}",
            )


def _note_partitions(jobs: Jobs, machine: Machine, columns: Columns) -> None:
    """Partitions that the machine does not have, and limits that are too long for theirs."""
    given = _partitions(jobs.texts("partition"), machine)
    names = [part.name for part in machine.partitions]
    for text, rows in _rows_of(given) if names else ():
        if text not in names:
            _note(columns, rows, f"no partition {text!r} on this machine: {nearest(text, names)}")
    for part in machine.partitions:
        if part.max_time_s is not None:
            here = np.asarray(pc.fill_null(pc.equal(given, part.name), False))
            long = here & (columns.limit > part.max_time_s)
            _note(
                columns, long, f"its time limit is above the {part.max_time_s} s of partition {part.name!r}"
            )


def _rows_of(texts: Values) -> list[tuple[str, NDArray[np.bool_]]]:
    """Each distinct text, and where it stands."""
    distinct = pc.unique(texts.drop_null()).to_pylist()
    return [(text, np.asarray(pc.fill_null(pc.equal(texts, text), False))) for text in distinct]


def _note(columns: Columns, where: NDArray[np.bool_], text: str) -> None:
    for row in np.flatnonzero(where).tolist():
        columns.why.setdefault(row, text)


def _distinct(values: Sequence[Ints], count: int) -> tuple[Ints, Ints]:
    """A number for each distinct row of these columns, and the first row of each."""
    code = np.zeros(count, dtype=np.int64)
    for column in values if count else ():
        if (column == column[0]).all():
            continue
        _, inner = np.unique(column, return_inverse=True)
        _, code = np.unique(code * (int(inner.max()) + 1) + inner, return_inverse=True)
    _, first, code = np.unique(code, return_index=True, return_inverse=True)
    return code.astype(np.int64), first.astype(np.int64)


def _shape_rows(
    asked: Asked, layout: Layout, first_row: Ints, numbers: dict[str, Ints]
) -> tuple[Any, NDArray[np.uint8]]:
    """SHAPE rows, and for each alternative of each shape the device types that suit."""
    shape = np.zeros(len(first_row), dtype=k.SHAPE)
    suits: list[NDArray[np.uint8]] = []
    for s, row in enumerate(first_row.tolist()):
        mig = asked.text("mig", row)
        asks = int(numbers["gpus"][s])
        shape[s]["profile"] = -1
        if mig is not None:
            name = mig.strip().lower()
            shape[s]["profile"] = (
                layout.profiles.index(name) if name in layout.profiles else len(layout.profiles)
            )
            shape[s]["gpus"] = max(1, asks // k.WHOLE)
        elif 0 < asks < k.WHOLE:
            shape[s]["share"] = asks
            shape[s]["gpus"] = 1
        else:
            shape[s]["gpus"] = asks // k.WHOLE
        shape[s]["width"] = max(1, shape[s]["gpus"])
        shape[s]["per_node"] = numbers["tasks_per_node"][s]
        shape[s]["whole"] = numbers["whole_nodes"][s]
        within = asked.text("within", row)
        shape[s]["within"] = WITHIN[within] if within else k.ANYWHERE
        shape[s]["first"] = len(suits)
        text = asked.text("gpu_types", row)
        least = int(numbers["gpu_memory_bytes"][s])
        suits += [_suits(words, least, layout) for words in (_alternatives(text) if text else [()])]
        shape[s]["last"] = len(suits)
    _set_gpu_parts(shape, layout)
    return shape, np.array(suits, dtype=np.uint8).reshape(len(suits), len(layout.types))


def _set_gpu_parts(shape: Any, layout: Layout) -> None:
    """Thousandths of GPUs that a task asks (a slice: its memory slices), and its sort, for scores."""
    part = np.where(shape["share"] > 0, shape["share"], k.WHOLE * shape["gpus"])
    for s in np.flatnonzero(shape["profile"] >= 0).tolist():
        can = np.flatnonzero(layout.slices[:, shape[s]["profile"]])
        if len(can):
            of = k.WHOLE * int(layout.slices[can[0], shape[s]["profile"]]) // int(layout.width[can[0]])
            part[s] = of * shape[s]["gpus"]
    shape["thousandths"] = part
    if not len(shape):
        return
    _, shape["sort"] = np.unique(
        np.stack([np.where(shape["share"] > 0, 0, shape["gpus"]), shape["profile"]], axis=1),
        axis=0,
        return_inverse=True,
    )


def _alternatives(text: str) -> list[tuple[str, ...]]:
    """Device types in the order of preference; in each step any of several.

    >>> _alternatives("H100-80gb>a100-40gb|a100-80gb")
    [('h100-80gb',), ('a100-40gb', 'a100-80gb')]
    """
    return [tuple(word.strip().lower() for word in step.split("|")) for step in text.split(">")]


def _suits(words: tuple[str, ...], least: int, layout: Layout) -> NDArray[np.uint8]:
    fits = [
        (not words or name in words) and (least == 0 or size >= least)
        for name, size in zip(layout.types, layout.type_bytes, strict=True)
    ]
    return np.array(fits, dtype=np.uint8)


def _allowed(
    asked: Asked, machine: Machine, layout: Layout, first_row: Ints, want: Ints
) -> NDArray[np.uint8]:
    """uint8[S, kinds]: the partition and the features of each kind of node, and its cores and quantities."""
    features = [frozenset(group.features) for group, _ in layout.kinds]
    total = np.zeros((len(layout.kinds), want.shape[1]), dtype=np.int64)
    total[layout.node["kind"]] = layout.total
    allowed = np.ones((len(first_row), len(layout.kinds)), dtype=bool)
    for s, row in enumerate(first_row.tolist()):
        wanted = asked.text("features", row)
        if wanted:
            allowed[s] = [has_features(wanted, words) for words in features]
        partition = asked.text("partition", row)
        if machine.partitions and partition is not None:
            allowed[s] &= np.array([partition in inside for _, inside in layout.kinds])
        allowed[s] &= (want[s] <= total).all(axis=1)
    return allowed.astype(np.uint8)


def _words_of(text: str) -> list[str]:
    return [word.strip() for word in text.replace("|", "&").split("&")]


def has_features(wanted: str, words: frozenset[str]) -> bool:
    """Does a node with these words do? `&` binds closer than `|`.

    >>> has_features("ib&nvlink|big", frozenset({"big"}))
    True
    """
    return any(all(word.strip() in words for word in part.split("&")) for part in wanted.split("|"))


def _thousandths(jobs: Jobs, name: str, missing: int) -> Ints:
    exact: Ints = np.rint(jobs.numbers(name, missing) * k.WHOLE).astype(np.int64)
    return exact


def _whole(jobs: Jobs, name: str, missing: int) -> Ints:
    whole: Ints = np.ceil(jobs.numbers(name, missing)).astype(np.int64)
    return whole


def _flags(jobs: Jobs, name: str, *, missing: bool) -> Ints:
    if not jobs.has(name):
        return np.full(len(jobs), missing, dtype=np.int64)
    return np.asarray(pc.fill_null(jobs.table.column(name), missing)).astype(np.int64)


def _codes(texts: Values) -> tuple[Ints, tuple[str | None, ...]]:
    """A code for each text, 0 where there is none; and the texts."""
    encoded = texts.combine_chunks().dictionary_encode()
    codes = np.asarray(pc.fill_null(encoded.indices, -1)).astype(np.int64) + 1
    return codes, (None, *encoded.dictionary.to_pylist())
