"""The device catalogue: types of processors and GPUs with what their makers say of them (`catalogue.csv`).

A figure that a maker does not give is blank.  Peak rates are of dense arithmetic, without sparsity.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from timonier.kit.errors import InputError, nearest


@dataclass(frozen=True, slots=True)
class DeviceType:
    """One row.  says: how the device names itself; pci: vendor:device; gfx: AMD's architecture/compute units.

    Of a processor: cores, threads, channels of memory, all of one socket.  Rates in operations per second, memory in
    bytes, power in watts (TDP or board power).  links: GPU links, with link_bytes_per_s of each in one direction.
    flops_per_cycle: double-precision operations that a core ends in one cycle; peaks of processors follow from it.
    source: where the figures stand; peak_source: where the rates stand, if elsewhere.
    """

    name: str
    kind: str
    maker: str
    year: int | None
    says: tuple[str, ...]
    pci: tuple[str, ...]
    gfx: str
    architecture: str
    cores: int | None
    threads: int | None
    base_hz: float | None
    boost_hz: float | None
    flops_per_cycle: int | None
    l3_bytes: int | None
    memory_bytes: int | None
    memory_kind: str
    channels: int | None
    transfers_per_s: float | None
    memory_bytes_per_s: float | None
    fp64: float | None
    fp64_matrix: float | None
    fp32: float | None
    tf32_matrix: float | None
    bf16_matrix: float | None
    fp16_matrix: float | None
    fp8_matrix: float | None
    int8_matrix: float | None
    power_w: float | None
    sockets: int | None
    links: int | None
    link_kind: str
    link_bytes_per_s: float | None
    pcie: str
    mig_slices: int | None
    source: str
    peak_source: str

    @property
    def bandwidth_bytes_per_s(self) -> float | None:
        """Of all its memory: as its maker says, else channels x transfers x 8 bytes."""
        if self.memory_bytes_per_s is not None or self.channels is None or self.transfers_per_s is None:
            return self.memory_bytes_per_s
        return self.channels * self.transfers_per_s * 8

    @property
    def peak_fp64(self) -> float | None:
        """Double-precision peak: as its maker says, else cores x base clock x operations per cycle."""
        known = (self.cores, self.base_hz, self.flops_per_cycle)
        if self.fp64 is not None or self.kind != "cpu" or None in known:
            return self.fp64
        return (self.cores or 0) * (self.base_hz or 0.0) * (self.flops_per_cycle or 0)


# suffix of a column in the file -> what one of its unit is
_SCALES = {
    "_ghz": 1e9, "_mt_s": 1e6, "_gb_s": 1e9, "_tflops": 1e12, "_tops": 1e12, "_gib": 2**30, "_mib": 2**20,
    "_w": 1.0,
}  # fmt: skip
# field -> column
_COLUMNS = {
    "base_hz": "base_ghz", "boost_hz": "boost_ghz", "l3_bytes": "l3_mib", "memory_bytes": "memory_gib",
    "transfers_per_s": "memory_mt_s", "memory_bytes_per_s": "memory_gb_s", "fp64": "fp64_tflops",
    "fp64_matrix": "fp64_matrix_tflops", "fp32": "fp32_tflops", "tf32_matrix": "tf32_matrix_tflops",
    "bf16_matrix": "bf16_matrix_tflops", "fp16_matrix": "fp16_matrix_tflops", "fp8_matrix": "fp8_matrix_tflops",
    "int8_matrix": "int8_matrix_tops", "power_w": "power_w", "link_bytes_per_s": "link_gb_s",
}  # fmt: skip
_WORDS = ("says", "pci")
_NUMBERS = ("year", "cores", "threads", "flops_per_cycle", "channels", "sockets", "links", "mig_slices")
_NOISE = re.compile(
    r"\((?:r|tm)\)|\b(?:nvidia|tesla|geforce|quadro|amd|intel|radeon|instinct|cpu|processor|graphics|device)\b"
    r"|\b\w+-cores?\b|\bwith radeon.*|@.*$"
)


@cache
def known_types() -> Mapping[str, DeviceType]:
    """Every type by its name, in the order of the file."""
    text = Path(__file__).with_name("catalogue.csv").read_text("utf-8")
    return {row["name"]: _type(row) for row in csv.DictReader(text.splitlines())}


def find_type(name: str) -> DeviceType:
    """The type of that name, compared without case.  Raises InputError that offers the nearest one."""
    known = known_types()
    found = known.get(name.strip().lower()) or known.get(_recognise(name, "cpu") or _recognise(name, "gpu"))
    if found is None:
        word = name.strip().lower()
        inside = [one for one in known if word and word in one]
        offer = (
            f"did you mean one of {', '.join(inside)}?"
            if inside
            else nearest(word, known).split(" (known")[0]
        )
        fix = offer if offer.startswith("did") else "see them all: timonier describe catalogue"
        raise InputError(f"the catalogue has no {name!r}", where="describe catalogue", fix=fix)
    return found


def recognise_cpu(text: str) -> str:
    """The catalogue's name of a processor from what it calls itself; "" where that is not certain.

    >>> recognise_cpu("AMD EPYC 7763 64-Core Processor")
    'epyc-7763'
    """
    return _recognise(text, "cpu")


def recognise_gpu(text: str) -> str:
    """The catalogue's name of a GPU from what NVML, ROCm or lspci calls it; "" where that is not certain.

    >>> recognise_gpu("NVIDIA A100-SXM4-40GB")
    'a100-40gb'
    """
    return _recognise(text, "gpu")


def device_by_pci(vendor: int | None, device: int | None) -> str:
    """The catalogue's name of a PCI device; "" where there is none or more than one."""
    if vendor is None or device is None:
        return ""
    return _only(one.name for one in known_types().values() if f"{vendor:04x}:{device:04x}" in one.pci)


