"""The front as text: a line a profile."""

from __future__ import annotations

import math
from typing import Any

from timonier.cli.show import number, pairs

RESOURCES = {"memory": "memory", "gpus": "GPUs"}


def front_table(value: dict[str, Any]) -> str:
    """A table, a line a profile, those on the front marked with a star."""
    objectives = [key for key, cell in value["profiles"][0].items() if isinstance(cell, dict)]
    money = {"cost": f"cost, {value['currency']}"} if value["currency"] else {}
    head = ["", "profile", "on the front", "waited", "longest queue", *(money.get(o, o) for o in objectives)]
    body = [
        [
            "*" if row["on_front"] else "",
            row["profile"],
            "-" if math.isnan(row["probability"]) else f"{row['probability']:.0%}",
            "-" if row["waited_share"] is None else f"{row['waited_share']:.1%}",
            number(row["longest_queue"]),
            *(_interval(row[name]) for name in objectives),
        ]
        for row in value["profiles"]
    ]
    widths = [max(len(line[c]) for line in [head, *body]) for c in range(len(head))]
    over = ", ".join(value["objectives"])
    load = "unknown" if value["offered_load"] is None else f"{value['offered_load']:.3g}"
    of = " of cores" if value["offered_load_of"] == "cores" else ""
    others = "".join(
        f", of {RESOURCES[name]} {other:.3g}"
        for name, other in value["offered_loads"].items()
        if name != "cores"
    )
    title = f"{value['workload']} on {value['machine']}: offered load{of} {load}{others}"
    title += f"; {value['repeats']} repeats"
    lines = [f"{title}; * = on the front of {over}; mean [95 % interval]"]
    for line in [head, *body]:
        cells = [
            cell.ljust(width) if c < 2 else cell.rjust(width)
            for c, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    left = [
        f"{row['profile']} {row['dropped_jobs']:,.0f}" for row in value["profiles"] if row["dropped_jobs"]
    ]
    if left:
        lines.append(f"jobs turned away, which count in no wait, mean of the repeats: {', '.join(left)}")
    if value["unranked"]:
        lines += ["not ranked:", pairs(list(value["unranked"].items()))]
    if value["dropped"]:
        lines += ["dropped:", pairs([(fact, number(rows)) for fact, rows in value["dropped"].items()])]
    return "\n".join(lines)


def _interval(cell: dict[str, float]) -> str:
    """Mean [low, high], with as many digits as people read."""
    mean, low, high = (_short(cell[key]) for key in ("mean", "low", "high"))
    return mean if low == "-" else f"{mean} [{low}, {high}]"


def _short(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
