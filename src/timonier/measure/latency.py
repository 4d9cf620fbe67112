"""latency: how long a load takes that needs the one before it, at each level of the caches and in memory.

A random cycle through lines of 64 bytes; sizes: 32 KiB, half of L2, a quarter of L3, eight times all of L3.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

from timonier.kit.errors import InputError
from timonier.measure.events import Report, check
from timonier.measure.here import Here
from timonier.measure.recipe import Planned, Setup, Wanted, check_memory
from timonier.measure.repeat import Budget, repeat

SETTINGS: Mapping[str, tuple[Any, str]] = {
    "bytes": (None, "one size instead of a size for each level"),
}
_LINE = 64
_STEPS = 2_000_000  # loads a repeat: more than any cache has lines, a fraction of a second in memory
_FEWEST = 64 * _LINE
_LEVELS = ("l1", "l2", "l3", "memory")


def plan(here: Here, wanted: Wanted) -> list[Planned]:
    """One task on one core; levels that this processor does not have are blank."""
    if wanted.settings.get("bytes"):
        sizes = {"memory": int(wanted.settings["bytes"])}
        if sizes["memory"] < _FEWEST:
            raise InputError(
                f"bytes={sizes['memory']} is too few for a walk",
                where="--set",
                fix=f"--set bytes={_FEWEST} or more; eight times the caches for the latency of memory",
            )
    else:
        sizes = sizes_of(here.cache_bytes, here.last_level_bytes)
    check_memory(max(sizes.values()), here, "--set bytes=... with a smaller size")
    skip = {
        f"latency.{level}": "this processor says of no such cache" for level in _LEVELS if level not in sizes
    }
    return [Planned("one core", sizes, cpus=here.cpus[:1], skip=skip if len(sizes) > 1 else {})]


def sizes_of(cache_bytes: Mapping[int, int], all_last: int | None) -> dict[str, int]:
    """Level -> bytes to walk through.

    >>> sizes_of({1: 32 << 10, 2: 1 << 20, 3: 32 << 20}, 32 << 20)
    {'l1': 32768, 'l2': 524288, 'l3': 8388608, 'memory': 268435456}
    """
    sizes = {"l1": min(32 << 10, cache_bytes[1])} if 1 in cache_bytes else {}
    if 2 in cache_bytes:
        sizes["l2"] = cache_bytes[2] // 2
    if 3 in cache_bytes:
        sizes["l3"] = cache_bytes[3] // 4
    sizes["memory"] = max(8 * (all_last or 0), 256 << 20)
    return sizes


def work(setup: Setup, report: Report) -> None:
    """A walk for each level; each ends where the cycle says."""
    import numpy as np

    from timonier.measure.kernels import chase

    chase.ring(np.arange(8, dtype=np.uint64), np.zeros(64, np.uint64))
    chase.walk(np.zeros(8, np.uint64), np.uint64(0), 8)
    sizes = dict(setup.settings)
    for level, size in sizes.items():
        lines = max(8, int(size) // _LINE)
        order = np.random.default_rng(1).permutation(lines).astype(np.uint64)
        links = np.zeros(lines * chase.LINE, np.uint64)
        chase.ring(order, links)
        steps = _STEPS
        position = np.uint64(order[0] * chase.LINE)
        done = 0

        def draw(links: Any = links, steps: int = steps, level: str = level) -> dict[str, float]:
            nonlocal position, done
            began = perf_counter()
            position = np.uint64(chase.walk(links, position, steps))
            seconds = perf_counter() - began
            done += steps
            return {f"latency.{level}": seconds / steps}

        draw()  # into the caches
        repeat(report, Budget(setup.budget_s / len(sizes)), draw)
        place = int(order[done % lines]) * chase.LINE
        report.check(
            check(f"walk, {level}", float(position), "equal", float(place), "where the walk has to end")
        )
