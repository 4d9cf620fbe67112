"""What a workload asks of a machine with nodes: the offered load of its cores, memory and GPUs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from timonier.describe import Machine, mig_geometry
from timonier.workload.arrow import pc
from timonier.workload.jobs import Jobs
from timonier.workload.make.load import offered_load

RESOURCES = {"cores": "cores", "memory": "memory", "gpus": "GPUs"}  # and as people write them

Floats = NDArray[np.float64]


def loads_on(jobs: Jobs, machine: Machine, runs: NDArray[np.bool_] | None = None) -> dict[str, float]:
    """Resource -> asked for x run time / (what the machine has x span); without those that it has or jobs ask none of.

    runs: bool[J], the jobs that count; None for all.  The span is that of all submissions.
    A slice is its compute slices of the first of the machine's GPUs that can be cut like this; jobs that never end
    count nothing.  Empty on a counted machine, and where all come at one instant.
    """
    if machine.is_counted:
        return {}
    submit = jobs.numbers("submit_s", 0)
    runtime = jobs.numbers("runtime_s", 0).astype(np.float64)
    seconds = np.where(np.isfinite(runtime), runtime, 0.0) * jobs.numbers("tasks", 1)
    seconds = seconds if runs is None else seconds * runs
    have = {
        "cores": sum(len(group.names) * group.core_thousandths for group in machine.nodes) / 1000,
        "memory": sum(len(group.names) * group.memory_bytes for group in machine.nodes),
        "gpus": machine.total_gpus,
    }
    asked = {
        "cores": jobs.numbers("cores", 1.0),
        "memory": jobs.numbers("memory_bytes", 0),
        "gpus": _gpus(jobs, machine),
    }
    found: dict[str, float] = {}
    for name, each in asked.items():
        if have[name] and each.any():
            load = offered_load(submit, seconds * each, have[name])
            if load is not None:
                found[name] = load
    return found


def _gpus(jobs: Jobs, machine: Machine) -> Floats:
    """GPUs per task, slices as parts of one: float64[J]."""
    gpus = jobs.numbers("gpus", 0.0).astype(np.float64)
    profiles = jobs.texts("mig")
    for name in pc.unique(profiles.drop_null()).to_pylist():
        mine = np.asarray(pc.fill_null(pc.equal(profiles, name), False))
        gpus[mine] = np.maximum(gpus[mine], 1.0) * _part(machine, name.strip().lower())
    return gpus


def _part(machine: Machine, profile: str) -> float:
    """The part of a GPU that such a slice is; 0 where no GPU can be cut like this."""
    for kind in (gpus for group in machine.nodes for gpus in group.gpus if gpus.sharing == "mig"):
        geometry = mig_geometry(kind.type)
        if geometry is not None and profile in geometry.profiles:
            return geometry.profiles[profile].compute_slices / geometry.compute_slices
    return 0.0
