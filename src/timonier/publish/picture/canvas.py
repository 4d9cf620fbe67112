"""A few marks on a sheet, and the SVG that they make; light or dark as the reader likes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

# a letter is about so wide as a share of its size, in the widest of the usual fonts
_LETTER = 0.61
_STYLE = """
  text { font-family: system-ui, "DejaVu Sans", Verdana, sans-serif; fill: var(--ink) }
  svg { --paper: #ffffff; --ink: #1d2329; --soft: #5d6873; --edge: #aab4be; --package: #eef2f6; --chiplet: #dbe5ef;
        --core: #4a7bb0; --memory: #d9ecd9; --gpu: #fbe3c8; --nic: #e3dcf2; --storage: #ececec; --switch: #f6f4ea;
        --other: #f0e4e4; --none: #f2f4f6 }
  @media (prefers-color-scheme: dark) { svg { --paper: #14181c; --ink: #e6eaee; --soft: #9aa6b2; --edge: #55616d;
        --package: #1f262d; --chiplet: #2a3846; --core: #7fb2e6; --memory: #24402c; --gpu: #523a1c; --nic: #3a3152;
        --storage: #33383d; --switch: #2c2a1f; --other: #402a2a; --none: #1b2025 } }
  .paper { fill: var(--paper) } .edge { stroke: var(--edge); stroke-width: 1 } .soft { fill: var(--soft) }
  .wire { stroke: var(--soft); stroke-width: 1.4; fill: none } .bold { font-weight: 600 }
"""
FILLS = ("package", "chiplet", "core", "memory", "gpu", "nic", "storage", "switch", "other", "none")


@dataclass(slots=True)
class Canvas:
    """Marks in the order in which they are drawn; x and y in pixels from the top left."""

    marks: list[str] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0

    def box(
        self, place: tuple[float, float, float, float], fill: str, title: str = "", radius: float = 4
    ) -> None:
        """A rectangle (x, y, width, height); fill: one of FILLS, or a colour."""
        x, y, w, h = place
        colour = f"var(--{fill})" if fill in FILLS else fill
        inner = f"<title>{escape(title)}</title>" if title else ""
        edge = "" if fill == "core" else ' class="edge"'
        mark = f'<rect{edge} x="{_n(x)}" y="{_n(y)}" width="{_n(w)}" height="{_n(h)}" rx="{_n(radius)}"'
        self.marks.append(f'{mark} style="fill:{colour}">{inner}</rect>')
        self._reach(x + w, y + h)

    def text(
        self, at: tuple[float, float], words: str, size: float = 12, look: str = "", anchor: str = "start"
    ) -> None:
        """One line; at: its left end (or middle, end) on the base line.  look: soft, bold."""
        x, y = at
        classes = f' class="{look}"' if look else ""
        self.marks.append(
            f'<text{classes} x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" text-anchor="{anchor}">'
            f"{escape(words)}</text>"
        )
        if anchor == "start":
            self._reach(x + wide(words, size), y)

    def wire(self, *points: tuple[float, float]) -> None:
        """A line through the points."""
        way = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        self.marks.append(f'<polyline class="wire" points="{way}"/>')
        for x, y in points:
            self._reach(x, y)

    def svg(self, name: str, margin: float = 16) -> str:
        """The whole picture."""
        w, h = _n(self.width + margin), _n(self.height + margin)
        head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img">'
        lines = [
            head,
            f"<title>{escape(name)}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect class="paper" width="{w}" height="{h}"/>',
            *self.marks,
        ]
        return "\n".join([*lines, "</svg>", ""])

    def _reach(self, x: float, y: float) -> None:
        self.width, self.height = max(self.width, x), max(self.height, y)


def wide(words: str, size: float) -> float:
    """About how many pixels a line of text takes."""
    return len(words) * size * _LETTER


def fit(words: str, width: float, size: float) -> str:
    """The words, cut with an ellipsis where they are wider than so many pixels."""
    most = max(1, int(width / (size * _LETTER)))
    return words if len(words) <= most else f"{words[: most - 1].rstrip()}…"


def _n(value: float) -> str:
    """A number in few digits, so that the bytes are the same everywhere."""
    return f"{value:.1f}".removesuffix(".0")
