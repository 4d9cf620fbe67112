"""A session of measuring: one benchmark or all of them, into one store, whatever ends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from timonier.backend import open_backend
from timonier.kit.errors import MachineFailure, TimonierError
from timonier.measure.here import Here, look
from timonier.measure.measurement import Measurement
from timonier.measure.metrics import known_metrics
from timonier.measure.recipe import WEIGHTS, Wanted
from timonier.measure.run import Listen, measure
from timonier.measure.store import figures_of, merged, write_store

Page = Callable[[list[Measurement]], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be measured: benchmark -> what is wanted of it; seconds for all of them together."""

    benchmarks: Mapping[str, Wanted]
    budget_s: float
    backend: str = "local"


@dataclass(slots=True)
class Session:
    """What came of it.  found: the new figures; failed: benchmark -> its error (all benchmarks only)."""

    found: list[Measurement] = field(default_factory=list)
    failed: dict[str, TimonierError] = field(default_factory=dict)


def run_session(
    asked: Asked, out: Path, listen: Callable[[str], Listen], page: Page | None = None
) -> Session:
    """Measure, and add what came to the store `out`, also when it is interrupted or fails half-way.

    listen: benchmark -> what hears of its progress.  page: figures -> further files of the store.
    With several benchmarks one that fails leaves blank figures with the reason, and the others go on.
    """
    backend = open_backend(asked.backend)
    old = figures_of(out)
    if not out.exists():
        write_store(out, [])  # a wrong -o or a full disk is found now, not after the work
    here, session = look(), Session()
    total = sum(WEIGHTS[name] for name in asked.benchmarks)
    try:
        for name, wanted in asked.benchmarks.items():
            budget_s = asked.budget_s * WEIGHTS[name] / total
            try:
                for batch in measure(name, wanted, budget_s, here, backend, listen(name)):
                    session.found += batch
            except TimonierError as error:
                if len(asked.benchmarks) == 1:
                    raise
                session.failed[name] = error
                session.found += _blanks(name, error, here, session.found)
    finally:
        _keep(out, merged(old, session.found), page)
    return session


def _keep(out: Path, found: list[Measurement], page: Page | None) -> None:
    """Write the store; one without any figure is taken away again."""
    if found:
        write_store(out, found, page(found) if page else None)
        return
    try:
        for path in out.iterdir():
            path.unlink()
        out.rmdir()
    except OSError as error:
        raise MachineFailure(f"cannot tidy up: {error.strerror or error}", where=str(out)) from error


def _blanks(name: str, error: TimonierError, here: Here, found: list[Measurement]) -> list[Measurement]:
    """A blank figure for each metric of the benchmark that has none."""
    there = {one.name for one in found}
    fix = f" ({error.fix})" if error.fix else ""
    return [
        Measurement(
            metric.name, name, "", metric.unit, "skipped", reason=f"{error.what}{fix}", node=here.node
        )
        for metric in known_metrics().values()
        if metric.benchmark == name and metric.name not in there
    ]
