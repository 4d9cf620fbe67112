"""The verbs together, and what becomes of their errors: one message and an exit code."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from functools import wraps
from itertools import pairwise
from typing import Annotated, Any

import typer

import timonier
from timonier.cli import interrupted, quit_at_once
from timonier.cli.check import check
from timonier.cli.compare import compare
from timonier.cli.describe import app as describe
from timonier.cli.measure import measure
from timonier.cli.simulate import simulate
from timonier.cli.when import when
from timonier.cli.workload import app as workload
from timonier.kit.errors import TimonierError

app = typer.Typer(
    name="timonier",
    help="The helmsman of heterogeneous compute: replay a workload under any scheduler, forecast the queue.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(describe, name="describe")
app.command()(measure)
app.add_typer(workload, name="workload")
app.command()(simulate)
app.command()(when)
app.command()(check)
app.command()(compare)


def _say_version(asked: bool) -> None:
    if asked:
        print(f"timonier {timonier.__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option("--version", help="Say the version and leave.", is_eager=True, callback=_say_version),
    ] = False,
) -> None:
    pass


def _begins(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command, from whose beginning on Ctrl-C is an exception, so that files are tidied up."""

    @wraps(command)
    def begin(*words: Any, **options: Any) -> Any:
        if signal.getsignal(signal.SIGINT) is quit_at_once:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return command(*words, **options)

    return begin


for _verb in (*app.registered_commands, *workload.registered_commands, *describe.registered_commands):
    if _verb.callback is not None:
        _verb.callback = _begins(_verb.callback)

# typer's own copy of click or click itself, as the version has it: BadParameter, UsageError, ClickException
_CommandError: Any = typer.BadParameter.__mro__[2]
_INTERRUPTED = 130  # what newer typers make of KeyboardInterrupt; older ones raise Abort


def run() -> int:
    """Run the command of sys.argv; returns its exit code."""
    try:
        code = app(prog_name="timonier", standalone_mode=False)
    except TimonierError as error:
        _tell(error.what, error.where, error.fix)
        return error.exit_code
    except _CommandError as error:
        _tell_usage(error)
        return 2
    except typer.Abort:
        return interrupted()
    except MemoryError:
        fix = "take a part of the workload, or a machine with more memory"
        _tell("not enough memory; nothing was written", "", fix)
        return 1
    if code == _INTERRUPTED:
        return interrupted()
    return code if isinstance(code, int) else 0


def _tell(what: str, where: str, fix: str) -> None:
    """Print an error as text, or as one JSON value where --output json was asked for."""
    if _wants_json():
        print(json.dumps({"what": what, "where": where, "fix": fix}), file=sys.stderr)
    else:
        print(f"error: {TimonierError(what, where=where, fix=fix)}", file=sys.stderr)


def _tell_usage(error: Any) -> None:
    """A command that was typed wrongly; without any words it is the help that is shown."""
    message = error.format_message()
    if not _wants_json() or not message:
        error.show()
        return
    command = error.ctx.command_path if error.ctx is not None else "timonier"
    _tell(message, command, f"{command} --help")


def _wants_json() -> bool:
    arguments = sys.argv[1:]
    return "--output=json" in arguments or ("--output", "json") in pairwise(arguments)
