"""Devices in rows below what they hang on, switches with what hangs on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from timonier.describe import Device, Topology, compress_hostlist
from timonier.publish.picture.canvas import Canvas, fit
from timonier.publish.picture.words import model_text, network_text, size_text, slot_text

PAD, DEVICE_W = 10.0, 128.0
_DEVICE_H, _TICK = 48.0, 22.0
_MOST_LIKE = 4
_KINDS = {"gpu": "gpu", "nic": "nic", "storage": "storage", "memory": "memory", "switch": "switch",
          "nvswitch": "switch"}  # fmt: skip


def below(inside: Topology, parent: str) -> list[Device]:
    """What hangs on a package or switch."""
    return [device for device in inside.devices if device.parent == parent]


def grouped(devices: Sequence[Device]) -> list[list[Device]]:
    """Equal devices beside each other as one where they are more than a few; GPUs always by themselves."""
    groups: dict[object, list[Device]] = {}
    for device in devices:
        groups.setdefault(replace(device, name="", pci="", system="", numa=None), []).append(device)
    drawn: list[list[Device]] = []
    for group in groups.values():
        alone = len(group) <= _MOST_LIKE or group[0].kind in ("gpu", "switch")
        drawn += [[device] for device in group] if alone else [group]
    order = {"switch": 0, "gpu": 1, "nvswitch": 2, "nic": 3}
    return sorted(drawn, key=lambda group: order.get(group[0].kind, 4))


def _extent(inside: Topology, group: Sequence[Device], most: float) -> tuple[float, float]:
    """Width and height of a device, or of a switch with what hangs on it."""
    children = below(inside, group[0].name) if group[0].kind == "switch" else []
    if not children:
        return DEVICE_W, _DEVICE_H
    width, low = _flow(inside, children, most - 2 * PAD)
    return min(max(width + 2 * PAD, DEVICE_W), most), low + 26


def _flow(inside: Topology, devices: Sequence[Device], most: float) -> tuple[float, float]:
    """Width and height of rows of devices, ticks included."""
    here = low = widest = row = 0.0
    for group in grouped(devices):
        w, h = _extent(inside, group, most - PAD)
        if here and here + w > most:
            here, low, row = 0.0, low + row, 0.0
        here += w + PAD
        widest, row = max(widest, here), max(row, h + _TICK)
    return widest, low + row


def draw_devices(
    canvas: Canvas, inside: Topology, devices: Sequence[Device], at: tuple[float, float], width: float
) -> float:
    """Devices in rows below a bar each; a trunk at the left joins the bars to what is above."""
    x, y = at
    trunk, left = x + 6, x + 6 + PAD
    rows: list[tuple[float, float]] = []  # y of each bar, and its right end
    here, top, row = left, y, 0.0
    for group in grouped(devices):
        w, h = _extent(inside, group, width - 2 * PAD)
        if here > left and here + w > x + width:
            here, top, row = left, top + row, 0.0
        middle = here + min(w, DEVICE_W) / 2
        bar = top + 8
        if not rows or rows[-1][0] != bar:
            rows.append((bar, middle))
        rows[-1] = (bar, middle)
        canvas.wire((middle, bar), (middle, top + _TICK))
        label = slot_text(group[0])
        if label:
            canvas.text((middle + 4, top + _TICK - 4), fit(label, DEVICE_W / 2 + 8, 9), 9, "soft")
        _device(canvas, inside, group, (here, top + _TICK), (w, h))
        here += w + PAD
        row = max(row, h + _TICK)
    for bar, right in rows:
        canvas.wire((trunk, bar), (right, bar))
    canvas.wire((trunk, y), (trunk, rows[-1][0]))
    return top + row + 4


def _device(
    canvas: Canvas,
    inside: Topology,
    group: Sequence[Device],
    at: tuple[float, float],
    size: tuple[float, float],
) -> None:
    (x, y), (w, h) = at, size
    first = group[0]
    name = compress_hostlist([device.name for device in group])
    lines = _lines(first, len(group))
    canvas.box((x, y, w, h), _KINDS.get(first.kind, "other"), f"{name} {first.model} {first.pci}".strip())
    canvas.text((x + 7, y + 15), fit(name, w - 10, 12), 12, "bold")
    children = below(inside, first.name) if first.kind == "switch" else []
    if children:
        draw_devices(canvas, inside, children, (x + PAD / 2, y + 20), w - PAD / 2)
        return
    for number, line in enumerate(lines[:2]):
        canvas.text((x + 7, y + 29 + 13 * number), fit(line, w - 10, 10), 10)


def _lines(device: Device, count: int) -> list[str]:
    what = device.type or model_text(device.model)
    size = size_text(device.memory_bytes) or network_text(device.network_bytes_per_s)
    names = device.system if count == 1 and device.kind != "gpu" else ""
    mig = f"MIG {device.mig}" if device.mig else ""
    return [line for line in (what, " ".join(part for part in (size, mig, names) if part)) if line]
