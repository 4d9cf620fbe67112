"""The command line: read, call one function, show. One file a verb; heavy rooms load when a verb needs them.

This file imports next to nothing, so that Ctrl-C is met with a sentence even while the rest loads.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import NoReturn


def main() -> None:
    """Run one command and leave with its exit code: 0 done, 2 your input is wrong, 1 the machine failed us."""
    sys.modules.setdefault("scipy", None)  # type: ignore[arg-type]  # Numba would import it, 0.3 s for nothing
    is_ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # else somebody decided already
    try:
        if is_ours:
            signal.signal(signal.SIGINT, quit_at_once)
        from timonier.cli.app import run

        code = run()
    except KeyboardInterrupt:
        code = interrupted()
    leave(code)


def leave(code: int) -> NoReturn:
    """End the process once Python has tidied up, and before C++ does.

    Arrow's threads may still run when its destructors take them away: one run in ten then ended in "terminate
    called without an active exception" and exit code 134, after an error that was told well.
    """
    import atexit
    import os

    atexit._run_exitfuncs()  # noqa: SLF001  os._exit leaves them out, and there is no other way
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or 1
    os._exit(code)


def interrupted() -> int:
    """Say that Ctrl-C was heard; files are written whole or not at all.  Returns the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one finds us on our way out
    print("interrupted; no file is half-written", file=sys.stderr, flush=True)
    return 1


def quit_at_once(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  how Python calls it
    """Ctrl-C before a command begins: nothing to tidy up, and nobody in between who might catch an exception."""
    import os

    os._exit(interrupted())
