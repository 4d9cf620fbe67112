"""Theoretical peaks from the device catalogue, and why one is blank: pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from timonier.describe.catalogue import DeviceType, known_types, recognise_cpu, recognise_gpu

_MEMORY = {"stream.copy", "stream.scale", "stream.add", "stream.triad", "hpcg.bandwidth"}
_DOUBLE = {"gemm.float64", "hpl.rate", "hpl_like.rate"}
_GPU = {
    "gemm.float64": "fp64_matrix", "gemm.bfloat16": "bf16_matrix", "gemm.float16": "fp16_matrix",
    "gemm.float8": "fp8_matrix", "gemm.int8": "int8_matrix", "gpu.triad": "bandwidth_bytes_per_s",
}  # fmt: skip
NONE = "no theoretical peak is known for this figure"


def peak_of(metric: str, processor: Mapping[str, Any], gpu: str | None) -> tuple[float | None, str]:
    """(peak in the metric's unit, why it is blank).

    processor: name as it calls itself, cores that the task used, sockets.  gpu: what a GPU calls itself, None: no GPU.

    >>> whole = {"name": "AMD EPYC 7763 64-Core Processor", "cores": 128, "sockets": 2}
    >>> peak_of("stream.triad", whole, None)
    (409600000000, '')
    >>> peak_of("stream.triad", {**whole, "cores": 1}, None)[1]
    'the task used 1 of 128 cores'
    """
    if gpu is not None:
        return _gpu(metric, gpu)
    if metric not in _MEMORY | _DOUBLE:
        return None, NONE
    kind = known_types().get(recognise_cpu(str(processor["name"])))
    if kind is None:
        return None, f"the catalogue has no processor that calls itself {processor['name']!r}"
    whole = (kind.cores or 0) * int(processor["sockets"])
    if processor["cores"] < whole:
        return None, f"the task used {processor['cores']} of {whole} cores"
    one = kind.bandwidth_bytes_per_s if metric in _MEMORY else kind.peak_fp64
    return (one * int(processor["sockets"]), "") if one else (None, "its maker gives none")


def _gpu(metric: str, name: str) -> tuple[float | None, str]:
    kind: DeviceType | None = known_types().get(recognise_gpu(name))
    if metric not in _GPU:
        return None, NONE
    if kind is None:
        return None, f"the catalogue has no GPU that calls itself {name!r}"
    value = getattr(kind, _GPU[metric]) or (kind.fp64 if metric == "gemm.float64" else None)
    return (float(value), "") if value else (None, "its maker gives none")
