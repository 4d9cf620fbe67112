"""How full a machine is over time: of a machine with nodes each resource by itself, as any one of them stops jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonier.compare.occupancy import Site, Use

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

BINS = 400  # equal stretches of the timeline
UNKNOWN: dict[str, Any] = {"share": None, "of": {}, "longest_from_s": None, "longest_to_s": None}
FULL = 0.99  # share of the processors in use at which a counted machine is full
FULL_OF_NODES = 0.95  # of a resource of many nodes: the last parts lie on nodes and GPUs that few jobs fit on


def steps(begin: Ints, end: Ints, weight: Ints) -> tuple[Ints, Ints]:
    """A step function: at[k] and the sum of the weights from at[k] to at[k + 1]."""
    at, place = np.unique(np.concatenate([begin, end]), return_inverse=True)
    change = np.zeros(len(at), dtype=np.int64)
    np.add.at(change, place, np.concatenate([weight, -weight]))
    return at, np.cumsum(change)


def binned(at: Ints | Floats, level: Ints | Floats, edges: Floats) -> Floats:
    """The mean level between every two edges."""
    if len(at) == 0:
        return np.zeros(len(edges) - 1)
    area = np.concatenate([[0.0], np.cumsum(level[:-1] * np.diff(at).astype(np.float64))])
    means: Floats = np.diff(np.interp(edges, at, area)) / np.diff(edges)
    return means


def full_times(at: Ints, full: Mapping[str, Flags], span_s: float) -> dict[str, Any]:
    """When any resource was full: the share of `span_s`, by resource too, and the longest such stretch, s.

    at: int64[K + 1].  full: resource -> bool[K], from at[k] to at[k + 1].
    """
    length, span = np.diff(at), max(span_s, 1.0)
    of = {name: float(length[flags].sum()) / span for name, flags in full.items()}
    found: dict[str, Any] = {"share": 0.0, "of": of, "longest_from_s": None, "longest_to_s": None}
    some = np.zeros(len(length), dtype=bool)
    for flags in full.values():
        some |= flags
    edges = np.flatnonzero(np.diff(np.concatenate([[0], some.astype(np.int8), [0]])))
    begins, ends = at[edges[::2]], at[edges[1::2]]
    if len(begins) == 0:
        return found
    longest = int(np.argmax(ends - begins))
    return found | {
        "share": float(length[some].sum()) / span,
        "longest_from_s": float(begins[longest]),
        "longest_to_s": float(ends[longest]),
    }


def fullness(use: Use, site: Site, first: float, last: float) -> dict[str, Any]:
    """Of a run on nodes: `full` as in `full_times`; `held`: the share of each resource in BINS equal stretches."""
    edges = np.linspace(first, last, BINS + 1)
    whole = {"cores": site.cores.sum(), "memory": site.memory.sum(), "gpus": 1000 * site.gpu_count}
    weights = {"cores": use.cores, "memory": use.memory, "gpus": use.share}
    at, held, full = np.zeros(1, dtype=np.int64), {}, {}
    for name, weight in weights.items():
        if whole[name]:
            at, level = steps(use.start, use.end, weight)
            full[name] = level[:-1] >= FULL_OF_NODES * whole[name]
            held[name] = (binned(at, level, edges) / whole[name]).round(4).tolist()
    return {"full": full_times(at, full, last - first), "held": {"t_s": edges.tolist(), **held}}


def held_between(held: Mapping[str, Sequence[float]], edges: Floats) -> dict[str, Floats]:
    """Resource -> its mean share in use between every two edges, from the stretches of `fullness`; nothing of nothing."""
    at = np.array(held.get("t_s", []))
    return {
        name: binned(at, np.array([*values, 0.0]), edges) for name, values in held.items() if name != "t_s"
    }
