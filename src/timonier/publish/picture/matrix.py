"""Which device is linked to which: a matrix, GPUs by what they are linked to."""

from __future__ import annotations

from collections import Counter

from timonier.describe import Link, Topology
from timonier.publish.looks import COLOURS
from timonier.publish.picture.canvas import Canvas
from timonier.publish.picture.words import link_text, speed_text

_CELL, _LABEL, _MOST = 30.0, 74.0, 64
_PATHS = {"PIX": 2, "PXB": 5, "PHB": 4, "NODE": 3, "SYS": 7}
_KINDS = {"nvlink": 0, "xgmi": 1, "xelink": 6, "cxl": 3, "upi": 2, "infiniband": 5, "ethernet": 7}


def draw_matrix(canvas: Canvas, inside: Topology, x: float, y: float) -> float:
    """The links between devices; returns the lowest y, or y where there are none or too many."""
    links = [link for link in inside.links if link.kind != "numa"]
    if not links:
        return y
    ends = sorted({end for link in links for end in link.ends}, key=_place)
    rows = [end for end in ends if end.startswith("gpu")] or ends
    others = [link.ends[::step] for link in links for step in (1, -1)]
    linked = {end for row, end in others if row in rows}
    columns = [end for end in ends if end in linked]
    if len(columns) > _MOST:
        canvas.text((x, y + 14), f"{len(links)} links between {len(ends)} devices", 12, "soft")
        return y + 30
    cells = {ends: link for link in links for ends in (link.ends, link.ends[::-1])}
    canvas.text((x, y + 16), _title(links), 13, "bold")
    top = _heads(canvas, columns, x + _LABEL, y + 26)
    for at, row in enumerate(rows):
        low = top + at * _CELL
        canvas.text((x + _LABEL - 6, low + _CELL / 2 + 4), row, 11, anchor="end")
        for to, column in enumerate(columns):
            link = cells.get((row, column))
            place = (x + _LABEL + to * _CELL, low, _CELL - 2, _CELL - 2)
            _cell(canvas, link, place, f"{row} - {column}", row == column)
    shown = [link for link in links if any(end in rows for end in link.ends)]
    return _legend(canvas, shown, x, top + len(rows) * _CELL + 8)


def _place(name: str) -> tuple[bool, str, int]:
    """GPUs first, each kind in the order of its numbers."""
    stem = name.rstrip("0123456789")
    return stem != "gpu", stem, int(name[len(stem) :] or 0)


def _heads(canvas: Canvas, columns: list[str], x: float, y: float) -> float:
    """Column heads; long names turned."""
    for number, name in enumerate(columns):
        middle = x + number * _CELL + _CELL / 2
        short = name.replace("nvswitch", "sw").replace("switch", "s")
        canvas.text((middle, y + 12), short, 10, anchor="middle")
    canvas.width = max(canvas.width, x + len(columns) * _CELL)
    return y + 18


def _cell(
    canvas: Canvas, link: Link | None, place: tuple[float, float, float, float], ends: str, is_self: bool
) -> None:
    x, y, w, h = place
    if link is None:
        canvas.box(place, "package" if is_self else "none", radius=2)
        return
    speed = speed_text(link.bytes_per_s)
    canvas.box(place, f"{_colour(link)}55", f"{ends}: {link.kind} {link_text(link)} {speed}".strip(), 2)
    words = link_text(link)
    canvas.text((x + w / 2, y + h / 2 + 4), words, 8.5 if len(words) > 3 else 11, anchor="middle")


def _colour(link: Link) -> str:
    return COLOURS[_PATHS.get(link.path, 7) if link.path else _KINDS.get(link.kind, 4)]


def _title(links: list[Link]) -> str:
    kinds = Counter(link.kind for link in links)
    return "links: " + ", ".join(f"{count} pairs by {kind}" for kind, count in kinds.items())


def _legend(canvas: Canvas, links: list[Link], x: float, y: float) -> float:
    """What the colours and numbers mean, with speeds."""
    kinds = dict.fromkeys((link.kind, link.count, link.path, link.bytes_per_s) for link in links)
    meanings = {
        "PIX": "one PCIe bridge", "PXB": "several PCIe bridges", "PHB": "a host bridge",
        "NODE": "host bridges of a NUMA node", "SYS": "between NUMA nodes",
    }  # fmt: skip
    for kind, count, path, speed in sorted(kinds, key=str)[:8]:
        like = Link((), ("", ""), kind, count, speed, path)
        canvas.box((x + _LABEL, y, 14, 14), f"{_colour(like)}55", radius=2)
        words = [
            f"{path}: {meanings.get(path, '')}" if path else kind,
            f"{count} side by side" if count and count > 1 else "",
            f"{speed_text(speed)} each way" if speed else "",
        ]
        canvas.text((x + _LABEL + 20, y + 12), ", ".join(word for word in words if word), 11, "soft")
        y += 18
    return y + 10
