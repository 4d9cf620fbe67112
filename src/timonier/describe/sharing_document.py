"""docs/background/sharing.md, made from `sharing.csv` and `mig.csv`."""

from __future__ import annotations

from timonier.describe.mig import MigGeometry, mig_geometries
from timonier.describe.sharing import ISOLATES, Sharing, sharing_modes

_HEAD = """\
# Sharing a GPU

<!-- made by `python -m timonier.describe.sharing_document`; do not edit, a test compares it -->

A GPU of a machine file has one of four words for `sharing`.
The word says what jobs may ask for, and what they do to each other once they are on one GPU.
timonier simulates where a job fits; how much neighbours slow each other down is not part of it yet,
so a mode that isolates little looks better in a comparison than it may feel to its users.

"""
_GEOMETRY = """
## What a GPU can be cut into

A MIG slice begins at one of its legal starts and takes the memory slices from there on.
Two slices never share a memory slice; the starts leave no layout with more compute slices than the GPU has.
An A100, H100 or H200 has eight memory slices and seven compute slices, an A30 four of each.
Profiles with media engines (`1g.5gb+me`) are not modelled: one slice of a GPU at most can have them.

With `layout = "dynamic"` slices are cut as jobs come and merged as they go, as HAMi or DRA do it.
With a list, such as `layout = ["3g.20gb", "2g.10gb", "1g.5gb"]`, they are cut once, as most sites do it:
a job that asks for `2g.10gb` then waits for that slice, also while larger ones are idle.

"""


def render_page() -> str:
    """The page as Markdown."""
    modes = sharing_modes().values()
    parts = [_HEAD, _table(["mode", "what it is", "a job asks for"], [_first(mode) for mode in modes])]
    parts.append("\n## What each mode keeps apart\n\n")
    parts.append(_table(["mode", *ISOLATES], [_second(mode) for mode in modes]))
    parts.append("\n## What offers it\n\n")
    parts.append(_table(["mode", "software", "source"], [_third(mode) for mode in modes]))
    parts.append(_GEOMETRY)
    rows = [row for geometry in mig_geometries().values() for row in _slices(geometry)]
    titles = ["device", "profile", "memory slices", "compute slices", "starts", "memory, GiB", "source"]
    return "".join([*parts, _table(titles, rows)])


def _first(mode: Sharing) -> list[str]:
    return [f"`{mode.mode}`", mode.meaning, mode.request]


def _second(mode: Sharing) -> list[str]:
    return [
        f"`{mode.mode}`",
        *(f"**{one.degree}**: {one.how}" for one in (mode.isolates[name] for name in ISOLATES)),
    ]


def _third(mode: Sharing) -> list[str]:
    return [f"`{mode.mode}`", "; ".join(mode.software), "; ".join(mode.source)]


def _slices(geometry: MigGeometry) -> list[list[str]]:
    return [
        [
            f"`{geometry.device}`",
            f"`{one.name}`",
            str(one.memory_slices),
            str(one.compute_slices),
            ", ".join(str(start) for start in one.starts),
            f"{one.memory_bytes / 2**30:.4g}",
            one.source,
        ]
        for one in geometry.profiles.values()
    ]


def _table(titles: list[str], rows: list[list[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    print(render_page(), end="")  # noqa: T201 - this is the program's output
