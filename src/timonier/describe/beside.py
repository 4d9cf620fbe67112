"""What was measured on a machine beside what its makers say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from timonier.describe.catalogue import DeviceType, known_types
from timonier.describe.machine import Machine
from timonier.describe.table import Row

# metric -> what the catalogue says of a processor or GPU, and what that is
_PROCESSOR = {
    **dict.fromkeys(
        ("stream.copy", "stream.scale", "stream.add", "stream.triad", "hpcg.bandwidth"), "memory"
    ),
    **dict.fromkeys(("gemm.float64", "hpl.rate", "hpl_like.rate"), "fp64"),
}
_GPU = {
    "gemm.float64": "fp64_matrix", "gemm.bfloat16": "bf16_matrix", "gemm.float16": "fp16_matrix",
    "gemm.float8": "fp8_matrix", "gemm.int8": "int8_matrix", "gpu.triad": "memory",
}  # fmt: skip


_WHOLE = (
    "",
    "all cores",
)  # one core or one memory domain is no match for what makers say of a whole processor


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value in SI units, with its 95 % interval.  label: which variant; state: as the store says."""

    node: str
    name: str
    label: str
    unit: str
    value: float | None
    low: float | None = None
    high: float | None = None
    state: str = "measured"
    reason: str = ""


def measured_rows(machine: Machine, figures: Iterable[Figure]) -> list[Row]:
    """A row a figure of a node of the machine: value, interval, the catalogue's value and the share of it.

    Where the catalogue has none, `why` gives the reason; figures of other nodes are told in one last row.
    """
    names = {name for group in machine.nodes for name in group.names}
    rows, strangers = [], set[str]()
    for figure in figures:
        if figure.node not in names:
            strangers.add(figure.node)
            continue
        said, why = _said(machine, figure)
        share = figure.value / said if figure.value is not None and said else None
        rows.append(_row(figure, said, share, why))
    if strangers:
        what = f"measurements of {', '.join(sorted(strangers))}"
        rows.append({"kind": "unknown", "name": what, "why": "the machine has no such node"})
    return rows


def _row(figure: Figure, said: float | None, share: float | None, why: str) -> Row:
    return {
        "kind": "measured",
        "name": figure.name,
        "label": figure.label,
        "nodes": figure.node,
        "value": figure.value,
        "low": figure.low,
        "high": figure.high,
        "unit": figure.unit,
        "state": figure.state if not figure.reason else f"{figure.state}: {figure.reason}",
        "catalogue": said,
        "share": share,
        "why": why,
    }


def _said(machine: Machine, figure: Figure) -> tuple[float | None, str]:
    """What the catalogue says of all sockets (or of one GPU), or why it says nothing."""
    group = next(group for group in machine.nodes if figure.node in group.names)
    if "gpu" in figure.label.lower():
        types = {gpus.type.lower() for gpus in group.gpus}
        return _figure(known_types().get(types.pop()) if len(types) == 1 else None, _GPU.get(figure.name), 1)
    if figure.name not in _PROCESSOR or figure.label not in _WHOLE:
        return None, ""
    packages = [
        one for one in machine.topology.packages if figure.node in one.nodes and one.kind == "package"
    ]
    kind = known_types().get(group.cpu.lower())
    if kind is not None and not packages:
        return None, "the machine does not say how many processors the node has"
    if kind is not None and kind.cores and sum(p.cores or 0 for p in packages) < kind.cores * len(packages):
        return None, "the node has a part of its processors only (a guest, or switched off)"
    return _figure(kind, _PROCESSOR[figure.name], len(packages))


def _figure(kind: DeviceType | None, what: str | None, count: int) -> tuple[float | None, str]:
    if kind is None:
        return None, "the catalogue does not have its type"
    values = {
        "memory": kind.bandwidth_bytes_per_s, "fp64": kind.peak_fp64, "fp64_matrix": kind.fp64_matrix or kind.fp64,
        "bf16_matrix": kind.bf16_matrix, "fp16_matrix": kind.fp16_matrix, "fp8_matrix": kind.fp8_matrix,
        "int8_matrix": kind.int8_matrix,
    }  # fmt: skip
    value = values.get(what or "")
    return (None, "its maker gives none") if value is None else (value * count, "")
