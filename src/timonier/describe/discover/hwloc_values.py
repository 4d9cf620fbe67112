"""What stands in the attributes of hwloc's XML, as numbers, sets and words."""

from __future__ import annotations

import re

from timonier.describe.discover.sets import parse_mask
from timonier.describe.discover.xml import Element

_OSDEV_2 = ("storage", "gpu", "network", "openfabrics", "dma", "coproc", "memory")
_OSDEV_3 = ("storage", "memory", "gpu", "coproc", "network", "openfabrics", "dma")  # bits
_MIB = 1 << 20


def bandwidths(root: Element) -> dict[str, int]:
    """Bytes per second of each memory domain, by gp_index: the best that any processor gets."""
    best: dict[str, int] = {}
    for attribute in root.findall("memattr"):
        if attribute.get("name") != "Bandwidth":
            continue
        for value in attribute.findall("memattr_value"):
            index, speed = value.get("target_obj_gp_index", ""), whole(value.get("value", "")) or 0
            best[index] = max(best.get(index, 0), speed * _MIB)
    return best


def slot(element: Element) -> int | None:
    """pci_link_speed is in GB/s, 0 where the system does not tell."""
    try:
        speed = float(element.get("pci_link_speed", "0") or 0)
    except ValueError:
        speed = 0.0
    return round(speed * 1e9) if 0 < speed < 1e5 else None


def kinds_of(text: str, version: int) -> tuple[str, ...]:
    """The kinds of an OSDev; numbers up to version 2, bits since version 3."""
    number = whole(text)
    if number is None:
        return ()
    if version >= 3:
        return tuple(kind for bit, kind in enumerate(_OSDEV_3) if number >> bit & 1)
    return _OSDEV_2[number : number + 1]


def major_version(root: Element) -> int:
    """The version of the format; 1 did not write it."""
    match = re.match(r"\d{1,3}", root.get("version", "1"))
    return int(match.group()) if match else 1


def mask_of(element: Element, name: str, default: int) -> int:
    """A set of processors or memory domains; the default where it is not there."""
    text = element.get(name)
    return default if not text else parse_mask(text)


def infos_of(element: Element) -> dict[str, str]:
    """Names and values of its info elements."""
    return {info.get("name", ""): info.get("value", "") for info in element.findall("info")}


def whole(text: str) -> int | None:
    """A whole number that is no larger than any machine; None where it is none."""
    return int(text) if re.fullmatch(r"\d{1,17}", text.strip()) else None


def kib(text: str) -> int:
    """`11796032KiB`; older versions leave the unit out."""
    match = re.fullmatch(r"(\d{1,15})\s*(?:KiB|kB)?", text.strip())
    return int(match.group(1)) * 1024 if match else 0
