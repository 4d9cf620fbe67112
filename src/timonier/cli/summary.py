"""What `simulate` says of a run: counts, load, metrics, and what was dropped or assumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from timonier.compare import score
from timonier.compare.load import offered_load, waited_share
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
        "processors": run.machine.processors,
        "warmup": warmup,
        "jobs": {"in all": len(run.jobs)} | {c["values"]: c["counts"] for c in counts},
        "dropped": run.jobs.cleaning.dropped,
        "noted": run.jobs.cleaning.noted,
        "assumed": run.assumed,
        "load": {
            "offered_load": offered_load(run.jobs, run.table, run.machine.processors or 0),
            "waited_share": waited_share(run.table),
            "longest_queue": run.longest_queue,
        },
        "metrics": score(run.table, run.machine.processors or 0, warmup, run.jobs.texts("user")),
    }
