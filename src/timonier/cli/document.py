"""docs/reference/commands.md, made from the commands themselves: python -m timonier.cli.document."""

from __future__ import annotations

from typing import Any

import typer.main

from timonier.cli.app import app
from timonier.cli.describe import SHOW

_HEAD = """\
# Commands

Made by `python -m timonier.cli.document > docs/reference/commands.md`; a test fails when it is stale.

Data goes to stdout, progress to stderr.
Exit codes: 0 done, 2 your input or command is wrong, 1 the machine failed us or Ctrl-C (`check`: a promise is broken).
With `--output json` an error is one JSON value on stderr: `{"what", "where", "fix"}`.
"""


def render_page() -> str:
    """The page: a section for every command, in the order of the help."""
    root = typer.main.get_command(app)
    return _HEAD + "".join(_section(command, f"timonier {name}") for name, command in _commands(root))


def _commands(group: Any, before: str = "") -> list[tuple[str, Any]]:
    found = []
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found += _commands(command, f"{before}{name} ")
        elif name == SHOW:  # the word may be left out, and nobody writes it
            found.append((before.strip(), command))
        else:
            found.append((f"{before}{name}", command))
    return found


def _section(command: Any, name: str) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option"]
    usage = " ".join([name, *(_word(one) for one in arguments), "[OPTIONS]"])
    rows = [f"| `{_word(one)}` | {_text(one)} |" for one in arguments]
    rows += [f"| `{', '.join(one.opts)}` | {_text(one)} |" for one in options if one.name != "help"]
    table = "\n".join(["| word | meaning |", "|---|---|", *rows])
    return f"\n## {name}\n\n{command.help}\n\n```\n{usage}\n```\n\n{table}\n"


def _word(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _text(parameter: Any) -> str:
    """Its help, and its default where it has one that says something."""
    text = (parameter.help or "").replace("|", "\\|")
    default = getattr(parameter.default, "value", parameter.default)
    return text if default in (None, False, ()) or parameter.required else f"{text} Default: {default}."


if __name__ == "__main__":
    print(render_page(), end="")
