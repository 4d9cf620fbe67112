"""timonier measure: what this machine gets out of the benchmarks."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from timonier.cli.progress import Bar, tell
from timonier.cli.show import Output, OutputOption, show

if TYPE_CHECKING:
    from timonier.measure import Measurement
    from timonier.measure.run import Listen
    from timonier.measure.session import Session

BudgetOption = Annotated[
    str, typer.Option(help="Time to measure in, such as 60s or 10min; compiling comes on top.")
]
OutOption = Annotated[Path, typer.Option("-o", help="The store: a folder; new figures are added to it.")]
RanksOption = Annotated[
    int | None, typer.Option(min=1, help="MPI processes.  [one a core where it needs MPI]")
]
ThreadsOption = Annotated[int | None, typer.Option(min=1, help="Threads.  [as the benchmark likes]")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="key=value, a setting of the benchmark; may be repeated.")
]
BackendOption = Annotated[str, typer.Option(help="Where the tasks run.")]

NAME = "A benchmark; all; list: what there is; merge: put stores together, with their page."


def measure(
    name: Annotated[str, typer.Argument(help=NAME, metavar="NAME")],
    stores: Annotated[
        list[Path] | None,
        typer.Argument(help="For merge: stores, such as those of other nodes.", metavar="STORE"),
    ] = None,
    budget: BudgetOption = "60s",
    out: OutOption = Path("measurements"),
    ranks: RanksOption = None,
    threads: ThreadsOption = None,
    setting: SetOption = None,
    backend: BackendOption = "local",
    output: OutputOption = Output.table,
) -> None:
    """Measure this machine with a benchmark, or with all of them; each figure with its 95 % interval."""
    from timonier.cli.measured import as_text, listing, rows_of

    if name == "list":
        show(output, listing(), lambda rows: "\n".join(row["text"] for row in rows))
        return
    if name == "merge":
        show(output, rows_of(_merge(stores or [], out)), as_text)
        return
    asked = _asked(name, budget, ranks, threads, setting, backend)
    with _tidy(out), Bar("measuring", output is Output.quiet) as bar:
        session = _run(asked, out, bar)
    show(output, rows_of(session.found), as_text)
    for failed, error in session.failed.items():
        tell(f"{failed}: {error.what}")
    if any(one.state == "invalid" for one in session.found):
        tell("a validity check failed: the figures marked invalid are blank")
        raise typer.Exit(1)


def _asked(
    name: str, budget: str, ranks: int | None, threads: int | None, setting: list[str] | None, backend: str
) -> Any:
    from timonier.kit.errors import InputError
    from timonier.kit.units import parse_seconds
    from timonier.measure import BENCHMARKS, Asked, Wanted, benchmark, settings_of

    budget_s = parse_seconds(budget, "--budget")
    if budget_s <= 0:
        raise InputError("a budget is longer than nothing", where="--budget", fix="--budget 60s")
    if name == "all":
        if setting or threads:
            fix = "name one benchmark to set something"
            raise InputError("settings are those of one benchmark", where="--set, --threads", fix=fix)
        return Asked({one: Wanted(ranks) for one in BENCHMARKS}, budget_s, backend)
    settings = settings_of(benchmark(name), setting, name)
    return Asked({name: Wanted(ranks, threads, settings)}, budget_s, backend)


def _run(asked: Any, out: Path, bar: Bar) -> Session:
    from timonier.measure import run_session

    names = list(asked.benchmarks)

    def listen(name: str) -> Listen:
        first = names.index(name) / len(names)

        def hear(done: float, total: float, what: str) -> None:
            share = min(1.0, done / total) if total else 0.0
            bar(int(1000 * (first + share / len(names))), 1000, f"{name}: {what}" if what else name)

        return hear

    return run_session(asked, out, listen, _pages)


def _pages(found: list[Measurement]) -> dict[str, str]:
    from timonier.measure.page import page_of
    from timonier.publish.measured import measured_html

    return {"report.html": measured_html(page_of(found))}


def _merge(stores: list[Path], out: Path) -> list[Measurement]:
    """The figures of several stores in one, with their page."""
    from timonier.kit.errors import InputError
    from timonier.measure import read_store, write_store
    from timonier.measure.store import figures_of, merged

    if not stores:
        raise InputError("there is nothing to merge", where="merge", fix="timonier measure merge A B -o C")
    found = figures_of(out)
    for store in stores:
        found = merged(found, read_store(store))
    write_store(out, found, _pages(found))
    return found


@contextmanager
def _tidy(out: Path) -> Iterator[None]:
    """SIGTERM is met like Ctrl-C: the task is ended, and what was measured is kept and marked."""
    before: Callable[..., Any] | int | None = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        if out.exists():
            tell(f"what was measured so far is in {out}, marked partial")
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
