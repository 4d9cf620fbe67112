"""A machine with nodes as arrays: what it is (`Site`), what is free on it (`Room`), who holds what (`Held`).

N nodes in the order in which ties fall, D devices node by node, S shapes: jobs that ask for the same.
K quantities of a node: cores (thousandths), bytes of memory, then further resources.
"""

from __future__ import annotations

from typing import NamedTuple

from timonier.simulate.kernel.state import Array, State, record

WHOLE = 1000  # thousandths of one GPU

# How a device is shared.
EXCLUSIVE, SHARED, SLICED, FIXED = range(4)

# `within` of a shape.
ANYWHERE, IN_NODE, IN_SWITCH, IN_RACK = range(4)

# What a blocked job blocks.
QUEUE, PARTITION, SKIP, DROP = range(4)

# Which room a job is placed in: what is free now; at the shadow time; both.
NOW_ROOM, LATER_ROOM, BOTH_ROOMS = range(3)

# Columns of a room's device.
FREE_SHARE, SHARERS, MASK = range(3)

# Columns of a room's users: tasks on the node; the job to which all of it belongs, -1: none.
TASKS, OWNER = range(2)

# What is chosen by whom: indices into `luck`.
(
    SEED,
    DECISIONS,  # nodes chosen so far
    FIRST,  # kube sampling: where the next search begins
    RELEASES,  # times that something was given back: what failed since the last one fails still
    NAMED,  # times that a reservation was named
    BLOCKED,  # QUEUE, PARTITION, SKIP or DROP
    TIES,  # how equal scores are told apart
    SAMPLE,  # 1: kube's sampling of nodes
    PICK,  # rule by which a device is chosen
    SCALE,  # scores are truncated to 0 .. SCALE before weighting, 0: they are not
    BACKFILL,  # NONE, EASY or SHORTEST
    FLEETING,  # 1: scores change with more than the node, so that none is kept
    REFUSED,  # times that a job was found not to fit now
    MIRRORED,  # 1: `later` and `both` follow `room`; EASY only
    DUE,  # expected ends in `due`
    GONE,  # so many of them have ended in `later`
    CHANGES,  # grows with every start, with what is given back, and where another shadow time is looked for
    FOUND,  # CHANGES when SHADOW was found for HEAD
    FITTING,  # tasks of that head that fit in `later`, -1: not counted
    N_LUCK,
) = range(20)

# Fields of a word: what is free on a node.
CORES, MEMORY, WHOLE_GPUS, LARGEST_SHARE, NO_TASKS, NO_OWNER, N_FIELDS = range(7)

# What a node's key is made of, and the key's distance from a score of 100 to one of 0.
BY_CORES, BY_GPUS, SPAN = range(3)

NODE = record(
    kind="i4",  # index of its description
    first="i4",  # its devices: [first, last)
    last="i4",
    rack="i4",  # domain, -1: none
    weight="i8",
)
DEVICE = record(
    node="i4",
    type="i4",
    sharing="i4",  # EXCLUSIVE, SHARED, SLICED or FIXED
    geometry="i4",  # SLICED and FIXED: what can be cut, -1 otherwise
    most="i4",  # SHARED: most jobs on it
)
SHAPE = record(
    gpus="i4",  # whole GPUs, shares or slices of one task
    share="i4",  # thousandths of a GPU when it asks for a share, else 0
    profile="i4",  # MIG profile, -1: none
    first="i4",  # its alternatives, best first: [first, last)
    last="i4",
    per_node="i4",  # most tasks of a job on one node
    within="i1",  # ANYWHERE, IN_NODE, IN_SWITCH or IN_RACK
    whole="i1",  # 1: its nodes belong to the job alone
    licensed="i1",  # 1: it asks for licences
    width="i4",  # rows of one task in `held`
    thousandths="i4",  # of GPUs, of one task, for scores
    sort="i4",  # tasks with the same GPU part and count, for clustering
)
RULE = record(
    code="i4",
    first="i4",  # points of its broken line: [first, last)
    last="i4",
    memory="i4",  # column of `want` in which it finds memory
    weight="f8",
)
TYPICAL = record(
    cores="i8",  # thousandths
    gpus="i4",
    part="i4",  # thousandths of one GPU, 0: none
    share="f8",  # of the tasks
)
# What one job asks; one row a job.
ASK = record(
    at="i8",  # its rows in `held` begin here
    shape="i4",
    tasks="i4",
    partition="i4",  # for `blocked`, -1: none
)


