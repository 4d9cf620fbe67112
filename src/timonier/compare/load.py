"""Does a workload load the machine?  What is asked before any ranking."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from timonier.compare.copies import finite_work
from timonier.describe import Machine
from timonier.workload import Jobs
from timonier.workload.arrow import pc
from timonier.workload.demand import loads_on


def offered_load(jobs: Jobs, table: pa.Table, processors: int) -> float | None:
    """sum(size x run time) / (processors x (last submit - first submit)), of the jobs that can run.

    table: the run table of the jobs, row by row.  None where the jobs come at one instant, or nothing is counted.
    """
    submit = np.asarray(table.column("submit_s"))
    span = int(np.ptp(submit)) if len(submit) else 0
    if span == 0 or processors == 0:
        return None
    runs = np.asarray(pc.not_equal(table.column("state").cast(pa.string()), "unrunnable"))
    return float(finite_work(jobs)[runs].sum()) / (processors * span)


def node_loads(jobs: Jobs, table: pa.Table, machine: Machine) -> dict[str, float]:
    """The offered load of each resource of a machine with nodes, of the jobs that can run, as in `loads_on`."""
    return loads_on(
        jobs, machine, np.asarray(pc.not_equal(table.column("state").cast(pa.string()), "unrunnable"))
    )


def waited_share(table: pa.Table) -> float | None:
    """The share of the started jobs that waited; None where none started."""
    wait_s = table.column("wait_s").drop_null()
    return float(np.count_nonzero(np.asarray(wait_s))) / len(wait_s) if len(wait_s) else None
