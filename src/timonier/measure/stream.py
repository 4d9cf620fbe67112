"""stream: the bandwidth of memory by four loops over arrays that no cache holds.

Rules: arrays of at least four times all last-level caches and of ten million elements; the first pass is dropped and
the best of the others counts; the values are checked at the end.
Source: McCalpin 1995; the rules of the STREAM benchmark.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from timonier.measure.events import Report, check
from timonier.measure.here import Here
from timonier.measure.measurement import Check
from timonier.measure.recipe import Planned, Setup, Wanted, check_memory
from timonier.measure.repeat import repeat

SETTINGS: Mapping[str, tuple[Any, str]] = {
    "n": (None, "elements of each of the three arrays; 4 x all last-level caches, at least 10 million"),
    "passes": (10, "passes over the four loops in a repeat; the first is dropped"),
}
_LEAST = 10_000_000
_BYTES = {"copy": 16, "scale": 16, "add": 24, "triad": 24}
Q = 3.0


def plan(here: Here, wanted: Wanted) -> list[Planned]:
    """All cores, one core, and each memory node where there is more than one."""
    caches = here.last_level_bytes
    n = wanted.settings.get("n") or max(_LEAST, -(-4 * (caches or 0) // 8))
    settings = {"n": int(n), "passes": int(wanted.settings.get("passes", SETTINGS["passes"][0]))}
    check_memory(24 * n, here, "--set n=... with fewer elements")
    if wanted.threads:
        return [
            Planned(
                f"{wanted.threads} threads",
                settings,
                threads=wanted.threads,
                cpus=here.cpus[: wanted.threads],
            )
        ]
    places = {"all cores": here.cpus, "one core": here.cpus[:1]}
    if len(here.numa) > 1:
        places |= {f"memory node {node}": cpus for node, cpus in here.numa.items()}
    return [
        Planned(label, settings, threads=len(cpus), cpus=cpus, share=1 / len(places))
        for label, cpus in places.items()
    ]


def work(setup: Setup, report: Report) -> None:
    """Passes until the best rates are known well enough; then the values are checked."""
    passes = Passes(int(setup.settings["n"]), setup.threads)
    passes.run(2)  # compiled, and every page touched
    if setup.settings["n"] < _LEAST:
        report.note("not by the rules: arrays of fewer than ten million elements")
    count = int(setup.settings["passes"])
    repeat(report, setup.budget(), lambda: passes.rates(count))
    report.check(passes.check())


class Passes:
    """The three arrays and how often the loops went over them."""

    def __init__(self, n: int, threads: int) -> None:
        import numpy as np

        from timonier.measure.kernels import stream as kernels

        self.a, self.b, self.c = np.empty(n), np.empty(n), np.empty(n)
        suffix = "1" if threads == 1 else "n"
        fill, copy, scale, add, triad = (
            getattr(kernels, f"{name}_{suffix}") for name in ("fill", "copy", "scale", "add", "triad")
        )
        a, b, c = self.a, self.b, self.c
        self._fill: Callable[[], None] = lambda: fill(a, b, c)
        self._fill()
        self._loops: dict[str, Callable[[], None]] = {
            "copy": lambda: copy(a, c),
            "scale": lambda: scale(b, c, Q),
            "add": lambda: add(a, b, c),
            "triad": lambda: triad(a, b, c, Q),
        }
        self._done = 0

    def run(self, count: int) -> dict[str, list[float]]:
        """Seconds of each loop, pass by pass."""
        from time import perf_counter

        seconds: dict[str, list[float]] = {name: [] for name in self._loops}
        for _ in range(count):
            for name, loop in self._loops.items():
                before = perf_counter()
                loop()
                seconds[name].append(perf_counter() - before)
            self._done += 1
        return seconds

    def rates(self, count: int) -> dict[str, float]:
        """Bytes per second of the best pass of each loop, the first pass left out."""
        n = self.a.size
        self._fill()  # a grows fifteenfold a pass and would not stay finite
        self._done = 0
        return {
            f"stream.{name}": _BYTES[name] * n / min(of[1:] or of) for name, of in self.run(count).items()
        }

    def check(self) -> Check:
        """The largest relative error of the three arrays against the same operations on three numbers."""
        import numpy as np

        a, b, c = 1.0, 2.0, 0.0
        for _ in range(self._done):
            c = a
            b = Q * c
            c = a + b
            a = b + Q * c
        pairs = ((self.a, a), (self.b, b), (self.c, c))
        worst = max(float(np.abs(array - value).max()) / value for array, value in pairs)
        return check("values", worst, "at most", 1e-13, "relative error of the arrays after all passes")
