"""Sizes and speeds in the few letters that fit into a picture."""

from __future__ import annotations

import re

from timonier.describe import Device, Link, Package

_MAKERS = re.compile(
    r"\((?:R|TM|r|tm)\)|\b(?:NVIDIA|Intel|AMD|Advanced Micro Devices, Inc\.|Corporation|CPU|Processor)\b|@.*|\[AMD/ATI\]"
)


def size_text(size: int | None) -> str:
    """
    >>> size_text(33 * 2**20), size_text(756 * 2**30), size_text(None)
    ('33 MiB', '756 GiB', '')
    """
    if size is None:
        return ""
    for unit, scale in (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}" if size < 1000 * scale else f"{size / scale:,.0f} {unit}"
    return f"{size / 1024:.3g} KiB"


def speed_text(speed: int | None) -> str:
    """
    >>> speed_text(31_507_692_308)
    '31.5 GB/s'
    """
    return "" if speed is None else f"{speed / 1e9:.3g} GB/s"


def network_text(speed: int | None) -> str:
    """
    >>> network_text(25 * 10**9)
    '200 Gbit/s'
    """
    return "" if speed is None else f"{speed * 8 / 1e9:.4g} Gbit/s"


def model_text(model: str) -> str:
    """A processor's or device's name without marks, makers and clock rates."""
    return " ".join(_MAKERS.sub(" ", model).split())


def slot_text(device: Device) -> str:
    """How it hangs on PCIe: `x16 31.5 GB/s`."""
    lanes = f"x{device.lanes}" if device.lanes else ""
    return " ".join(part for part in (lanes, speed_text(device.bytes_per_s)) if part)


def cores_text(package: Package) -> str:
    """`64 cores, 128 threads`, as far as it is known."""
    parts = [
        f"{count} {what}"
        for count, what in ((package.cores, "cores"), (package.threads, "threads"))
        if count is not None and (what == "cores" or count != package.cores)
    ]
    return ", ".join(parts)


def link_text(link: Link) -> str:
    """What a cell of the matrix says."""
    if link.path:
        return link.path
    return (
        str(link.count)
        if link.count
        else speed_text(link.bytes_per_s).split()[0]
        if link.bytes_per_s
        else "•"
    )