def gpu_by_gfx(gfx: str, units: int | None) -> str:
    """AMD's GPU of an architecture (90a, 942; RCCL also writes 910, 940) and its compute units, if only one is."""
    known = {"910": "90a", "940": "942"}.get(gfx, gfx)
    return _only(one.name for one in known_types().values() if one.gfx and one.gfx == f"{known}/{units}")


def _recognise(text: str, kind: str) -> str:
    words = _plain(text)
    return _recognised().get((kind, words), "") if words else ""


@cache
def _recognised() -> dict[tuple[str, str], str]:
    table = {}
    for one in known_types().values():
        for name in (one.name, *one.says):
            table[one.kind, _plain(name)] = one.name
    return table


def _plain(text: str) -> str:
    """Without makers, marks and clock rates: `Intel(R) Xeon(R) Gold 6140 CPU @ 2.30GHz` is xeon-gold-6140."""
    return "-".join(re.split(r"[\s_-]+", _NOISE.sub(" ", text.lower()).strip()))


def _only(names: object) -> str:
    found = list(names)  # type: ignore[call-overload]
    return found[0] if len(found) == 1 else ""


def _type(row: Mapping[str, str]) -> DeviceType:
    values: dict[str, object] = {}
    for field in fields(DeviceType):
        cell = row[_COLUMNS.get(field.name, field.name)].strip()
        if field.name in _WORDS:
            values[field.name] = tuple(cell.split("|")) if cell else ()
        elif field.name in _NUMBERS:
            values[field.name] = int(cell) if cell else None
        elif field.name in _COLUMNS:
            values[field.name] = _scaled(cell, _COLUMNS[field.name]) if cell else None
        else:
            values[field.name] = cell
    return DeviceType(**values)  # type: ignore[arg-type]


def _scaled(cell: str, column: str) -> float:
    scale = next(scale for suffix, scale in _SCALES.items() if column.endswith(suffix))
    value = float(cell) * scale
    return round(value) if value == round(value) else value
