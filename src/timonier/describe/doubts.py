"""What of a machine file may be meant otherwise, though it can be simulated as it is."""

from __future__ import annotations

import difflib

from timonier.describe.devices import device, known_devices, memory_of
from timonier.describe.machine import Gpus, Machine
from timonier.describe.watts import watts_of_gpu

MOST_GPUS = 72  # of one node that is sold (a rack of NVLink counted as one); more may stand for a pool
_ALIKE = 0.8  # of difflib's ratio: a letter or two apart


def unknown_types(machine: Machine) -> dict[str, str]:
    """GPU type -> what is not known of it, and what that means; only types that the catalogue does not have."""
    found: dict[str, str] = {}
    for gpus in (gpus for group in machine.nodes for gpus in group.gpus):
        missing = _missing(gpus)
        if missing:
            found.setdefault(gpus.type, f"not in the catalogue, and the machine does not say: {missing}")
    return found


def machine_doubts(machine: Machine) -> list[str]:
    """Sentences on types that are nearly one of the catalogue, and on nodes with more GPUs than any has."""
    told = []
    for type_, why in unknown_types(machine).items():
        near = difflib.get_close_matches(type_.lower(), known_devices(), n=1, cutoff=_ALIKE)
        if near:
            told.append(f"GPU type {type_!r} is {why}; did you mean {near[0]!r}?")
    for group in machine.nodes:
        count = sum(gpus.count for gpus in group.gpus)
        if count > MOST_GPUS:
            told.append(
                f"node {group.names[0]!r} has {count:,} GPUs, more than any real one: taken as one node that has them all"
            )
    return told


def _missing(gpus: Gpus) -> str:
    if device(gpus.type) is not None:
        return ""
    words = []
    if memory_of(gpus) is None:
        words.append("its memory (no job with gpu_memory_bytes comes to it)")
    if watts_of_gpu(gpus).pair is None:
        words.append("its watts (energy stays empty)")
    return " and ".join(words)
