"""Microsoft's Philly trace, as published with Sia: timestamp, duration, num_gpus, gpu_time, cluster.

Source: Jeon et al., "Analysis of Large-Scale Multi-Tenant GPU Clusters for DNN Training Workloads",
USENIX ATC 2019; file philly.csv of siasosp23/artifacts.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from timonier.kit.errors import InputError
from timonier.workload.arrow import pa_csv, pc
from timonier.workload.epoch import iso_utc
from timonier.workload.jobs import Jobs
from timonier.workload.metadata import Metadata
from timonier.workload.read.table import table_to_jobs
from timonier.workload.read.text import read_text_bytes

HEADER = ("timestamp", "duration", "num_gpus", "gpu_time", "cluster")


def read_philly(path: str | Path) -> Jobs:
    """A job of N GPUs is N tasks of one core and one GPU each; rows sorted by (submit, line).

    The job_id is the row in the file, from 1.  Time zero is the first submission; the epoch takes the
    timestamps, which carry no zone, for UTC.  The virtual cluster is both queue and account.
    """
    return parse_philly(read_text_bytes(path), str(path))


def parse_philly(data: bytes, source: str) -> Jobs:
    """The same from bytes already in memory."""
    cells = _cells(data, source)
    stamp = np.asarray(cells.column("timestamp").cast(pa.int64()).to_numpy())
    gpus = np.asarray(cells.column("num_gpus").to_numpy())
    first = int(stamp.min()) if len(stamp) else 0
    rows = np.argsort(stamp, kind="stable")
    rows = rows[gpus[rows] > 0]
    table = pa.table(
        {
            "job_id": pa.array(rows + 1).cast(pa.string()),
            "submit_s": stamp[rows] - first,
            "runtime_s": cells.column("duration").take(rows),
            "tasks": gpus[rows],
            "gpus": np.ones(len(rows), dtype=np.int64),
            "account": cells.column("cluster").take(rows),
            "queue": cells.column("cluster").take(rows),
        }
    )
    jobs = table_to_jobs(table, source, Metadata(epoch=iso_utc(first)), None)
    jobs.cleaning.dropped["no size"] = len(stamp) - len(rows)
    return jobs


def _cells(data: bytes, source: str) -> pa.Table:
    kinds = [pa.timestamp("s"), pa.float64(), pa.int64(), pa.float64(), pa.string()]
    options = pa_csv.ConvertOptions(column_types=dict(zip(HEADER, kinds, strict=True)), null_values=[])
    try:
        cells: pa.Table = pa_csv.read_csv(pa.BufferReader(data), convert_options=options)
    except pa.ArrowInvalid as error:
        said = str(error).splitlines()[0][:200]
        fix = "columns: timestamp (2017-10-09 07:01:55), duration (s), num_gpus, gpu_time, cluster"
        raise InputError(f"not a Philly trace: {said}", where=source, fix=fix) from error
    missing = [name for name in HEADER if name not in cells.column_names]
    if missing or any(pc.any(pc.is_null(cells.column(name))).as_py() for name in HEADER):
        raise InputError(
            "the Philly trace has missing columns or cells", where=source, fix="download it again"
        )
    return cells
