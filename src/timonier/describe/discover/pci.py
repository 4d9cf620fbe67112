"""PCI functions, and which of them are devices that people ask for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from timonier.describe.catalogue import device_by_pci
from timonier.describe.topology import Device

NVIDIA, AMD, INTEL = 0x10DE, 0x1002, 0x8086
_MAKERS = (NVIDIA, AMD, INTEL)
_KINDS = {0x01: "storage", 0x02: "nic", 0x05: "memory"}
_GPU_CLASSES = (0x0302, 0x0380, 0x0B40, 0x1200)
_COUNTED = ("gpu", "nic", "storage", "memory", "display", "nvswitch", "accelerator")
# pictures for a server's console, years before anybody computed on them
_CONSOLE = re.compile(r"ES1000|Rage|RV100|Radeon 7000|Mobility|Matrox|ASPEED", re.IGNORECASE)
# GT/s and the bits that carry data of those on the wire.  Source: PCI-SIG, PCI Express base specification 6.0, 2022
_CODINGS = ((5.0, 0.8), (32.0, 128 / 130), (64.0, 242 / 256))


@dataclass(frozen=True, slots=True)
class Function:
    """One PCI function, or a device of the system that hangs on none (class 0).

    class_code: class and subclass, 0x0302.  is_compute: a compute library of its maker knows it.
    parent: the switch or package; network_bytes_per_s: of its port.
    """

    pci: str
    class_code: int = 0
    vendor: int | None = None
    device: int | None = None
    model: str = ""
    system: tuple[str, ...] = ()
    subtype: str = ""
    is_compute: bool = False
    parent: str = ""
    numa: int | None = None
    lanes: int | None = None
    bytes_per_s: int | None = None
    memory_bytes: int | None = None
    network_bytes_per_s: int | None = None


def kind_of(function: Function) -> str:
    """What it is to a user: gpu, nic, storage, memory, display, nvswitch, or "" for what nobody asks for."""
    code, subtype = function.class_code, function.subtype.lower()
    if subtype == "nvswitch":
        return "nvswitch"
    if code >> 8 == 0x03 or code in _GPU_CLASSES or function.is_compute:
        return "gpu" if _is_gpu(function) else "display"
    if code >> 8 in _KINDS:
        return _KINDS[code >> 8]
    if code == 0x0680 and function.vendor == NVIDIA and "nvswitch" in function.model.lower():
        return "nvswitch"
    return "accelerator" if code >> 8 == 0x12 else ""


def devices_of(functions: Iterable[Function], nodes: tuple[str, ...]) -> tuple[Device, ...]:
    """The devices that people ask for, numbered by kind in the order given."""
    numbers = dict.fromkeys(_COUNTED, 0)
    found: list[Device] = []
    for function in functions:
        kind = kind_of(function)
        if not kind:
            continue
        found.append(_device(function, kind, f"{kind}{numbers[kind]}", nodes))
        numbers[kind] += 1
    return tuple(found)


def lane_bytes_per_s(transfers: float, lanes: int) -> int:
    """Bytes per second of a PCIe link, one direction, after its coding.

    transfers: GT/s of a lane.
    >>> lane_bytes_per_s(16.0, 16), lane_bytes_per_s(5.0, 4)
    (31507692308, 2000000000)
    """
    share = next((share for most, share in _CODINGS if transfers <= most), _CODINGS[-1][1])
    return round(transfers * 1e9 * lanes * share / 8)


def parse_transfers(text: str) -> float | None:
    """`16.0 GT/s PCIe` as 16.0; None where it says nothing."""
    match = re.match(r"\s*(\d{1,4}(?:\.\d+)?)\s*GT/s", text)
    return float(match.group(1)) if match and float(match.group(1)) > 0 else None


def plausible_network(megabits: float) -> int | None:
    """Megabits per second as bytes per second; None for what no port has (0, -1, 200 Tbit/s)."""
    return round(megabits * 1e6 / 8) if 0 < megabits <= 10_000_000 else None


def renumber(devices: Sequence[Device], kind: str) -> tuple[Device, ...]:
    """The devices with those of one kind named kind0, kind1, ... again."""
    numbers = iter(range(len(devices)))
    return tuple(
        replace(device, name=f"{kind}{next(numbers)}") if device.kind == kind else device
        for device in devices
    )


def _is_gpu(function: Function) -> bool:
    if function.is_compute:
        return True
    if function.vendor is not None and function.vendor not in _MAKERS:
        return False
    if function.class_code in _GPU_CLASSES:
        return True
    return function.vendor in (NVIDIA, AMD) and not _CONSOLE.search(function.model)


def _device(function: Function, kind: str, name: str, nodes: tuple[str, ...]) -> Device:
    return Device(
        nodes,
        name,
        kind,
        type=device_by_pci(function.vendor, function.device) if kind == "gpu" else "",
        model=function.model,
        system=" ".join(function.system),
        pci=function.pci,
        parent=function.parent,
        numa=function.numa,
        lanes=function.lanes,
        bytes_per_s=function.bytes_per_s,
        memory_bytes=function.memory_bytes,
        network_bytes_per_s=function.network_bytes_per_s,
    )
