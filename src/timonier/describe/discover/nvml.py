"""NVIDIA GPUs through NVML (nvidia-ml-py): types, memory, MIG state, links.

Source: NVML API reference guide, NVIDIA 2024.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

from timonier.describe.discover.pci import lane_bytes_per_s
from timonier.describe.topology import Device, Link

INSTALL = "pip install nvidia-ml-py"
_GENERATIONS = {1: 2.5, 2: 5.0, 3: 8.0, 4: 16.0, 5: 32.0, 6: 64.0}
_MOST_LINKS = 36
_SWITCH, _ON = 1, 1  # NVML_NVLINK_DEVICE_TYPE_SWITCH, NVML_FEATURE_ENABLED


@dataclass(frozen=True, slots=True)
class Reading:
    """What NVML says of one GPU.  None: it does not say, for the reason in `unknown`.

    links: the PCI address of the other end of every active NVLink, "switch" for an NVSwitch.
    slices: the MIG profiles that it is cut into.
    """

    name: str
    pci: str
    memory_bytes: int | None = None
    mig: str = ""
    slices: tuple[str, ...] = ()
    lanes: int | None = None
    generation: int | None = None
    links: tuple[str, ...] = ()
    unknown: dict[str, str] = field(default_factory=dict)


def read_nvml(load: Callable[[], Any] = lambda: import_module("pynvml")) -> tuple[list[Reading], str]:
    """One reading a GPU, and the reason why there are none ("" where there are)."""
    try:
        library = load()
    except ImportError:
        return [], f"NVML cannot be asked: {INSTALL}"
    try:
        library.nvmlInit()
    except library.NVMLError as error:
        return [], f"NVML does not answer: {error}"
    try:
        count = library.nvmlDeviceGetCount()
        readings = [_reading(library, library.nvmlDeviceGetHandleByIndex(index)) for index in range(count)]
    except library.NVMLError as error:
        return [], f"NVML failed: {error}"
    finally:
        library.nvmlShutdown()
    return readings, "" if readings else "NVML knows no GPU"


def gpus_of(
    readings: Sequence[Reading], nodes: tuple[str, ...]
) -> tuple[tuple[Device, ...], tuple[Link, ...]]:
    """The GPUs and their NVLinks, each pair once."""
    devices = tuple(_device(reading, f"gpu{index}", nodes) for index, reading in enumerate(readings))
    names = {reading.pci: device.name for reading, device in zip(readings, devices, strict=True)}
    links = []
    for reading in readings:
        own = names[reading.pci]
        for other, count in Counter(reading.links).items():
            end = names.get(other, "")
            if end and own < end:
                links.append(Link(nodes, (own, end), "nvlink", count))
    return devices, tuple(links)


def switched(readings: Sequence[Reading]) -> int:
    """NVLinks of each GPU that lead to an NVSwitch; 0 where they do not, or not of all alike."""
    counts = {Counter(reading.links)["switch"] for reading in readings}
    return counts.pop() if len(counts) == 1 else 0


def plain_address(address: str) -> str:
    """NVML's `00000000:3B:00.0` as Linux writes it.

    >>> plain_address("00000000:3B:00.0")
    '0000:3b:00.0'
    """
    domain, _, rest = address.lower().partition(":")
    return f"{domain[-4:].zfill(4)}:{rest}" if rest else address.lower()


def update(device: Device, own: Device) -> Device:
    """A GPU that another source found, with what NVML knows better."""
    known = {
        key: getattr(own, key)
        for key in ("model", "memory_bytes", "mig", "lanes", "bytes_per_s")
        if getattr(own, key)
    }
    return replace(device, **known)


def _device(reading: Reading, name: str, nodes: tuple[str, ...]) -> Device:
    transfers = _GENERATIONS.get(reading.generation or 0)
    speed = lane_bytes_per_s(transfers, reading.lanes) if transfers and reading.lanes else None
    return Device(
        nodes,
        name,
        "gpu",
        model=reading.name,
        pci=reading.pci,
        lanes=reading.lanes,
        bytes_per_s=speed,
        memory_bytes=reading.memory_bytes,
        mig=reading.mig,
    )


def _reading(library: Any, handle: Any) -> Reading:
    unknown: dict[str, str] = {}

    def ask(what: str, *words: Any) -> Any:
        """The answer, or None with the reason noted."""
        try:
            return getattr(library, what)(handle, *words)
        except library.NVMLError as error:
            unknown[what.removeprefix("nvmlDeviceGet")] = str(error)
        except AttributeError:  # an older NVML
            unknown[what.removeprefix("nvmlDeviceGet")] = "this NVML does not know the question"
        return None

    memory, mig = ask("nvmlDeviceGetMemoryInfo"), ask("nvmlDeviceGetMigMode")
    pci = ask("nvmlDeviceGetPciInfo")
    is_cut = mig is not None and mig[0] == _ON
    return Reading(
        name=_text(ask("nvmlDeviceGetName")),
        pci=plain_address(_text(pci.busId)) if pci is not None else "",
        memory_bytes=None if memory is None else int(memory.total),
        mig="" if mig is None else "on" if is_cut else "off",
        slices=tuple(_slices(library, handle)) if is_cut else (),
        # the widest and fastest: an idle GPU turns its slot down
        lanes=ask("nvmlDeviceGetMaxPcieLinkWidth"),
        generation=ask("nvmlDeviceGetMaxPcieLinkGeneration"),
        links=tuple(_links(library, handle)),
        unknown=unknown,
    )


def _slices(library: Any, handle: Any) -> list[str]:
    """The profiles of its MIG devices: `MIG 3g.20gb` says it in the name."""
    found = []
    for index in range(library.nvmlDeviceGetMaxMigDeviceCount(handle)):
        try:
            part = library.nvmlDeviceGetMigDeviceHandleByIndex(handle, index)
            found.append(_text(library.nvmlDeviceGetName(part)).split("MIG ")[-1].strip())
        except library.NVMLError:  # that place is empty
            continue
    return found


def _links(library: Any, handle: Any) -> list[str]:
    """The other end of every active NVLink; a GPU without any answers with an error at once."""
    ends = []
    for link in range(_MOST_LINKS):
        try:
            if library.nvmlDeviceGetNvLinkState(handle, link) != _ON:
                continue
            pci = library.nvmlDeviceGetNvLinkRemotePciInfo(handle, link)
        except library.NVMLError:
            break
        try:
            kind = library.nvmlDeviceGetNvLinkRemoteDeviceType(handle, link)
        except (library.NVMLError, AttributeError):
            kind = None
        ends.append("switch" if kind == _SWITCH else plain_address(_text(pci.busId)))
    return ends


def _text(value: Any) -> str:
    """Older versions of the binding answer in bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
