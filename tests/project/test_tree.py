"""The repository keeps its promises: nothing of one machine in it, and two commands of one line each."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("src", "tests", "docs", "scripts", "speed", ".ci")
TEXTS = ("", ".py", ".md", ".toml", ".csv", ".txt", ".in")
SHARED = "../" + "shared"
# paths and hosts of one machine; written so that this file does not hold them itself
MACHINE = re.compile(
    "|".join(
        ("/" + "work/", "/" + "root/", "/" + "opt/", "/" + "home/", r"\.pkg\." + "dev", "index" + "-url=")
    )
)
REGISTRY = re.compile(r"https?://[^\s/]*(pypi|pythonhosted|artifact|registry|npmjs)")


def files():
    """Every text file of ours: the root's, and those of the folders above."""
    inside = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    for path in [*ROOT.iterdir(), *inside]:
        is_ours = path.is_file() and path.suffix in TEXTS and "__pycache__" not in path.parts
        if is_ours and path != Path(__file__):
            yield path


def lines_with(pattern, but=()):
    found = []
    for path in files():
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(tuple(but)):
            continue
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1):
            if re.search(pattern, line):
                found.append(f"{name}:{number}: {line.strip()[:100]}")
    return found


def readme_commands():
    return re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def test_no_file_names_a_path_of_one_machine():
    assert lines_with(MACHINE) == []


def test_no_file_names_a_package_registry():
    assert lines_with(REGISTRY) == []


def test_only_tests_and_speed_look_beside_the_repository():
    """Users have no such folder."""
    assert lines_with(re.escape(SHARED), but=("tests/", "speed/")) == []


def test_the_first_two_commands_of_the_readme_are_one_line_each():
    first, second = readme_commands()[:2]
    for block in (first, second):
        assert block.strip().count("\n") == 0
        script = block.split()[1]
        assert (ROOT / script).stat().st_mode & 0o111, f"{script} is not executable"


def test_ci_runs_the_second_command_of_the_readme():
    second = readme_commands()[1].strip()
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == second
    assert second in (ROOT / "CONTRIBUTING.md").read_text()


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_between_our_pages_lead_somewhere(name):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / name).read_text()):
        assert (ROOT / target).exists(), target


def test_the_architecture_fits_into_150_lines():
    assert len((ROOT / "ARCHITECTURE.md").read_text().splitlines()) <= 150


def test_every_room_has_its_line_in_the_architecture():
    page = (ROOT / "ARCHITECTURE.md").read_text()
    for room in (ROOT / "src" / "timonier").iterdir():
        if (room / "__init__.py").exists():
            assert f"`{room.name}`" in page, room.name


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda path: path.name
)
def test_a_decision_fits_into_40_lines_and_names_the_road_not_taken(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 40
    assert re.match(r"\d{3}-[a-z0-9-]+\.md", path.name)
    assert "## The road not taken" in text


def test_the_lock_has_every_direct_dependency_with_a_hash():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    locked = (ROOT / "requirements-dev.txt").read_text()
    for requirement in wanted:
        name = re.split(r"[<>=~!\[ ]", requirement)[0]
        assert re.search(rf"^{re.escape(name)}==\S+ \\\n    --hash=sha256:", locked, re.MULTILINE), name


def test_both_lists_of_development_tools_say_the_same():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = (ROOT / "requirements-dev.in").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == project["dependency-groups"][
        "dev"
    ]
