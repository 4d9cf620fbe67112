"""The figures of the page of measurements as SVG: a roofline a node, and the fingerprint of the nodes."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from timonier.publish.looks import COLOURS
from timonier.publish.measured.words import MOST_NODES, quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Page = Mapping[str, Any]
_MARKERS = ("o", "s", "D", "^", "X", "P", "v")
_LOW, _HIGH = 2.0**-5, 2.0**9  # operations a byte


def figures(page: Page) -> dict[str, str]:
    """Name -> SVG: roofline-NODE where roofs were measured, fingerprint where there is anything."""
    import matplotlib as mpl

    settings: dict[Any, Any] = {"svg.hashsalt": "timonier", "svg.fonttype": "none", "font.size": 10}
    with mpl.rc_context(settings):
        drawn = {f"roofline-{one['node']}": _svg(_roofline(one)) for one in page["rooflines"] if one["roofs"]}
        if any(value is not None for one in page["fingerprints"] for value in one["values"]):
            few = len(page["fingerprints"]) <= MOST_NODES
            drawn["fingerprint"] = _svg(_radar(page) if few else _heat(page))
    return drawn


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": "timonier"})
    return text.getvalue()[text.getvalue().index("<svg") :]


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _roofline(line: Mapping[str, Any]) -> Figure:
    """Rates over operations a byte, both logarithmic; lines are measured roofs, marks what was run."""
    figure = _figure(8.6, 5.0)
    ax = figure.add_subplot()
    memory = [roof for roof in line["roofs"] if roof["kind"] == "memory"]
    compute = [roof for roof in line["roofs"] if roof["kind"] == "compute"]
    top = max(
        (roof["value"] for roof in compute), default=max((r["value"] for r in memory), default=1.0) * _HIGH
    )
    for k, roof in enumerate(compute):
        begin = roof["value"] / max((m["value"] for m in memory), default=roof["value"])
        ax.plot([begin, _HIGH], [roof["value"]] * 2, color="0.25", linestyle=("-", "--", ":")[k % 3])
        label = (
            f"{roof['label']}, {quantity(roof['value'], 'FLOP/s' if 'int' not in roof['label'] else 'OP/s')}"
        )
        is_left = begin * 16 < _HIGH  # beside the ridge, away from the marks
        ax.annotate(
            label, (1.7 * begin if is_left else _HIGH, roof["value"]), (-2, 3), textcoords="offset points",
            ha="left" if is_left else "right", fontsize=8,
        )  # fmt: skip
    for k, roof in enumerate(memory):
        end = min(_HIGH, top / roof["value"])
        ends = [_LOW, end]
        ax.plot(ends, [x * roof["value"] for x in ends], color=COLOURS[k], linewidth=1.5,
                label=f"{roof['label']}, {quantity(roof['value'], 'B/s')}")  # fmt: skip
    for k, point in enumerate(line["points"]):
        ax.plot(
            point["intensity"], point["rate"], _MARKERS[k % len(_MARKERS)], linestyle="", markersize=8,
            color=COLOURS[(k + 3) % len(COLOURS)], markeredgecolor="white",
            label=f"{point['label']}, {quantity(point['rate'], 'FLOP/s')}",
        )  # fmt: skip
    _log_axes(ax)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return figure


def _log_axes(ax: Axes) -> None:
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_xlim(_LOW, _HIGH)
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:g}" if x >= 1 else f"1/{1 / x:g}")
    ax.yaxis.set_major_formatter(lambda y, _: quantity(y, "FLOP/s"))
    ax.set_xlabel("operations a byte from memory")
    ax.grid(visible=True, color="0.9", linewidth=0.8)
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_axisbelow(True)


def _shares(page: Page, node: Mapping[str, Any]) -> list[float | None]:
    """Each value as a place between the ends of its axis, 0 to 1 on a logarithmic scale."""
    found: list[float | None] = []
    for axis, value in zip(page["axes"], node["values"], strict=True):
        if value is None or value <= 0:
            found.append(None)
            continue
        low, high = math.log(axis["low"]), math.log(axis["high"])
        found.append(min(1.0, max(0.0, (math.log(value) - low) / (high - low))))
    return found


def _radar(page: Page) -> Figure:
    """One line a node; an axis that was not measured has a gap, never a zero."""
    figure = _figure(8.6, 6.0)
    ax: Any = figure.add_subplot(projection="polar")
    angles = [2 * math.pi * k / len(page["axes"]) for k in range(len(page["axes"]))]
    for k, node in enumerate(page["fingerprints"]):
        shares = [math.nan if share is None else share for share in _shares(page, node)]
        ax.plot(
            [*angles, angles[0]],
            [*shares, shares[0]],
            marker=_MARKERS[k],
            color=COLOURS[k],
            label=node["node"],
        )
    only = page["fingerprints"][0] if len(page["fingerprints"]) == 1 else None
    ax.set_xticks(
        angles, [_axis_label(axis, only and only["values"][k]) for k, axis in enumerate(page["axes"])]
    )
    ax.tick_params(axis="x", labelsize=8, pad=18)
    for angle, label in zip(angles, ax.get_xticklabels(), strict=True):
        side = math.sin(angle)
        label.set_horizontalalignment("center" if abs(side) < 0.1 else "left" if side > 0 else "right")
    ax.set_ylim(0, 1)
    ax.set_yticks([0.25, 0.5, 0.75, 1.0], ["", "", "", ""])
    ax.set_theta_offset(math.pi / 2)
    ax.set_theta_direction(-1)
    figure.legend(loc="outside lower center", frameon=False)
    return figure


def _axis_label(axis: Mapping[str, Any], value: float | None) -> str:
    unit = axis["unit"]
    ends = f"{quantity(axis['low'], unit)} to {quantity(axis['high'], unit)}"
    return f"{axis['label']}\n" + (f"{quantity(value, unit)}\n" if value is not None else "") + f"({ends})"


def _heat(page: Page) -> Figure:
    """Nodes by axes, each value as a ratio to the median of the nodes."""
    import numpy as np

    nodes = page["fingerprints"]
    table = np.array([[np.nan if v is None else v for v in node["values"]] for node in nodes], float)
    columns = [k for k in range(table.shape[1]) if not np.isnan(table[:, k]).all()]
    table = table[:, columns] / np.nanmedian(table[:, columns], axis=0)
    for place, k in enumerate(columns):
        if page["axes"][k]["low"] > page["axes"][k]["high"]:  # less is better
            table[:, place] = 1 / table[:, place]
    figure = _figure(8.6, 1.6 + 0.26 * len(nodes))
    ax = figure.add_subplot()
    image = ax.imshow(np.log2(table), cmap="RdBu", vmin=-1, vmax=1, aspect="auto")
    ax.set_xticks(
        range(len(columns)), [page["axes"][k]["label"] for k in columns], rotation=25, ha="right", fontsize=8
    )
    ax.set_yticks(range(len(nodes)), [node["node"] for node in nodes], fontsize=8)
    bar = figure.colorbar(image, ax=ax, ticks=[-1, 0, 1])
    bar.ax.set_yticklabels(["half as good", "median", "twice as good"])
    return figure
