"""Words of requests that no node has, where the job runs all the same: a typo in one of several.

A request of which nothing is left is impossible (impossible_rules.py); here the others will do, and nobody would see it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from timonier.describe import Machine
from timonier.kit.errors import nearest
from timonier.simulate.ask import features_of, types_of
from timonier.workload import Jobs
from timonier.workload.arrow import Values, pc


def strange_words(jobs: Jobs, machine: Machine, refused: Iterable[int]) -> dict[str, int]:
    """Fact -> jobs, of every GPU type and feature that is on no node.

    refused: rows of jobs that cannot run, which are told why anyway.
    """
    runs = np.ones(len(jobs), dtype=bool)
    runs[list(refused)] = False
    types: Counter[str] = Counter()
    for text, count in _distinct(jobs.texts("gpu_types").filter(runs & (jobs.numbers("gpus", 0) > 0))):
        types.update(dict.fromkeys(types_of(text), count))
    words: Counter[str] = Counter()
    for text, count in _distinct(jobs.texts("features").filter(runs)):
        words.update(dict.fromkeys(sorted(frozenset().union(*features_of(text))), count))
    known = {one.type.lower() for group in machine.nodes for one in group.gpus}
    return _facts("GPU of type", types, known) | _facts(
        "node with the feature", words, {word for group in machine.nodes for word in group.features}
    )


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
