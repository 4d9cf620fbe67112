"""What `simulate` says of a run: counts, load, metrics, and what was dropped or assumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from timonier.compare import score
from timonier.compare.nodes import node_run_of, score_nodes
from timonier.simulate import Run
from timonier.workload.arrow import pc
from timonier.workload.size import processors_per_job


def summarise(run: Run, warmup: float) -> dict[str, Any]:
    """The summary of one run, as plain values for JSON."""
    counts = pc.value_counts(run.table.column("state").cast(pa.string())).to_pylist()
    return {
        "schema": "timonier/summary/1",
        "workload": Path(run.jobs.source).name,
        "machine": run.machine.name,
        "profile": run.profile.name,
        "processors": run.machine.total_cores,
        "warmup": warmup,
        "jobs": {"in all": len(run.jobs)} | {c["values"]: c["counts"] for c in counts},
        "dropped": run.jobs.cleaning.dropped,
        "noted": run.jobs.cleaning.noted,
        "assumed": run.assumed,
        "load": load(run),
        "metrics": score(run.table, run.machine.total_cores, warmup, run.jobs.texts("user")) | _on_nodes(run),
    }


def _on_nodes(run: Run) -> dict[str, float | None]:
    """The metrics that only a machine with nodes has."""
    found = None if run.machine.is_counted else node_run_of(run)
    return {} if found is None else score_nodes(found)


def load(run: Run) -> dict[str, float | int | None]:
    """Does the workload load the machine? Offered load, share of jobs that waited, longest queue.

    Offered load = sum(size x run time) / (processors x (last submit - first submit)), of the jobs that can run.
    """
    submit = run.table.column("submit_s").to_numpy()
    span = int(submit.max() - submit.min()) if len(submit) else 0
    runtime = run.jobs.numbers("runtime_s", 0).astype(np.float64)
    runs = np.asarray(pc.not_equal(run.table.column("state").cast(pa.string()), "unrunnable"))
    counted = np.isfinite(runtime) & runs
    work = float(np.dot(runtime[counted], processors_per_job(run.jobs)[counted]))
    wait = run.table.column("wait_s").drop_null()
    waited = None if not len(wait) else float(np.count_nonzero(wait.to_numpy() > 0)) / len(wait)
    return {
        "offered_load": work / ((run.machine.total_cores) * span) if span else None,
        "waited_share": waited,
        "longest_queue": run.longest_queue,
    }