class Site(NamedTuple):
    """What the machine is, and what is asked of it; read only."""

    node: Array  # NODE[N]
    total: Array  # int64[N, K]
    device: Array  # DEVICE[D]
    shape: Array  # SHAPE[S]
    limited: Array  # uint8[K + 1], one for each quantity that limits, and for GPUs; only its length counts
    want: Array  # int64[S, K or K + 1], of one task; a column that only scores look at may follow
    licence: Array  # int64[S, L], of one task
    allowed: Array  # uint8[S, kinds]: partition, features, and at least one task fits on the empty node
    suits: Array  # uint8[alternatives, types]
    starts: Array  # int32[geometries, profiles]: bit b is set where a slice may begin at b
    slices: Array  # int32[geometries, profiles]: memory slices of each
    width: Array  # int32[geometries], memory slices of the whole GPU
    options: Array  # int32[geometries, 256]: ways to cut one more slice, by occupied memory slices
    domain_at: Array  # int32[domains + 1]
    domain_kind: Array  # uint8[domains], IN_SWITCH or IN_RACK
    domain_node: Array  # int32: nodes of each switch and rack
    member_at: Array  # int32[N + 1]
    member: Array  # int32: switches of each node, in the order of the machine file
    field: Array  # int64[N_FIELDS, 2]: of a room's words: units of each field, and its lowest bit
    rank_by: Array  # int64[3]: a key is thousandths of free cores, and of GPUs, times these; and SPAN
    rank_at: Array  # int32[lists + 1]: where each list of nodes begins; one number: nodes are not ranked
    rank_of: Array  # int32[N], the list of each node


class Scores(NamedTuple):
    """The rules by which a node is chosen, and what they know."""

    rule: Array  # RULE[W]
    weigh: Array  # int64[W, limited], weights of the quantities; the last is GPUs
    points: Array  # int64[P, 2], (utilisation, score), 0 to 100
    most: Array  # float64[2], cores and GPUs of the largest node, thousandths
    heavy: Array  # float64[N], score of the node's weight
    near: Array  # int32[1 + domains], tasks placed of the present job, in all and in each rack
    typical: Array  # TYPICAL[M]
    suits: Array  # uint8[M, types]
    kept: Array  # int32, scratch: devices of one node
    memo_of: Array  # int32[alternatives]: its row in `memo`
    memo: Array  # float64[rows, N], scores that were found
    memo_at: Array  # int32[rows, N], the node's version at which


class Room(NamedTuple):
    """What is free."""

    left: Array  # int64[N, K]
    users: Array  # int32[N, 2]
    device: Array  # int32[D, 3]
    licence: Array  # int64[L]
    sorts: Array  # int32[N, sorts]: tasks of each sort, for clustering only
    version: Array  # int32[N], grows with every change
    gpus: Array  # int32[N], thousandths of all GPUs of the node that are free
    word: Array  # int64[N, filled up to whole blocks]: what is free, in fields; none without an index
    stamp: Array  # int32[blocks], grows with every change in the block
    group_stamp: Array  # int32[groups], the same in a group of blocks
    changed: (
        Array  # int32[groups, RECENT]: at a group's stamp, less its high bits: the block that changed then
    )
    ranked: Array  # int64[N], the entry of each node in `rank`; none where nodes are not ranked
    rank: Array  # int64[N], list by list in order: key << NODE_BITS | node
    rank_word: Array  # int64[N], the words in that order


