"""Pod lists of Alibaba's openb trace (cluster-trace-gpu-v2023).

Source: Weng et al., "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation
Gradient Descent", USENIX ATC 2023; alibaba/clusterdata.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from timonier.kit.errors import InputError
from timonier.workload.arrow import pa_csv, pc
from timonier.workload.jobs import Jobs
from timonier.workload.metadata import Metadata
from timonier.workload.read.table import table_to_jobs
from timonier.workload.read.text import read_text_bytes

# The columns by which a pod list is recognised; the timed ones are needed to simulate it.
HEADER = ("name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli")
_TIMES = ("creation_time", "deletion_time", "scheduled_time")
_TEXTS = ("name", "gpu_spec", "qos", "pod_phase")


def read_openb(path: str | Path) -> Jobs:
    """A pod is one task; run time = deletion - scheduled.

    A pod that was never scheduled has no run time and is dropped as "never started"; one still there at
    the end of the trace carries the trace's end as its deletion.  `gpus` is num_gpu, or gpu_milli / 1000
    when less than one whole GPU is asked for.  qos and pod_phase are kept as columns.
    """
    return parse_openb(read_text_bytes(path), str(path))


def parse_openb(data: bytes, source: str) -> Jobs:
    """The same from bytes already in memory."""
    pods = _pods(data, source)
    started = pc.and_(pc.is_valid(pods.column("scheduled_time")), pc.is_valid(pods.column("deletion_time")))
    never = len(pods) - (pc.sum(started).as_py() or 0)
    pods = pods.filter(started)
    table = pa.table(
        {
            "job_id": pods.column("name"),
            "submit_s": pods.column("creation_time"),
            "runtime_s": pc.subtract(pods.column("deletion_time"), pods.column("scheduled_time")),
            "cores": _numbers(pods, "cpu_milli") / 1000.0,
            "memory_bytes": _numbers(pods, "memory_mib") * 2**20,
            "gpus": _gpus(pods),
            "gpu_types": pods.column("gpu_spec"),
            "qos": pods.column("qos"),
            "pod_phase": pods.column("pod_phase"),
        }
    )
    jobs = table_to_jobs(table, source, Metadata(), None)
    jobs.cleaning.dropped["never started"] = never
    return jobs


def _gpus(pods: pa.Table) -> Any:
    """GPUs a pod: whole ones, or one share below 1."""
    return _numbers(pods, "num_gpu") * _numbers(pods, "gpu_milli") / 1000.0


def _numbers(pods: pa.Table, name: str) -> Any:
    return np.asarray(pc.fill_null(pods.column(name), 0).to_numpy())


def _pods(data: bytes, source: str) -> pa.Table:
    kinds: dict[str, pa.DataType] = {name: pa.string() for name in _TEXTS}
    kinds |= {name: pa.int64() for name in (*HEADER[1:], *_TIMES)}
    options = pa_csv.ConvertOptions(column_types=kinds, null_values=[""], strings_can_be_null=True)
    try:
        pods: pa.Table = pa_csv.read_csv(pa.BufferReader(data), convert_options=options)
    except pa.ArrowInvalid as error:
        said = str(error).splitlines()[0][:200]
        raise InputError(f"not an openb pod list: {said}", where=source, fix="download it again") from error
    missing = [name for name in (*_TEXTS, *_TIMES) if name not in pods.column_names]
    if missing:
        raise InputError(
            f"this pod list has no {', '.join(missing)}",
            where=source,
            fix="take one with times, such as openb_pod_list_default.csv",
        )
    return pods
