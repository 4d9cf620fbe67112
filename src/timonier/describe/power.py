"""The watts and prices of a machine as rows of a table: what energy and cost are counted with."""

from __future__ import annotations

from timonier.describe.hostlist import compress_hostlist
from timonier.describe.machine import Machine, Prices
from timonier.describe.watts import Watts, sockets_of, watts_of_gpu, watts_of_node

Row = dict[str, str | int | float | None]


def power_rows(machine: Machine) -> list[Row]:
    """Rows of kind "power": one for all nodes of equal figures, without GPUs, one a type of GPU; and one "prices", where any are known.

    idle_w, busy_w: W, of one; None: not known, and with it the energy of the machine.  watts_from: who says so.
    price: what one node cost; per_hour: its rent.  nodes: where such GPUs are.
    """
    like: dict[tuple[Watts, str, float | None, float | None], list[str]] = {}
    for group in machine.nodes:
        sockets = sockets_of(group)
        parts = f"{sockets} x {group.cpu}" if sockets else ""
        key = (watts_of_node(group), parts, group.price, group.per_hour)
        like.setdefault(key, []).extend(group.names)
    rows = [
        _row(names, watts, parts) | {"price": price, "per_hour": per_hour}
        for (watts, parts, price, per_hour), names in like.items()
    ]
    places: dict[tuple[str, Watts], list[str]] = {}
    for group in machine.nodes:
        for gpus in group.gpus:
            places.setdefault((gpus.type, watts_of_gpu(gpus)), []).extend(group.names)
    rows += [
        _row([], watts) | {"name": type_, "nodes": compress_hostlist(tuple(dict.fromkeys(names)))}
        for (type_, watts), names in places.items()
    ]
    priced = machine.prices != Prices()
    return [*rows, _prices(machine.prices)] if priced else rows


def _row(names: list[str], watts: Watts, parts: str = "") -> Row:
    return {
        "kind": "power",
        "name": compress_hostlist(names),
        "count": len(names) or None,
        "idle_w": watts.idle_w,
        "busy_w": watts.busy_w,
        "watts_from": _sources(watts, parts),
        "price": None,
        "per_hour": None,
        "nodes": "",
    }


def _sources(watts: Watts, parts: str) -> str:
    """Who says how much: one word where both figures come from one place."""
    words = {"file": "file", "catalogue": f"catalogue, {parts}" if parts else "catalogue", "": "not known"}
    idle, busy = words[watts.idle_from], words[watts.busy_from]
    return idle if idle == busy else f"idle: {idle}; busy: {busy}"


def _prices(prices: Prices) -> Row:
    """One row: the currency, a kWh, and the time in which a node's price is written off, s."""
    return {
        "kind": "prices",
        "name": prices.currency,
        "per_kwh": prices.per_kwh,
        "lifetime_s": prices.lifetime_s,
        "nodes": "",
    }
