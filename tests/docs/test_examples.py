"""What our pages say a command prints is what it prints.

A ```console block holds commands behind `$ ` and, below each, all that it writes to stdout; nothing below: anything.
The commands of a page run one after the other in one folder.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from tests.cli.command import timonier

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", *(str(p.relative_to(ROOT)) for p in sorted((ROOT / "docs").rglob("*.md")))]


def examples(page):
    """(command, expected stdout) of every console block."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", (ROOT / page).read_text(), re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, expected = part.partition("\n")
            found.append((command, expected.rstrip("\n")))
    return found


@pytest.mark.parametrize("page", [page for page in PAGES if examples(page)])
def test_examples_print_what_the_page_says(page, tmp_path):
    for command, expected in examples(page):
        program, *words = shlex.split(command)
        assert program == "timonier", command
        done = timonier(*words, cwd=tmp_path)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        if expected:
            assert done.stdout.rstrip("\n") == expected, command
    if page == "README.md":
        made, shown = (
            tmp_path / "first-front" / "figures" / "front.svg",
            ROOT / "docs" / "pictures" / "front.svg",
        )
        assert made.read_bytes() == shown.read_bytes(), (
            "docs/pictures/front.svg is not the one that the command draws"
        )


def test_the_first_command_is_the_one_that_the_readme_shows():
    lines = (ROOT / "scripts" / "first-run").read_text().splitlines()
    run = [line.replace("$timonier", "timonier") for line in lines if line.startswith("$timonier")]
    assert run == [command for command, _ in examples("README.md")]


def test_there_are_examples():
    assert sum(len(examples(page)) for page in PAGES) >= 5


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("docs/")])
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text()):
        assert ((ROOT / page).parent / target).exists(), target
