"""Requests that look like a mistake though the job runs: a typo in one of several words, words about GPUs without GPUs.

A request of which nothing is left is impossible (impossible_rules.py); what is told here nobody would see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from timonier.describe import Machine
from timonier.kit.errors import nearest
from timonier.simulate.ask import features_of, types_of
from timonier.workload import Jobs
from timonier.workload.arrow import Values, pc


def strange_words(jobs: Jobs, machine: Machine, refused: Iterable[int]) -> dict[str, int]:
    """Fact -> jobs, of every GPU type and feature that is on no node, and of demands on GPUs that are not asked for.

    refused: rows of jobs that cannot run, which are told why anyway.
    """
    runs = np.ones(len(jobs), dtype=bool)
    runs[list(refused)] = False
    has_gpus = (jobs.numbers("gpus", 0) > 0) | np.asarray(jobs.texts("mig").is_valid())
    types: Counter[str] = Counter()
    for text, count in _distinct(jobs.texts("gpu_types").filter(runs & has_gpus)):
        types.update(dict.fromkeys(types_of(text), count))
    words: Counter[str] = Counter()
    for text, count in _distinct(jobs.texts("features").filter(runs)):
        words.update(dict.fromkeys(sorted(frozenset().union(*features_of(text))), count))
    known = {one.type.lower() for group in machine.nodes for one in group.gpus}
    there = {word for group in machine.nodes for word in group.features}
    found = _facts("GPU of type", types, known) | _facts("node with the feature", words, there)
    return found | _without_gpus(jobs, runs & ~has_gpus)


def _without_gpus(jobs: Jobs, rows: NDArray[np.bool_]) -> dict[str, int]:
    """Jobs that say what their GPUs must be like, and ask for none."""
    said = {
        "gpu_types": np.asarray(jobs.texts("gpu_types").is_valid()),
        "gpu_memory_bytes": jobs.numbers("gpu_memory_bytes", 0) > 0,
    }
    counts = {name: int(np.count_nonzero(rows & where)) for name, where in said.items()}
    return {f"{name} without GPUs (gpus = 0) means nothing": count for name, count in counts.items() if count}


def _distinct(values: Values) -> list[tuple[str, int]]:
    """Each text, and how many cells say it."""
    counts = pc.value_counts(values.drop_null())
    return [(one["values"], one["counts"]) for one in counts.to_pylist()]


def _facts(what: str, asked: Counter[str], known: set[str]) -> dict[str, int]:
    """The most frequent stranger first."""
    strangers = [(word, count) for word, count in asked.most_common() if word not in known]
    return {
        f"no {what} {word!r} here, the other words taken; {_offer(word, known)}": count
        for word, count in strangers
    }


def _offer(word: str, known: set[str]) -> str:
    """The near word alone, else all of them."""
    return nearest(word, known).split(" (known")[0]
