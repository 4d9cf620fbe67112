"""Numbers and sentences of the page of measurements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Page = Mapping[str, Any]
_LARGE = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
_SMALL = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))
MOST_NODES = 6  # a radar with more lines cannot be read: then it is a heat map
_RADAR = (
    "Each axis is logarithmic between the values at its ends, outwards is better. A gap was not measured."
)
_HEAT = "Each cell is a node's figure against the median of the nodes; blue is better, red worse, white as the others."
# what is short enough for a cell; the page says it whole above the table
_BRIEF = (("are shorter than", "too short"), ("measured once", "once"))
_STOPPED = {
    "interval": "narrow enough",
    "budget": "budget ended",
    "planned": "as planned",
    "interrupted": "interrupted",
    "": "",
}


def quantity(value: float | None, unit: str) -> str:
    """Three digits with a prefix; a dash where unknown.

    >>> quantity(2.563e10, "B/s"), quantity(1.5e-7, "s"), quantity(None, "s")
    ('25.6 GB/s', '150 ns', '-')
    """
    if value is None:
        return "-"
    if value == 0:
        return f"0 {unit}"
    steps = _SMALL if unit == "s" else _LARGE
    size, prefix = next(((size, p) for size, p in steps if abs(value) >= size), steps[-1])
    return f"{value / size:.3g} {prefix}{unit}"


def view_of(page: Page) -> dict[str, Any]:
    """Rows of the tables and the sentences above them."""
    return {
        "fingerprint": _RADAR if len(page["nodes"]) <= MOST_NODES else _HEAT,
        "headlines": [_headline(page, node) for node in page["nodes"]],
        "rows": [_row(figure) for figure in page["figures"] if figure["state"] != "skipped"],
        "blanks": _blanks(page),
        "outliers": [_outlier(row) for row in page["outliers"]],
        "checks": _checks(page),
        "roofs": [_roof_rows(one) for one in page["rooflines"]],
    }


def _headline(page: Page, node: str) -> str:
    """The machine in one sentence: what it is fast at, and how many operations a byte it needs."""
    line = next(one for one in page["rooflines"] if one["node"] == node)
    memory = max((roof["value"] for roof in line["roofs"] if roof["kind"] == "memory"), default=None)
    compute = next((roof["value"] for roof in line["roofs"] if roof["kind"] == "compute"), None)
    if memory is None or compute is None:
        return f"{node}: the roofs were not measured."
    return (
        f"{node}: {quantity(memory, 'B/s')} from memory and {quantity(compute, 'FLOP/s')} in float64; "
        f"below {compute / memory:.3g} operations a byte memory is the limit."
    )


def _row(figure: Mapping[str, Any]) -> dict[str, str]:
    unit = figure["unit"]
    interval = (
        f"{quantity(figure['low'], unit)} to {quantity(figure['high'], unit)}"
        if figure["low"] is not None
        else "-"
    )
    return {
        "title": figure["title"],
        "label": figure["label"],
        "node": figure["node"],
        "value": quantity(figure["value"], unit),
        "interval": interval,
        "repeats": f"{figure['repeats']} ({_STOPPED[figure['stopped']]})"
        if figure["stopped"]
        else str(figure["repeats"]),
        "conditions": _conditions(figure),
        "share": f"{100 * figure['share']:.0f} %" if figure["share"] is not None else "-",
        "remark": "; ".join(
            text
            for text in (
                "" if figure["state"] == "measured" else figure["state"],
                figure["reason"],
                figure["note"],
            )
            if text
        ),
    }


def _conditions(figure: Mapping[str, Any]) -> str:
    if figure["is_clean"] is None:
        return next(
            (short for long, short in _BRIEF if long in figure["conditions_reason"]),
            figure["conditions_reason"],
        )
    if figure["is_clean"]:
        return "quiet"
    steal = figure["steal"]
    told = f"others used {figure['foreign_cores']:.2f} cores"
    return f"{told}, steal {100 * steal:.1f} %" if steal and steal >= 5e-4 else told


def _blanks(page: Page) -> list[dict[str, str]]:
    """What is missing, grouped by its reason."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for figure in page["figures"]:
        if figure["state"] == "skipped":
            groups.setdefault((figure["node"], figure["label"], figure["reason"]), []).append(figure["title"])
    return [
        {"node": node, "label": label, "reason": reason, "titles": ", ".join(titles)}
        for (node, label, reason), titles in groups.items()
    ]


def _outlier(row: Mapping[str, Any]) -> dict[str, str]:
    return {
        "node": row["node"],
        "metric": row["metric"],
        "label": row["label"],
        "value": quantity(row["value"], row["unit"]),
        "median": quantity(row["median"], row["unit"]),
        "ratio": f"{row['ratio']:.2f} times the median",
        "how": "worse" if row["is_worse"] else "better",
    }


def _checks(page: Page) -> list[dict[str, str]]:
    """Each check of each task once."""
    rows: dict[tuple[str, str, str], dict[str, str]] = {}
    for figure in page["figures"]:
        for check in figure["checks"]:
            key = (figure["node"], f"{figure['benchmark']}, {figure['label']}", check["name"])
            rows[key] = {
                "node": key[0],
                "task": key[1],
                "name": key[2],
                "value": f"{check['value']:.3g}",
                "must": f"{check['must']} {check['limit']:.6g}",
                "passed": "passed" if check["passed"] else "FAILED",
            }
    return list(rows.values())


def _roof_rows(line: Mapping[str, Any]) -> dict[str, Any]:
    """The roofline as a table: what a point reaches of the roof above it."""
    memory = max((roof["value"] for roof in line["roofs"] if roof["kind"] == "memory"), default=None)
    computes = {roof["metric"]: roof["value"] for roof in line["roofs"] if roof["kind"] == "compute"}
    rows = []
    for point in line["points"]:
        compute = computes.get(point["roof"])
        roofs = [limit for limit in (memory and memory * point["intensity"], compute) if limit]
        share = f"{100 * point['rate'] / min(roofs):.0f} %" if roofs else "-"
        rows.append(
            {
                "label": point["label"],
                "intensity": f"{point['intensity']:.3g}",
                "rate": quantity(point["rate"], "FLOP/s"),
                "share": share,
                "from": point["from"],
            }
        )
    return {"node": line["node"], "rows": rows}
