"""The index of the best nodes as arrays: what each thing that a task may ask looks like in a word of free room."""

from __future__ import annotations

from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonier.simulate.kernel import site as k
from timonier.simulate.kernel.free import BLOCK, GROUP_BITS
from timonier.simulate.layout import Layout
from timonier.simulate.shapes import Shapes

Ints = NDArray[np.int64]

WORD_BITS = 62
MOST_ENTRIES = 1 << 25  # of blocks, 32 bytes each


def fields_of(layout: Layout, shapes: Shapes) -> Ints:
    """int64[N_FIELDS, 2]: the unit of each field of a word and its lowest bit; above each stays one bit.

    Units are the largest that are exact; larger ones where a word is too narrow, which then says who may fit.
    """
    most_devices = int((layout.node["last"] - layout.node["first"]).max(initial=0))
    largest = [int(layout.total[:, r].max(initial=0)) for r in (0, 1)] + [most_devices, k.WHOLE, 1, 1]
    units = [1] * k.N_FIELDS
    for r in (0, 1):
        values = np.unique(np.concatenate([layout.total[:, r], shapes.want[:, r]]))
        units[r] = max(1, gcd(*values.tolist()))
    widths = [(value // unit).bit_length() + 1 for value, unit in zip(largest, units, strict=True)]
    while sum(widths) > WORD_BITS:
        wide = int(widths[1] >= widths[0])
        units[wide] *= 2
        widths[wide] -= 1
    lowest = np.cumsum([0, *widths])[:-1]
    return np.stack([np.array(units), lowest], axis=1).astype(np.int64)


def guard_of(field: Ints) -> Ints:
    """int64[1]: the bit above each field."""
    ends = [*field[1:, 1].tolist(), int(field[-1, 1]) + 2]
    return np.array([sum(1 << (end - 1) for end in ends)], dtype=np.int64)


def make_index(field: Ints, layout: Layout, shapes: Shapes) -> k.Index:
    """An index in which nothing is known yet.

    A row for each alternative of each shape; the most frequent ones where there are too many.
    """
    nodes = len(layout.names)
    blocks = -(-nodes // BLOCK)
    groups = -(-blocks // (1 << GROUP_BITS))
    of_alt = np.repeat(np.arange(len(shapes.shape)), shapes.shape["last"] - shapes.shape["first"])
    jobs = np.bincount(shapes.of_job, minlength=len(shapes.shape))
    kept = np.argsort(-jobs[of_alt], kind="stable")[: MOST_ENTRIES // max(1, blocks)]
    row_of = np.full(len(of_alt), -1, dtype=np.int32)
    row_of[kept] = np.arange(len(kept))
    rows = len(kept)
    fine_of, fine = _fine(kept, of_alt, layout, shapes, blocks)
    return k.Index(
        row_of=row_of,
        wish=_wishes(of_alt[kept], field, shapes),
        guard=guard_of(field),
        exact=_exact(kept, of_alt, field, layout, shapes),
        fine_of=fine_of,
        fine=fine,
        listed=np.zeros((len(fine), 0), dtype=np.uint8),
        at=np.zeros((rows, blocks), dtype=np.int32),
        fits=np.zeros((rows, blocks), dtype=np.int64),
        scored=np.zeros((rows, blocks), dtype=np.int32),
        total=np.zeros((rows, blocks)),
        best=np.zeros((rows, blocks), dtype=np.int64),
        group_at=np.zeros((rows, groups), dtype=np.int32),
        group_count=np.zeros((rows, groups), dtype=np.int32),
        group_scored=np.zeros((rows, groups), dtype=np.int32),
        group_total=np.zeros((rows, groups)),
    )


def _wishes(of_row: Ints, field: Ints, shapes: Shapes) -> Ints:
    """What each row asks, in the fields of a word; slices are asked for elsewhere."""
    shape: Any = shapes.shape[of_row]
    cut = shape["profile"] >= 0
    asked = [
        shapes.want[of_row, 0] // field[k.CORES, 0],
        shapes.want[of_row, 1] // field[k.MEMORY, 0],
        np.where(cut | (shape["share"] > 0), 0, shape["gpus"]),
        np.where(cut, 0, shape["share"]),
        shape["whole"],
        np.ones(len(of_row)),
    ]
    wish = np.zeros(len(of_row), dtype=np.int64)
    for f, value in enumerate(asked):
        most = (1 << int(field[f + 1, 1] - field[f, 1] - 1)) - 1 if f + 1 < k.N_FIELDS else 1
        wish |= np.minimum(value.astype(np.int64), most) << field[f, 1]
    return wish


def _exact(kept: Ints, of_alt: Ints, field: Ints, layout: Layout, shapes: Shapes) -> NDArray[np.uint8]:
    """1 where the words alone tell: units are exact, and a node's GPUs all suit, or none."""
    of_row = of_alt[kept]
    shape: Any = shapes.shape[of_row]
    sure = (shape["profile"] < 0) & (shapes.want[of_row, 2:] == 0).all(axis=1)
    for r in (0, 1):
        unit = int(field[r, 0])
        if (layout.total[:, r] % unit).any() or (shapes.want[:, r] % unit).any():
            sure &= shapes.want[of_row, r] == 0
    mixed = _types_on_nodes(layout)
    suits = shapes.suits[kept].astype(bool)
    some = suits @ mixed.T > 0
    all_ = suits @ mixed.T == mixed.sum(axis=1)
    return np.asarray(sure & ((shape["gpus"] == 0) | (all_ | ~some).all(axis=1))).astype(np.uint8)


def _types_on_nodes(layout: Layout) -> Ints:
    """int64[different sets, types]: 1 where a node with this set of device types has the type."""
    has = np.zeros((len(layout.names), len(layout.types)), dtype=np.int64)
    has[layout.device["node"], layout.device["type"]] = 1
    return np.unique(has, axis=0)


def _fine(
    kept: Ints, of_alt: Ints, layout: Layout, shapes: Shapes, blocks: int
) -> tuple[NDArray[np.int32], Ints]:
    """For each row its pattern, and the patterns: bit i of block b is set where a node may ever have room."""
    has = np.zeros((len(layout.names), len(layout.types)), dtype=bool)
    has[layout.device["node"], layout.device["type"]] = True
    patterns: dict[tuple[bytes, bytes | None], int] = {}
    masks: list[Ints] = []
    fine_of = np.zeros(len(kept), dtype=np.int32)
    for row, alt in enumerate(kept.tolist()):
        s = int(of_alt[alt])
        asks = shapes.shape[s]["gpus"] > 0
        key = (shapes.allowed[s].tobytes(), shapes.suits[alt].tobytes() if asks else None)
        if key not in patterns:
            able = shapes.allowed[s][layout.node["kind"]].astype(bool)
            if asks:
                able = able & has[:, shapes.suits[alt].astype(bool)].any(axis=1)
            padded = np.zeros(blocks * BLOCK, dtype=np.int64)
            padded[: len(able)] = able
            masks.append((padded.reshape(blocks, BLOCK) << np.arange(BLOCK)).sum(axis=1))
            patterns[key] = len(patterns)
        fine_of[row] = patterns[key]
    return fine_of, np.array(masks, dtype=np.int64).reshape(len(masks), blocks)


def first_words(field: Ints, layout: Layout) -> Ints:
    """int64[N, filled up to whole blocks]: the words of a machine on which nothing runs."""
    nodes = len(layout.names)
    sharing = layout.device["sharing"]
    whole = np.bincount(layout.device["node"][sharing <= k.SLICED], minlength=nodes)
    shared = np.bincount(layout.device["node"][sharing <= k.SHARED], minlength=nodes)
    free = [
        layout.total[:, 0] // field[k.CORES, 0],
        layout.total[:, 1] // field[k.MEMORY, 0],
        whole,
        np.where(shared > 0, k.WHOLE, 0),
        np.ones(nodes, dtype=np.int64),
        np.ones(nodes, dtype=np.int64),
    ]
    words = np.zeros(-(-nodes // BLOCK) * BLOCK, dtype=np.int64)
    for f, value in enumerate(free):
        words[:nodes] |= value.astype(np.int64) << field[f, 1]
    return words
