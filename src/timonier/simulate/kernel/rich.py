"""What only some workloads need: the shadow time under a partition's cap."""

from __future__ import annotations

from timonier.simulate.kernel.jit import helper
from timonier.simulate.kernel.state import (
    BUCKETS,
    EXTRA,
    FREE,
    NEVER,
    NOW,
    OVERDUE,
    OVERRUNS,
    SHADOW,
    SHIFT,
    Array,
    State,
)


@helper
def find_shadow_rich(state: State, head: int) -> int:
    """Set SHADOW and EXTRA for a head that waits for the machine or its partition.

    Returns what its partition will then have beyond the head.
    """
    s = state.scalars
    size = int(state.jobs[head]["size"])
    partition = state.rules[head]["partition"]
    machine_free = int(s[FREE])
    partition_free = int(state.use.partition_free[partition]) if partition >= 0 else NEVER
    now = s[NOW]
    sums = state.scratch
    sums[0] = machine_free
    sums[1] = partition_free
    if s[OVERRUNS]:
        collect(state, OVERDUE, NEVER, partition, sums)
    shift = s[SHIFT]
    position = now >> shift
    end = position + BUCKETS
    if sums[0] >= size and sums[1] >= size:  # the overdue ones make room: at now + 1
        machine_free = sums[0]
        partition_free = sums[1]
        shadow = now + 1
        sums[0] = machine_free
        sums[1] = partition_free
        collect(state, (shadow >> shift) & (BUCKETS - 1), shadow, partition, sums)
        s[SHADOW] = shadow
        s[EXTRA] = sums[0] - size
        return int(sums[1] - size)
    while position < end:
        index = position & (BUCKETS - 1)
        machine_before = sums[0]
        partition_before = sums[1]
        collect(state, index, NEVER, partition, sums)
        if sums[0] >= size and sums[1] >= size:
            shadow = now
            while True:
                shadow = next_expected(state, index, shadow)
                sums[0] = machine_before
                sums[1] = partition_before
                collect(state, index, shadow, partition, sums)
                if sums[0] >= size and sums[1] >= size:
                    s[SHADOW] = shadow
                    s[EXTRA] = sums[0] - size
                    return int(sums[1] - size)
        position += 1
    s[SHADOW] = NEVER
    s[EXTRA] = 0
    return 0


@helper
def collect(state: State, index: int, until: int, partition: int, sums: Array) -> None:
    """Add to sums what a bucket gives back by `until`: of the machine, of the partition."""
    running = state.running
    slot = state.bucket[index]
    while slot >= 0:
        if running[slot]["expected"] <= until:
            sums[0] += running[slot]["size"]
            if partition >= 0 and state.rules[running[slot]["job"]]["partition"] == partition:
                sums[1] += running[slot]["size"]
        slot = running[slot]["after"]


@helper
def next_expected(state: State, index: int, after: int) -> int:
    """The first expected end in a bucket later than `after`."""
    running = state.running
    earliest = NEVER
    slot = state.bucket[index]
    while slot >= 0:
        if after < running[slot]["expected"] < earliest:
            earliest = running[slot]["expected"]
        slot = running[slot]["after"]
    return int(earliest)
