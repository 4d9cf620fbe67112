"""What the report says of machines with nodes: use, what was too much or too little, by type, by user, the bill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from timonier.publish.report.words import duration, number, percent

Page = Mapping[str, Any]


def nodes_view(page: Page) -> dict[str, Any]:
    """The texts of the section on nodes; empty lists on a counted machine."""
    nodes: Mapping[str, Any] = page.get("nodes", {})
    first = next(iter(nodes), None)
    return {
        "nodes": list(nodes),
        "nodes_have_gpus": any(found["types"] for found in nodes.values()),
        "node_resources": [
            {"profile": name, "cells": _resource(row)}
            for name, found in nodes.items()
            for row in found["resources"]
            if row["utilisation"] is not None
        ],
        "over_and_under": [
            f"{name}: {text}" for name, found in nodes.items() if (text := over_and_under(found))
        ],
        "node_types": [
            {"profile": name, "cells": _type(row)} for name, found in nodes.items() for row in found["types"]
        ],
        "node_users": [] if first is None else _users(nodes, first),
        "node_users_of": first,
        "node_bills": [_bill(name, found["bill"]) for name, found in nodes.items()],
    }


def over_and_under(found: Mapping[str, Any]) -> str:
    """Which resource is under-dimensioned and which one lies idle for want of it, in a sentence.

    >>> rows = [{"resource": "cores", "stranded": 0.0, "short_first": 0.9}]
    >>> rows += [{"resource": "gpus", "stranded": 0.2, "short_first": 0.1}]
    >>> over_and_under({"resources": rows})
    'cores run out first (on 90 % of the nodes with something stranded), while 20 % of the GPUs lie idle beside them.'
    """
    rows = [row for row in found["resources"] if row["short_first"] is not None]
    if not rows:
        return ""
    short = max(rows, key=lambda row: row["short_first"])
    others = [row for row in found["resources"] if row is not short and (row["stranded"] or 0) >= 0.005]
    if not others:
        return ""
    idle = max(others, key=lambda row: row["stranded"])
    return (
        f"{_word(short['resource'])} run out first (on {percent(short['short_first'])} of the nodes with something "
        f"stranded), while {percent(idle['stranded'])} of the {_word(idle['resource'])} lie idle beside them."
    )


def _word(resource: str) -> str:
    return {"gpus": "GPUs"}.get(resource, resource)


def _share(value: float | None) -> str:
    return "-" if value is None else percent(value)


def _resource(row: Mapping[str, Any]) -> list[str]:
    return [
        _word(row["resource"]),
        _share(row["utilisation"]),
        number(row["allocated_over_asked"]),
        _share(row["stranded"]),
        _share(row["short_first"]),
    ]


def _type(row: Mapping[str, Any]) -> list[str]:
    return [
        row["type"],
        f"{row['gpus']:,}",
        _share(row["utilisation"]),
        number(row["gpu_hours"]),
        _share(row["fragmentation"]),
    ]


def _users(nodes: Mapping[str, Any], first: str) -> list[dict[str, Any]]:
    """The users with most GPU hours under the first scheduler; `-` where another one has them among the others."""
    waits = {
        name: {row["user"]: row["wait_mean_s"] for row in found["users"]} for name, found in nodes.items()
    }
    rows = []
    for row in nodes[first]["users"]:
        cells = [f"{row['jobs']:,}", number(row["gpu_hours"]), number(row["core_hours"])]
        for name in nodes:
            wait = waits[name].get(row["user"])
            cells.append("-" if wait is None else duration(wait))
        rows.append({"user": row["user"], "cells": cells})
    return rows


def _bill(name: str, bill: Mapping[str, Any]) -> dict[str, Any]:
    energy = "-" if bill["energy_kwh"] is None else f"{number(bill['energy_kwh'])} kWh"
    idle = "-" if bill["idle_kwh"] is None else f"{number(bill['idle_kwh'])} kWh"
    cost = "-" if bill["cost"] is None else f"{number(bill['cost'])} {bill['currency']}"
    why = "; ".join(f"{metric}: {reason}" for metric, reason in bill["why"].items())
    return {"profile": name, "cells": [energy, idle, cost], "why": why or "-"}
