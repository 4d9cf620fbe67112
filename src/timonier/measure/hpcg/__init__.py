"""hpcg: conjugate gradients with multigrid on a 27-point operator, by the rules of HPCG 3.1.

The plain rating recomputes every sum as the rules write it down.  The variant `reuse of partial sums` gives the same
iterates but does not read again what it has just summed; whether the rules allow that is open, so it stands apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from timonier.kit.errors import InputError
from timonier.measure.events import Report
from timonier.measure.here import Here
from timonier.measure.ranks import rank_a_core
from timonier.measure.recipe import Planned, Setup, Wanted, check_memory

SETTINGS: Mapping[str, tuple[Any, str]] = {
    "n": (None, "points of each rank along x, y and z, a multiple of 8; 64, with less than 30 s 32"),
    "nx": (None, "points along x alone"),
    "ny": (None, "points along y alone"),
    "nz": (None, "points along z alone"),
    "variant": ("both", "plain, reuse or both"),
}
_VARIANTS = {
    "plain": ("plain",),
    "reuse": ("reuse of partial sums",),
    "both": ("plain", "reuse of partial sums"),
}


def plan(here: Here, wanted: Wanted) -> list[Planned]:
    """One task a variant, on the ranks that are wanted, else on one a core where there is MPI."""
    given = wanted.settings
    n = int(given.get("n") or (64 if wanted.budget_s >= 30 else 32))
    local = {axis: int(given.get(axis, n)) for axis in ("nx", "ny", "nz")}
    variant = str(given.get("variant", "both"))
    if variant not in _VARIANTS:
        raise InputError(
            f"there is no variant {variant!r}", where="--set variant", fix="plain, reuse or both"
        )
    _check_shape(local)
    ranks = rank_a_core(wanted.ranks, len(here.cpus))
    points = local["nx"] * local["ny"] * local["nz"]
    # as problem.bytes_of, which cannot be asked without loading the kernels
    check_memory(
        max(1, ranks) * points * 8 / 7 * (27 * 12 + 26 * 12 + 64), here, "--set n=... with fewer points"
    )
    labels = _VARIANTS[variant]
    cpus = here.cpus if ranks else here.cpus[:1]
    return [Planned(label, local, ranks=ranks, cpus=cpus, share=1 / len(labels)) for label in labels]


def work(setup: Setup, report: Report) -> None:
    """See hpcg/work.py."""
    from timonier.measure.hpcg.work import work as run

    run(setup, report)


def _check_shape(local: Mapping[str, int]) -> None:
    if any(n % 8 or n < 16 for n in local.values()):
        raise InputError(
            f"{'x'.join(map(str, local.values()))} points cannot be halved three times",
            where="--set n",
            fix="multiples of 8, at least 16, such as --set n=64",
        )
    if min(local.values()) * 8 < max(local.values()):
        raise InputError(
            f"{'x'.join(map(str, local.values()))} is too flat: the rules want no side below an eighth of another",
            where="--set nx, ny, nz",
            fix="choose sides nearer to each other",
        )
