"""What a benchmark is to those who run it: its plan, its settings, and the work itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol, cast

from timonier.kit.errors import InputError, nearest
from timonier.kit.toml import parse_value
from timonier.measure.events import Report
from timonier.measure.here import Here
from timonier.measure.repeat import Budget


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asks of a benchmark; None: as many as there are cores, or as the benchmark likes."""

    ranks: int | None = None
    threads: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    budget_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Planned:
    """One task of a benchmark.

    ranks: MPI processes, 0: none.  threads: of each process.  cpus: where they run.
    share: of the benchmark's budget.  skip: metric -> why it cannot be had here.
    """

    label: str
    settings: Mapping[str, Any]
    ranks: int = 0
    threads: int = 1
    cpus: tuple[int, ...] = ()
    share: float = 1.0
    skip: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Setup:
    """What the worker is given.  budget_s begins when it has compiled."""

    benchmark: str
    label: str
    budget_s: float
    threads: int
    ranks: int
    settings: Mapping[str, Any]
    skip: Mapping[str, str] = field(default_factory=dict)

    def budget(self) -> Budget:
        """The budget, from now on."""
        return Budget(self.budget_s)


class Benchmark(Protocol):
    """The module of a benchmark.

    SETTINGS: name -> (default, meaning); a default of None is chosen from the machine.
    """

    SETTINGS: Mapping[str, tuple[Any, str]]

    def plan(self, here: Here, wanted: Wanted) -> list[Planned]:
        """Its tasks on this machine.  Raises InputError where the problem does not fit."""

    def work(self, setup: Setup, report: Report) -> None:
        """Do it, in a process of its own.  Heavy packages are imported here."""


# name -> module; one line a benchmark, in the order of `measure all`
BENCHMARKS = {
    "stream": "timonier.measure.stream",
    "gups": "timonier.measure.gups",
    "latency": "timonier.measure.latency",
    "gemm": "timonier.measure.gemm",
    "hpl": "timonier.measure.hpl",
    "hpl-like": "timonier.measure.hpl_like",
    "hpl-mxp": "timonier.measure.hpl_mxp",
    "hpcg": "timonier.measure.hpcg",
    "graph500": "timonier.measure.graph500",
    "network": "timonier.measure.network",
    "gpu": "timonier.measure.gpu",
}
# shares of the budget of `measure all`
WEIGHTS = {
    "stream": 2,
    "gups": 1,
    "latency": 1,
    "gemm": 2,
    "hpl": 3,
    "hpl-like": 2,
    "hpl-mxp": 2,
    "hpcg": 6,
    "graph500": 4,
    "network": 2,
    "gpu": 1,
}


def benchmark(name: str) -> Benchmark:
    """The benchmark of this name.  Raises InputError with the known ones."""
    if name not in BENCHMARKS:
        raise InputError(f"there is no benchmark {name!r}", where="NAME", fix=nearest(name, BENCHMARKS))
    return cast("Benchmark", import_module(BENCHMARKS[name]))


def settings_of(of: Benchmark, words: list[str] | None, name: str) -> dict[str, Any]:
    """`key=value` words as the benchmark's settings, checked by its table."""
    found: dict[str, Any] = {}
    for word in words or []:
        key, is_there, text = word.partition("=")
        if not is_there:
            raise InputError(f"--set takes key=value, not {word!r}", where="--set", fix=f"--set {key}=...")
        if key not in of.SETTINGS:
            known = nearest(key, of.SETTINGS) if of.SETTINGS else "it has no settings"
            raise InputError(f"{name} has no setting {key!r}", where="--set", fix=known)
        found[key] = _typed(key, parse_value(text), of.SETTINGS[key][0])
    return found


def _typed(key: str, value: Any, default: Any) -> Any:
    """The value, where its kind is that of the default (None: a whole number above 0)."""
    if isinstance(default, str):
        return str(value)
    kinds = (int,) if default is None or isinstance(default, int) else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or value <= 0:
        a_number = "a whole number above 0" if kinds == (int,) else "a number above 0"
        raise InputError(f"{key}={value} is not {a_number}", where="--set", fix=f"--set {key}={default or 8}")
    return value


def check_memory(need_bytes: float, here: Here, smaller: str) -> None:
    """Refuse what does not fit before it is begun.  smaller: what to do about it."""
    if need_bytes > 0.9 * here.free_bytes:
        raise InputError(
            f"this needs {need_bytes / 2**30:.3g} GiB of memory; {here.free_bytes / 2**30:.3g} GiB are free",
            where="memory",
            fix=smaller,
        )
