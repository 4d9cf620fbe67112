"""Where the topologies of real machines are, and what the tests say where they are not."""

from __future__ import annotations

from pathlib import Path

import pytest

TRACES = Path(__file__).parents[3] / "shared" / "traces"


def files(folder, *patterns):
    """Every file of a collection as a parameter; one skipped test where it is not on this machine."""
    found = sorted(path for pattern in patterns for path in (TRACES / folder).rglob(pattern))
    if not found:
        return [pytest.param(None, id=folder, marks=pytest.mark.skip(reason=f"no {folder} on this machine"))]
    return [pytest.param(path, id=path.name) for path in found]


def counts(machine):
    """What a description read, in the words of the issue."""
    inside = machine.topology
    return {
        "packages": sum(package.kind == "package" for package in inside.packages),
        "dies": sum(package.dies or 0 for package in inside.packages),
        "numa": len(inside.memories),
        "cores": sum(package.cores or 0 for package in inside.packages),
        "threads": sum(package.threads or 0 for package in inside.packages),
        "gpus": len(inside.devices_of("gpu")),
        "links": len(inside.links),
    }
