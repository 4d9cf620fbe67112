"""gups: random updates of a table that no cache holds.

Rules: a power of two of words, at most half of the memory; updates repeated give the table back, and at most 1 % of the
words may be wrong.  Fewer than four updates a word are allowed when it is said.
Source: HPCC RandomAccess 1.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

from timonier.measure.events import Report, check
from timonier.measure.here import Here
from timonier.measure.recipe import Planned, Setup, Wanted, check_memory
from timonier.measure.repeat import repeat

SETTINGS: Mapping[str, tuple[Any, str]] = {
    "log2_words": (
        None,
        "words of the table, 8 bytes each, as a power of two; 8 x all last-level caches, 256 MiB at least",
    ),
    "streams": (128, "independent sequences, at most 1024"),
}
_LEAST = 25  # 256 MiB


def plan(here: Here, wanted: Wanted) -> list[Planned]:
    """One task on one core."""
    caches = here.last_level_bytes or 0
    given = wanted.settings
    log2 = int(given.get("log2_words") or max(_LEAST, (8 * caches // 8 - 1).bit_length()))
    check_memory(8.0 * 2**log2, here, "--set log2_words=... with a smaller power")
    settings = {"log2_words": log2, "streams": min(1024, int(given.get("streams", 128)))}
    return [Planned("one core", settings, cpus=here.cpus[:1])]


def work(setup: Setup, report: Report) -> None:
    """Updates of a sixteenth of the table a repeat; then the same updates again, which undo them."""
    import numpy as np

    from timonier.measure.kernels import random_access as kernel

    words, streams = 1 << int(setup.settings["log2_words"]), int(setup.settings["streams"])
    rounds = max(1, words // 4 // streams)

    def start(part: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
        first = part * rounds * streams
        return np.array([kernel.jump(first + k * rounds) for k in range(streams)], np.uint64)

    small = np.zeros(64, np.uint64)
    kernel.fill(small)
    kernel.update(small, start(0), 1)
    kernel.wrong(small)
    table = np.empty(words, np.uint64)
    kernel.fill(table)
    budget = setup.budget()
    done = 0

    def draw() -> dict[str, float]:
        nonlocal done
        state = start(done)
        done += 1
        began = perf_counter()
        kernel.update(table, state, rounds)
        return {"gups.updates": rounds * streams / (perf_counter() - began)}

    half = type(budget)(0.45 * budget.seconds)  # undoing takes as long
    repeat(report, half, draw, most=64)
    for part in range(done):
        kernel.update(table, start(part), rounds)
    share = kernel.wrong(table) / words
    report.check(
        check("updates", share, "at most", 0.01, "share of wrong words after the same updates again")
    )
    report.note(f"{done * rounds * streams / words:.2g} updates a word (the full run has 4)", "gups")
