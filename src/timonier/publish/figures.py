"""The figures of a comparison as SVG, for papers and slides: the same bytes every time."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from timonier.publish.looks import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Page = Mapping[str, Any]

MARKERS = ("o", "s", "D", "^", "X", "*", "p", "h", "P", "v", "<", ">")
_DASHES = ("-", "--", ":", "-.")
_FAR = 10.0  # means so many times apart are drawn on a logarithmic axis
_HOUR, _DAY = 3600.0, 86_400.0


def figures(page: Page) -> dict[str, str]:
    """File name -> SVG.  page: the values as `timonier.compare.page.page_of` makes them."""
    import matplotlib as mpl

    with mpl.rc_context({"svg.hashsalt": "timonier", "svg.fonttype": "none", "font.size": 10}):
        drawn = {"distributions": _distributions(page), "timeline": _timeline(page)}
        if len(page["chosen"]) > 1:
            drawn["front"] = _front(page)
        if len(page["profiles"]) > 1:
            drawn["paired"] = _paired(page)
        return {f"{name}.svg": _svg(figure) for name, figure in drawn.items()}


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": "timonier"})
    return text.getvalue()


def _axes(rows: int = 1) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.4), layout="constrained")
    axes = [figure.add_subplot(rows, 1, row + 1) for row in range(rows)]
    for ax in axes:
        ax.grid(visible=True, color="0.88", linewidth=0.8)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _look(k: int) -> dict[str, Any]:
    return {"color": COLOURS[k % len(COLOURS)], "linestyle": _DASHES[(k + k // len(COLOURS)) % len(_DASHES)]}


def _unit(page: Page, objective: str, values: list[float]) -> tuple[float, str]:
    """What to divide by, and the axis label."""
    known = next(o for o in page["objectives"] if o["name"] == objective)
    divisor, unit = (1.0, known["unit"])
    largest = max((abs(v) for v in values), default=0.0)
    if unit == "s" and largest >= 2 * _HOUR:
        divisor, unit = (_DAY, "days") if largest >= 4 * _DAY else (_HOUR, "hours")
    label = objective + (f", {unit}" if unit else "")
    return divisor, f"{label} ({known['better']} is better)" if known["better"] else label


def _front(page: Page) -> Figure:
    """Means over the repeats with 95 % intervals; filled: on the front of these two objectives."""
    x, y = page["chosen"][:2]
    front = next(f for f in page["fronts"] if set(f["objectives"]) == {x, y} or len(page["chosen"]) > 2)
    figure, (ax,) = _axes()
    for axis, objective in (("x", x), ("y", y)):
        means = [mean for mean, _, _ in page["intervals"][objective].values() if mean is not None]
        if means and min(means) > 0 and max(means) > _FAR * min(means):
            getattr(ax, f"set_{axis}scale")("log")
            which = ax.xaxis if axis == "x" else ax.yaxis
            which.set_major_formatter("{x:,g}")
            if max(means) < 100 * min(means):
                which.set_minor_formatter("{x:,g}")
                which.set_tick_params(which="minor", labelsize=7)
    scales = {
        o: _unit(page, o, [v[0] for v in page["intervals"][o].values() if v[0] is not None]) for o in (x, y)
    }
    for k, name in enumerate(page["profiles"]):
        px, py = page["intervals"][x][name], page["intervals"][y][name]
        if px[0] is None or py[0] is None:
            continue
        on = front["profiles"][name]["on_front"]
        ax.errorbar(
            px[0] / scales[x][0],
            py[0] / scales[y][0],
            xerr=_bars(px, scales[x][0]),
            yerr=_bars(py, scales[y][0]),
            fmt=MARKERS[k % len(MARKERS)],
            color=COLOURS[k % len(COLOURS)],
            markerfacecolor=COLOURS[k % len(COLOURS)] if on else "white",
            markersize=9 if on else 6,
            elinewidth=1.0,
            capsize=2,
            label=name + (" (front)" if on else ""),
        )
    ax.set_xlabel(scales[x][1])
    ax.set_ylabel(scales[y][1])
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def _bars(values: list[float | None], divisor: float) -> list[list[float]] | None:
    """Error bars of (mean, low, high); None where one repeat gives none."""
    mean, low, high = values
    if mean is None or low is None or high is None:
        return None
    return [[max(0.0, mean - low) / divisor], [max(0.0, high - mean) / divisor]]


def _paired(page: Page) -> Figure:
    """Paired differences of the first objective from the surest profile on the front."""
    objective, front = page["chosen"][0], page["fronts"][0]["profiles"]
    reference = max(page["profiles"], key=lambda name: front[name]["probability"] or 0.0)
    rows = []
    for row in page["paired"]:
        if row["objective"] != objective or reference not in (row["a"], row["b"]):
            continue
        values = [row["median"], row["low"], row["high"]]
        if row["a"] == reference:
            values = [None if v is None else -v for v in (row["median"], row["high"], row["low"])]
        rows.append((row["b"] if row["a"] == reference else row["a"], values))
    divisor, label = _unit(page, objective, [values[0] for _, values in rows])
    figure, (ax,) = _axes()
    for place, (name, values) in enumerate(rows):
        k = page["profiles"].index(name)
        ax.errorbar(
            values[0] / divisor,
            place,
            xerr=_bars(values, divisor),
            fmt=MARKERS[k % len(MARKERS)],
            color=COLOURS[k % len(COLOURS)],
            capsize=3,
        )
    reach = max((abs(values[0]) / divisor for _, values in rows), default=0.0)
    near = sorted(abs(values[0]) / divisor for _, values in rows)
    if near and reach > _FAR * max(near[len(near) // 2], 1e-12):
        ax.set_xscale("symlog", linthresh=max(near[len(near) // 2], 1e-9))
    ax.axvline(0.0, color="0.3", linewidth=1)
    ax.set_yticks(range(len(rows)), [name for name, _ in rows])
    ax.invert_yaxis()
    ax.set_xlabel(f"{label}: difference from {reference}")
    return figure


def _distributions(page: Page) -> Figure:
    """Share of the jobs up to each bounded slowdown, on the log itself."""
    figure, (ax,) = _axes()
    for k, name in enumerate(page["profiles"]):
        values = page["distributions"]["bsld"][name]
        if values:
            ax.plot(values, page["percentiles"], label=name, **_look(k))
    ax.set_xscale("log")
    ax.set_xlabel("bounded slowdown (1 = no wait)")
    ax.set_ylabel("% of the jobs")
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def _timeline(page: Page) -> Figure:
    """Use and queue over time on the log itself, of the profiles on the front."""
    figure, (use, queue) = _axes(2)
    times = page["timeline"]["t_s"]
    days = [(t - times[0]) / _DAY for t in times]
    for k, name in enumerate(page["profiles"]):
        if page["fronts"][0]["profiles"][name]["on_front"]:
            used = [100 * u for u in page["timeline"]["used"][name]]
            use.step(days[: len(used)], used, where="post", label=name, **_look(k))
            queue.step(days, page["timeline"]["queue"][name], where="post", **_look(k))
    use.set_ylabel(f"% of {page['timeline']['of']} in use")
    use.set_ylim(0, 103)
    queue.set_ylabel("jobs waiting")
    queue.set_xlabel("days since the first submission")
    figure.legend(loc="outside right upper", frameon=False)
    return figure
