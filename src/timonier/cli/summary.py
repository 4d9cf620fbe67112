"""What `simulate` says of a run: counts, load, metrics, and what was dropped or assumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from timonier.compare import score
from timonier.compare.load import node_loads, offered_load, waited_share
from timonier.compare.nodes import node_run_of, score_nodes
from timonier.simulate import Run
from timonier.workload.arrow import pc


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
        "currency": run.machine.prices.currency,
        "jobs": {"in all": len(run.jobs)} | {c["values"]: c["counts"] for c in counts},
        "dropped": run.jobs.cleaning.dropped,
        "noted": run.jobs.cleaning.noted,
        "assumed": run.assumed,
        "load": {
            "offered_load": offered_load(run.jobs, run.table, run.machine.total_cores),
            **{
                f"offered_load_{name}": load
                for name, load in node_loads(run.jobs, run.table, run.machine).items()
                if name != "cores"  # that is the one above, in whole processors
            },
            "waited_share": waited_share(run.table),
            "longest_queue": run.longest_queue,
        },
        "metrics": score(run.table, run.machine.total_cores, warmup, run.jobs.texts("user")) | _on_nodes(run),
    }


def _on_nodes(run: Run) -> dict[str, float | None]:
    """The metrics that only a machine with nodes has."""
    found = None if run.machine.is_counted else node_run_of(run)
    return {} if found is None else score_nodes(found)
