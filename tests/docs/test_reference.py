"""Reference pages are made from the tables, and are what the tables make."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from timonier.describe import document as machines
from timonier.describe import known_keys, parse_machine, sharing_document
from timonier.policy import document as profiles
from timonier.policy import known_knobs, parse_profile

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
BACKGROUND = REFERENCE.with_name("background")


@pytest.mark.parametrize(
    ("name", "module"), [("profiles.md", profiles), ("machine.md", machines)], ids=["profiles", "machine"]
)
def test_the_page_is_fresh(name, module):
    """Make it again with: python -m timonier.policy.document > docs/reference/profiles.md (or describe, machine.md)."""
    assert (REFERENCE / name).read_text() == module.render_page()


def test_the_page_of_sharing_is_fresh():
    """Make it again with: python -m timonier.describe.sharing_document > docs/background/sharing.md."""
    assert (BACKGROUND / "sharing.md").read_text() == sharing_document.render_page()


@pytest.mark.parametrize(("name", "tables"), [("profiles.md", known_knobs()), ("machine.md", known_keys())])
def test_every_key_stands_in_its_page(name, tables):
    page = (REFERENCE / name).read_text()
    for section in tables.values():
        for key in section.values():
            assert f"{key.name}`" in page
            assert key.meaning.replace("|", "\\|") in page


@pytest.mark.parametrize(("name", "parse"), [("profiles.md", parse_profile), ("machine.md", parse_machine)])
def test_the_examples_of_the_page_are_read(name, parse):
    examples = re.findall(r"```toml\n(.*?)```", (REFERENCE / name).read_text(), re.DOTALL)
    assert examples
    for example in examples:
        parse(tomllib.loads(example))
