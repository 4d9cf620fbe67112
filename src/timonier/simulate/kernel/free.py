"""What is free on a device and on a node, in numbers that are quick to ask; which blocks have changed.

A room with an index keeps one word a node: what is free of each quantity as fields of an integer, so that one
subtraction tells whether a task may fit.  32 nodes make a block, 32 blocks a group.
"""

from __future__ import annotations

from timonier.simulate.kernel.jit import helper_once as helper
from timonier.simulate.kernel.jit import inline_once as inline
from timonier.simulate.kernel.site import (
    BY_CORES,
    BY_GPUS,
    CORES,
    EXCLUSIVE,
    FREE_SHARE,
    LARGEST_SHARE,
    MASK,
    MEMORY,
    NO_OWNER,
    NO_TASKS,
    OWNER,
    SHARED,
    SHARERS,
    SLICED,
    TASKS,
    WHOLE,
    WHOLE_GPUS,
    Room,
    Site,
)
from timonier.simulate.kernel.state import Array
from timonier.simulate.kernel.waiting import move_down, move_up

BLOCK_BITS = 5
GROUP_BITS = 5
BLOCK = 1 << BLOCK_BITS
RECENT = 1 << GROUP_BITS  # changes of a group that are remembered
NODE_BITS = 24  # of an entry in the order of keys, below its key


@inline
def device_left(site: Site, room: Room, d: int) -> int:
    """Thousandths of a GPU that are free; of a GPU that is cut, its free memory slices."""
    free = int(room.device[d, FREE_SHARE])
    mask = int(room.device[d, MASK])
    if mask == 0 or free < WHOLE:
        return free
    width = int(site.width[site.device[d]["geometry"]])
    taken = 0
    for b in range(width):
        taken += (mask >> b) & 1
    return WHOLE - WHOLE * taken // width


@inline
def count_left(site: Site, room: Room, n: int) -> int:
    """Thousandths of all GPUs of a node that are free, counted."""
    node = site.node[n]
    left = 0
    for d in range(node["first"], node["last"]):
        left += device_left(site, room, d)
    return left


@inline
def touch(room: Room, n: int) -> None:
    """What is known of the block of node n holds no longer."""
    b = n >> BLOCK_BITS
    g = b >> GROUP_BITS
    room.stamp[b] += 1
    room.changed[g, room.group_stamp[g] & (RECENT - 1)] = b
    room.group_stamp[g] += 1


@inline
def find_rank(rank: Array, entry: int, first: int, end: int) -> int:
    """The place of an entry in rank[first:end], which is in order, or where it belongs."""
    low = first
    high = end
    while low < high:
        middle = (low + high) >> 1
        if rank[middle] < entry:
            low = middle + 1
        else:
            high = middle
    return low


@helper
def rank_anew(site: Site, room: Room, n: int) -> None:
    """Node n goes where its key belongs, with its word."""
    q = site.rank_of[n]
    first = int(site.rank_at[q])
    end = int(site.rank_at[q + 1])
    by = site.rank_by
    was = int(room.ranked[n])
    entry = ((room.left[n, 0] * by[BY_CORES] + room.gpus[n] * by[BY_GPUS]) << NODE_BITS) | n
    p = find_rank(room.rank, was, first, end)
    if entry > was:
        to = find_rank(room.rank, entry, p, end) - 1
        move_down(room.rank, p + 1, to + 1)
        move_down(room.rank_word, p + 1, to + 1)
    else:
        to = find_rank(room.rank, entry, first, p)
        move_up(room.rank, to, p)
        move_up(room.rank_word, to, p)
    room.rank[to] = entry
    room.rank_word[to] = room.word[n]
    room.ranked[n] = entry


@helper
def note(site: Site, room: Room, n: int) -> None:
    """Write what is free on node n into its word, in the units of each field."""
    field = site.field
    node = site.node[n]
    whole = 0
    largest = 0
    for d in range(node["first"], node["last"]):
        device = site.device[d]
        free = int(room.device[d, FREE_SHARE])
        sharing = device["sharing"]
        if free == WHOLE and room.device[d, MASK] == 0 and sharing <= SLICED:
            whole += 1
        if sharing == SHARED:
            if room.device[d, SHARERS] < device["most"]:
                largest = max(largest, free)
        elif sharing == EXCLUSIVE and free == WHOLE:
            largest = WHOLE
    word = int(room.left[n, 0]) // field[CORES, 0] << field[CORES, 1]
    word |= int(room.left[n, 1]) // field[MEMORY, 0] << field[MEMORY, 1]
    word |= whole << field[WHOLE_GPUS, 1]
    word |= largest << field[LARGEST_SHARE, 1]
    word |= (1 if room.users[n, TASKS] == 0 else 0) << field[NO_TASKS, 1]
    word |= (1 if room.users[n, OWNER] < 0 else 0) << field[NO_OWNER, 1]
    room.word[n] = word
    touch(room, n)
    if len(room.rank) > 0:
        rank_anew(site, room, n)
