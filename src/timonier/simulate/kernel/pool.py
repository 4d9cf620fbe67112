"""Counted processors: a job takes its size and gives it back; who fits, who is held."""

from __future__ import annotations

from timonier.simulate.kernel.calendar import enter
from timonier.simulate.kernel.heap import pop, push
from timonier.simulate.kernel.jit import helper, inline
from timonier.simulate.kernel.state import (
    ENDS,
    FREE,
    NEVER,
    PEAK,
    RUNNING,
    SEQ,
    SLOT_BITS,
    State,
)


@inline
def take(state: State, calendar: int, job: int, start: int) -> int:
    """Let a job run from `start`; returns its slot. Its processors must be free."""
    s = state.scalars
    running = state.running
    size = int(state.jobs[job]["size"])
    count = s[RUNNING]
    slot = int(state.idle[count])
    s[RUNNING] = count + 1
    if count >= s[PEAK]:
        s[PEAK] = count + 1
    s[FREE] -= size
    state.marks[job]["start"] = start
    running[slot]["job"] = job
    running[slot]["size"] = size
    running[slot]["seq"] = s[SEQ]
    s[SEQ] += 1
    est = state.jobs[job]["est"]
    running[slot]["expected"] = start + est if est < NEVER else NEVER
    if calendar:
        enter(state, slot)
    run = state.jobs[job]["run"]
    if run < NEVER:
        push(state.ends, s[ENDS], ((start + run) << SLOT_BITS) | slot)
        s[ENDS] += 1
    return slot


@helper
def charge(state: State, job: int, sign: int) -> None:
    """Rich builds: book a job on its partition, queue and user (sign 1), or off them (-1)."""
    size = sign * int(state.jobs[job]["size"])
    rules = state.rules[job]
    partition = rules["partition"]
    if partition >= 0:
        state.use.partition_free[partition] -= size
    queue = rules["queue"]
    if queue >= 0:
        pair = rules["pair"]
        state.use.queue[queue, 0] += size
        state.use.queue[queue, 1] += sign
        state.use.pair[pair, 0] += size
        state.use.pair[pair, 1] += sign


@inline
def release(state: State, slot: int) -> None:
    """Give a running job's processors back."""
    state.scalars[FREE] += state.running[slot]["size"]


@inline
def retire(state: State, slot: int) -> int:
    """A job has ended: free its slot, return it."""
    s = state.scalars
    job = int(state.running[slot]["job"])
    count = s[RUNNING] - 1
    state.idle[count] = slot
    state.running[slot]["job"] = -1
    s[RUNNING] = count
    return job


@inline
def next_end(state: State) -> int:
    """The instant of the next end, NEVER if nothing ends."""
    if state.scalars[ENDS] == 0:
        return NEVER
    return int(state.ends[0] >> SLOT_BITS)


@inline
def pop_end(state: State) -> int:
    """Take the next end from the heap; returns its slot."""
    s = state.scalars
    slot = int(state.ends[0] & ((1 << SLOT_BITS) - 1))
    pop(state.ends, s[ENDS])
    s[ENDS] -= 1
    return slot


@helper
def fits(state: State, job: int) -> bool:
    """Rich builds: do machine and partition have room for the job now?"""
    size = state.jobs[job]["size"]
    if size > state.scalars[FREE]:
        return False
    partition = state.rules[job]["partition"]
    return bool(partition < 0 or size <= state.use.partition_free[partition])


@helper
def is_held(state: State, job: int) -> bool:
    """Rich builds: would starting the job break a limit of its queue?"""
    queue = state.rules[job]["queue"]
    if queue < 0:
        return False
    size = state.jobs[job]["size"]
    limits = state.use.limits
    pair = state.rules[job]["pair"]
    return bool(
        state.use.queue[queue, 0] + size > limits[queue, 0]
        or state.use.queue[queue, 1] + 1 > limits[queue, 1]
        or state.use.pair[pair, 0] + size > limits[queue, 2]
        or state.use.pair[pair, 1] + 1 > limits[queue, 3]
    )
