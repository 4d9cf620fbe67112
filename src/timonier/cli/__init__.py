"""The command line: read, call one function, show. One file a verb; heavy rooms load when a verb needs them."""

from __future__ import annotations

import json
import sys

import click
import typer

from timonier.cli.check import check
from timonier.cli.describe import describe
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
app.command()(describe)
app.add_typer(workload, name="workload")
app.command()(simulate)
app.command()(when)
app.command()(check)


def main() -> None:
    """Run one command; errors become one message and an exit code: 2 yours, 1 the machine's."""
    try:
        code = app(standalone_mode=False)
    except TimonierError as error:
        _tell(error)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        print("interrupted; nothing was written", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone: nothing to tell anybody
        sys.exit(1)
    except MemoryError:
        print("not enough memory for this workload; nothing was written", file=sys.stderr)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _tell(error: TimonierError) -> None:
    """Print an error as text, or as one JSON value where --output json was asked for."""
    arguments = sys.argv[1:]
    as_json = "--output=json" in arguments or ("--output", "json") in zip(arguments, arguments[1:], strict=False)
    if as_json:
        print(json.dumps({"what": error.what, "where": error.where, "fix": error.fix}), file=sys.stderr)
    else:
        print(f"error: {error}", file=sys.stderr)
