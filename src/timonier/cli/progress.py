"""A progress bar on stderr, for what takes longer than a moment."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress

PATIENCE_S = 1.0


class Bar:
    """Call it with (done, total); it shows itself after a second, on a terminal only."""

    def __init__(self, label: str, quiet: bool = False) -> None:
        self._label = label
        self._began = time.monotonic()
        self._shown: Progress | None = None
        self._silent = quiet or not sys.stderr.isatty()

    def __call__(self, done: int, total: int, what: str = "") -> None:
        """Show that `done` of `total` are done, and what is being done."""
        if self._silent or time.monotonic() - self._began < PATIENCE_S:
            return
        if self._shown is None:
            from rich.console import Console
            from rich.progress import Progress

            self._shown = Progress(console=Console(stderr=True), transient=True)
            self._shown.start()
            self._task = self._shown.add_task(self._label, total=total)
        label = f"{self._label} {what}".rstrip()
        self._shown.update(self._task, completed=min(done, total), total=total, description=label)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown is not None:
            self._shown.stop()


def tell(sentence: str) -> None:
    """One line on stderr."""
    print(sentence, file=sys.stderr, flush=True)