class Held(NamedTuple):
    """What jobs hold, hold in reserve, or held: rows of a job stand together, task by task."""

    node: Array  # int32, -1: not placed
    device: Array  # int32, -1: none
    start: Array  # int32: first memory slice, -1: none


class Index(NamedTuple):
    """What is known of the best nodes: R rows, one for what a task asks; B blocks of nodes, G groups of blocks.

    An entry holds while its stamp is that of its block (group) in the room.
    """

    row_of: Array  # int32[alternatives], -1: not indexed
    wish: Array  # int64[R]: what is asked, in the fields of a room's words
    guard: Array  # int64[1]: the bit above each field
    exact: Array  # uint8[R]: 1: the words alone tell whether a task fits
    fine_of: Array  # int32[R]: its row of `fine`
    fine: Array  # int64[patterns, B]: bit i: node i of the block may ever have room
    listed: Array  # uint8[patterns, lists]: 1: nodes of the list may ever have room
    at: Array  # int32[R, B]: stamp of `fits`
    fits: Array  # int64[R, B]: bit i: node i of the block has room
    scored: Array  # int32[R, B]: stamp of `total` and `best`
    total: Array  # float64[R, B]: the best score among nodes with room
    best: Array  # int64[R, B]: bit i: node i has it
    group_at: Array  # int32[R, G]: stamp at which `fits` held in the whole group
    group_count: Array  # int32[R, G]: bits in `fits` of the group
    group_scored: Array  # int32[R, G]: stamp of `group_total`
    group_total: Array  # float64[R, G]


class Plan(NamedTuple):
    """Who holds what from when until when; rows are those of `held`, the first of each task.

    Conservative: all the time. Backfill by reservations: within a cycle.
    """

    begin: Array  # int64[J], of each job's commitment, NEVER: it has none
    end: Array  # int64[J]
    alt: Array  # int32[J], the alternative by which it was named
    head: Array  # int32[N], the first row of what lies on a node, -1: nothing
    next: Array  # int32[rows], the next row on the same node, -1: none
    before: Array  # int32[rows]
    of: Array  # int32[rows], the job of a row
    licences: Array  # int64[L], of the machine
    list: Array  # int64[J], scratch
    heap: Array  # int64[2 (J + 2)], scratch: one heap, or two
    sweep: Array  # int64[2 x rows], scratch
    freed: Array  # int64[N, 4], what was given back (freed); conservative only
    gained: Array  # int64[1]: 1 when something was given back since the last round
    user: Array  # int32[J], whose job it is; cycles only
    looked: Array  # int64[users], scratch: jobs of each user that the cycle has looked at


class Cluster(NamedTuple):
    """A run on nodes: the loop's state, and the machine."""

    base: State
    site: Site
    room: Room  # now
    later: Room  # when the blocked head may start; EASY only
    both: Room  # free now and then; EASY, and holes of plans
    held: Held
    scores: Scores
    known: Index  # of `room`
    ask: Array  # ASK[J]
    luck: Array  # int64[N_LUCK]
    tired: Array  # int64[S, 4]: (releases, tasks) that failed now, (names, tasks) that failed beside the head
    closed: Array  # uint8[partitions]: blocked in this pass
    mine: Array  # int32[N], scratch: tasks of the job being placed
    open: Array  # uint8[domains], scratch
    score: Array  # float64[N], scratch
    list: Array  # int32[max(N, slots)], scratch
    easing: Array  # int32[N]: tasks that the node holds and that have ended in `later`; EASY only
    eased: (
        Array  # int64[blocks]: bit i: node i of the block has some; cycles: a search has changed it in `both`
    )
    able: Array  # int64[blocks]: bit i: the head may have room there in `later`, while it is named
    due: Array  # int64[slots], tick << SLOT_BITS | slot of the expected ends, in order; cycles: a heap
    stays: Array  # int64[J]: RELEASES at which it did not fit, -CHANGES at which it did not beside the head; EASY only
    plan: Plan  # conservative on named nodes, and reservations
