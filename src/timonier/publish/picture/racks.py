"""Many nodes in their racks, coloured by group, with switches and partitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from timonier.describe import Machine, Nodes, compress_hostlist
from timonier.publish.looks import COLOURS
from timonier.publish.picture.canvas import Canvas, fit
from timonier.publish.picture.words import network_text, size_text

_MARGIN, _RACK_W, _GAP = 20.0, 176.0, 18.0
_PER_ROW, _PER_RACK = 6, 42  # racks side by side; units of a usual rack
_TALL, _SMALL = 20.0, 7.0


@dataclass(frozen=True, slots=True)
class _Slot:
    node: str
    group: int
    switch: int | None


def draw_racks(machine: Machine) -> str:
    """Every node in its rack as SVG; nodes of no rack stand in piles of 42."""
    canvas = Canvas()
    canvas.text((_MARGIN, 34), machine.name, 20, "bold")
    gpus = f"{machine.total_gpus:,} GPUs" if machine.total_gpus else ""
    memory = sum(len(group.names) * group.memory_bytes for group in machine.nodes)
    words = [
        f"{machine.total_nodes:,} nodes",
        f"{machine.total_cores:,} cores",
        size_text(memory or None),
        gpus,
    ]
    canvas.text((_MARGIN, 56), "  ·  ".join(word for word in words if word), 13, "soft")
    y = _groups(canvas, machine, 76.0)
    y = _switches(canvas, machine, y)
    y = _partitions(canvas, machine, y) + 6
    racks = _racks(machine)
    is_small = machine.total_nodes > _PER_ROW * _PER_RACK
    step = _SMALL if is_small else _TALL
    for start in range(0, len(racks), _PER_ROW):
        low = y
        for at, (name, slots) in enumerate(racks[start : start + _PER_ROW]):
            place = (_MARGIN + at * (_RACK_W + _GAP), y)
            low = max(low, _rack(canvas, machine, (name, slots), place, step))
        y = low + _GAP
    return canvas.svg(f"The racks of {machine.name}")


def _racks(machine: Machine) -> list[tuple[str, list[_Slot]]]:
    """Name of each rack and its nodes, in the order of the machine file."""
    switches = {node: at for at, switch in enumerate(machine.switches) for node in switch.nodes}
    racks: dict[str, list[_Slot]] = {}
    for number, group in enumerate(machine.nodes):
        for node in group.names:
            racks.setdefault(group.rack, []).append(_Slot(node, number, switches.get(node)))
    loose = racks.pop("", [])
    piles = [("rack not told", loose[at : at + _PER_RACK]) for at in range(0, len(loose), _PER_RACK)]
    return [*racks.items(), *piles]


def _rack(
    canvas: Canvas, machine: Machine, rack: tuple[str, Sequence[_Slot]], at: tuple[float, float], step: float
) -> float:
    (name, slots), (x, y) = rack, at
    canvas.text((x, y + 13), fit(name, _RACK_W, 12), 12, "bold")
    height = len(slots) * step + 8
    canvas.box((x, y + 20, _RACK_W, height), "package")
    for number, slot in enumerate(slots):
        group = machine.nodes[slot.group]
        low = y + 24 + number * step
        colour = COLOURS[slot.group % len(COLOURS)]
        canvas.box((x + 10, low, _RACK_W - 14, step - 2), f"{colour}66", _title(slot.node, group), 2)
        if slot.switch is not None:
            canvas.box((x + 4, low, 4, step - 2), COLOURS[(slot.switch + 3) % len(COLOURS)], radius=1)
        if step >= _TALL:
            words = f"{slot.node}  {_gpus(group)}".strip()
            canvas.text((x + 15, low + 13), fit(words, _RACK_W - 22, 11), 11)
    return y + 20 + height


def _title(node: str, group: Nodes) -> str:
    return ", ".join(
        part
        for part in (node, f"{group.cores:g} cores", size_text(group.memory_bytes or None), _gpus(group))
        if part
    )


def _gpus(group: Nodes) -> str:
    return " + ".join(f"{gpus.count} x {gpus.type}" for gpus in group.gpus)


def _groups(canvas: Canvas, machine: Machine, y: float) -> float:
    """One line a group: what its colour means."""
    for number, group in enumerate(machine.nodes):
        canvas.box((_MARGIN, y, 14, 14), f"{COLOURS[number % len(COLOURS)]}66", radius=2)
        words = [
            f"{len(group.names):,} x {fit(compress_hostlist(group.names), 260, 12)}",
            group.cpu,
            f"{group.cores:g} cores",
            size_text(group.memory_bytes or None),
            _gpus(group),
        ]
        canvas.text((_MARGIN + 22, y + 12), "  ·  ".join(word for word in words if word), 12)
        y += 20
    return y + 4


def _switches(canvas: Canvas, machine: Machine, y: float) -> float:
    for number, switch in enumerate(machine.switches[:12]):
        canvas.box((_MARGIN + 5, y, 4, 14), COLOURS[(number + 3) % len(COLOURS)], radius=1)
        speed = network_text(switch.speed_bytes_per_s)
        words = ["switch " + switch.name, f"{len(switch.nodes):,} nodes", f"{speed} each" if speed else ""]
        canvas.text((_MARGIN + 22, y + 12), "  ·  ".join(word for word in words if word), 12)
        y += 18
    if len(machine.switches) > 12:
        canvas.text((_MARGIN + 22, y + 12), f"and {len(machine.switches) - 12} more switches", 12, "soft")
        y += 18
    return y + 2


def _partitions(canvas: Canvas, machine: Machine, y: float) -> float:
    if not machine.partitions:
        return y
    words = ", ".join(f"{part.name} ({len(part.nodes):,})" for part in machine.partitions)
    canvas.text((_MARGIN + 22, y + 12), fit(f"partitions: {words}", 1100, 12), 12, "soft")
    return y + 20
