"""What a machine with nodes adds to a packed workload: its layout, the shapes of the jobs, what is free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonier.describe import Machine
from timonier.policy import Profile
from timonier.simulate.columns import Columns, refuse_by_queues
from timonier.simulate.impossible import impossible_jobs
from timonier.simulate.index import fields_of, first_words, make_index
from timonier.simulate.kernel import site as k
from timonier.simulate.kernel import state as ks
from timonier.simulate.kernel.backfill import CONSERVATIVE, EASY, NONE, SHORTEST
from timonier.simulate.kernel.choose import LOWEST_INDEX, PREORDER, UNIFORM
from timonier.simulate.kernel.device import EMPTIEST, GRADIENT, LOWEST, RANDOM, TIGHTEST
from timonier.simulate.kernel.free import BLOCK, GROUP_BITS, RECENT
from timonier.simulate.kernel.occupy import can_run
from timonier.simulate.layout import Layout, lay_out
from timonier.simulate.pack_rules import BLOCKED
from timonier.simulate.rank import Ranks, in_order, rank_nodes
from timonier.simulate.scores import NO_MEMO, counted_columns, make_scores, needs_sorts
from timonier.simulate.shapes import Shapes, read_shapes
from timonier.simulate.strangers import strange_words
from timonier.workload import Jobs
from timonier.workload.arrow import pc

Ints = NDArray[np.int64]

TIES = {"name": LOWEST_INDEX, "order": LOWEST_INDEX, "uniform": UNIFORM, "preorder": PREORDER}
DEVICES = {
    "first": LOWEST,
    "best-fit": TIGHTEST,
    "least-allocated": EMPTIEST,
    "random": RANDOM,
    "fragmentation-gradient": GRADIENT,
}


@dataclass(frozen=True, slots=True)
class Demand:
    """The machine as arrays, and what the jobs ask of it."""

    layout: Layout
    shapes: Shapes


@dataclass(frozen=True, slots=True)
class OnNodes:
    """What the loop on nodes is called with, and what its numbers mean.

    fresh: where the counting engine decides and names are given afterwards, the cluster before the run.
    """

    cluster: k.Cluster
    layout: Layout
    shapes: Shapes
    fresh: k.Cluster | None = None


def backfill_code(profile: Profile) -> int:
    """The kernel's word for the profile's backfill."""
    if profile.backfill.rule == "easy":
        return SHORTEST if profile.backfill.order == "shortest" else EASY
    return CONSERVATIVE if profile.backfill.rule == "conservative" else NONE


def read_demand(jobs: Jobs, machine: Machine, profile: Profile, columns: Columns) -> Demand:
    """The layout of the machine and the shapes of the jobs; columns.why says which jobs ask for the unknown."""
    columns.why.update(impossible_jobs(jobs, machine))
    layout = lay_out(machine, profile.place.ties == "name")
    shapes = read_shapes(jobs, machine, layout, columns)
    refuse_by_queues(jobs, columns, profile)
    columns.strange.update(strange_words(jobs, machine, columns.why))
    columns.assumed.update(columns.strange)
    return Demand(layout, shapes)


def on_nodes(
    columns: Columns, demand: Demand, profile: Profile, base: ks.State, row: Ints, seed: int
) -> OnNodes:
    """The kernel's view of a machine and of the packed jobs, before anything runs.

    Jobs that do not fit on the empty machine are noted in columns.why, and marked.
    """
    layout, shapes = demand.layout, demand.shapes
    cluster = _empty_cluster(layout, shapes, profile, base, seed)
    _refuse_what_does_not_fit(columns, shapes, cluster)
    refused = np.zeros(len(columns.submit), dtype=bool)
    refused[list(columns.why)] = True
    refused &= ~columns.running
    base.marks["state"][refused[row]] = ks.UNRUNNABLE
    ask = np.zeros(len(row), dtype=k.ASK)
    ask["shape"] = shapes.of_job[row]
    ask["tasks"] = shapes.tasks[row]
    ask["partition"] = shapes.partition[row]
    rows = np.where(refused[row], 0, ask["tasks"] * shapes.shape["width"][ask["shape"]])
    ask["at"] = np.cumsum(rows) - rows
    count = int(rows.sum())
    held = k.Held(*(np.full(count, -1, dtype=np.int32) for _ in range(3)))
    return OnNodes(cluster._replace(ask=ask, held=held), layout, shapes)


def _empty_cluster(layout: Layout, shapes: Shapes, profile: Profile, base: ks.State, seed: int) -> k.Cluster:
    nodes, shape_count = len(layout.names), len(shapes.shape)
    luck = np.zeros(k.N_LUCK, dtype=np.int64)
    luck[k.SEED] = seed
    luck[k.BLOCKED] = BLOCKED[profile.cycle.blocked]
    luck[k.TIES] = TIES[profile.place.ties]
    luck[k.SAMPLE] = profile.place.sample == "kube"
    luck[k.PICK] = DEVICES[profile.place.device.rule]
    luck[k.SCALE] = profile.place.scale or 0
    luck[k.RELEASES] = 1
    luck[k.NAMED] = 1
    luck[k.CHANGES] = 1
    want, total = counted_columns(profile, shapes, layout)
    sorts = int(shapes.shape["sort"].max(initial=0)) + 1 if needs_sorts(profile) else 0
    luck[k.BACKFILL] = backfill_code(profile)
    keeps_later = profile.backfill.rule != "none"
    luck[k.FLEETING] = any(score.rule in NO_MEMO for score in profile.place.score)
    none = np.zeros(0, dtype=np.int32)
    field = fields_of(layout, shapes)
    known = make_index(field, layout, shapes)
    ranks = rank_nodes(profile, layout, known.fine)
    return k.Cluster(
        base=base,
        site=k.Site(
            node=layout.node,
            total=total,
            device=layout.device,
            shape=shapes.shape,
            limited=np.zeros(shapes.want.shape[1] + 1, dtype=np.uint8),
            want=want,
            licence=shapes.licence,
            allowed=shapes.allowed,
            suits=shapes.suits,
            starts=layout.starts,
            slices=layout.slices,
            width=layout.width,
            options=layout.options,
            domain_at=layout.domain_at,
            domain_kind=layout.domain_kind,
            domain_node=layout.domain_node,
            member_at=layout.member_at,
            member=layout.member,
            field=field,
            rank_by=ranks.by,
            rank_at=ranks.at,
            rank_of=ranks.of,
        ),
        room=_with_ranks(_whole_room(layout, total, sorts, nodes, first_words(field, layout)), ranks),
        later=_whole_room(layout, total, sorts, nodes if keeps_later else 0),
        both=_whole_room(layout, total, sorts, nodes if keeps_later else 0),
        held=k.Held(none, none, none),
        scores=make_scores(profile, layout, shapes, memory=not len(ranks.entry)),
        known=known._replace(listed=ranks.listed),
        ask=np.zeros(0, dtype=k.ASK),
        luck=luck,
        tired=np.zeros((shape_count, 4), dtype=np.int64),
        closed=np.zeros(int(shapes.partition.max(initial=-1)) + 2, dtype=np.uint8),
        mine=np.zeros(nodes, dtype=np.int32),
        open=np.zeros(len(layout.domain_kind), dtype=np.uint8),
        score=np.zeros(nodes, dtype=np.float64),
        list=np.zeros(max(nodes, len(base.jobs)) + 1, dtype=np.int32),
        easing=np.zeros(nodes if keeps_later else 0, dtype=np.int32),
        eased=np.zeros(-(-nodes // BLOCK) if keeps_later else 0, dtype=np.int64),
        able=np.zeros(-(-nodes // BLOCK) if keeps_later else 0, dtype=np.int64),
        due=np.zeros(len(base.running) if keeps_later else 0, dtype=np.int64),
        stays=np.zeros(len(base.jobs) if keeps_later else 0, dtype=np.int64),
        plan=empty_plan(layout, 0, 0, 0),
    )


def empty_plan(layout: Layout, jobs: int, nodes: int, rows: int) -> k.Plan:
    """Nobody has a reservation; sizes are 0 where no plan of names is kept."""
    link = np.full((3, rows), -1, dtype=np.int32)
    return k.Plan(
        begin=np.full(jobs, ks.NEVER, dtype=np.int64),
        end=np.full(jobs, ks.NEVER, dtype=np.int64),
        alt=np.zeros(jobs, dtype=np.int32),
        head=np.full(nodes, -1, dtype=np.int32),
        next=link[0],
        before=link[1],
        of=link[2],
        licences=layout.licence.copy(),
        list=np.zeros(jobs + 1, dtype=np.int64),
        heap=np.zeros(2 * (jobs + 2), dtype=np.int64),
        sweep=np.zeros(2 * rows + 4, dtype=np.int64),
        freed=np.tile(np.array([ks.NEVER, 0, ks.NEVER, 0]), (nodes, 1)),
        gained=np.ones(1, dtype=np.int64),
        user=np.zeros(0, dtype=np.int32),
        looked=np.zeros(0, dtype=np.int64),
    )


def with_cycles(nodes: OnNodes, jobs: Jobs, row: Ints) -> k.Cluster:
    """The cluster with what backfill in cycles needs: an empty plan, and whose job is whose."""
    users = jobs.texts("user")
    codes = pc.fill_null(pc.dictionary_encode(users).combine_chunks().indices, -1)
    user = np.asarray(codes)[row].astype(np.int32) + 1  # 0: a user that is not known
    plan = empty_plan(nodes.layout, len(row), len(nodes.layout.names), len(nodes.cluster.held.node))
    looked = np.zeros(int(user.max(initial=0)) + 1, dtype=np.int64)
    return nodes.cluster._replace(plan=plan._replace(user=user, looked=looked))


def _whole_room(layout: Layout, total: Ints, sorts: int, nodes: int, words: Ints | None = None) -> k.Room:
    """Everything is free; nodes: as many as the room is of, 0 for a room that is not used; words: for an index."""
    none = np.zeros(0, dtype=np.int64)
    words = none if words is None else words
    blocks = len(words) // BLOCK
    groups = -(-blocks // (1 << GROUP_BITS))
    users = np.zeros((nodes, 2), dtype=np.int32)
    users[:, k.OWNER] = -1
    device = np.zeros((len(layout.device) if nodes else 0, 3), dtype=np.int32)
    device[:, k.FREE_SHARE] = k.WHOLE
    return k.Room(
        left=total[:nodes].copy(),
        users=users,
        device=device,
        licence=layout.licence.copy(),
        sorts=np.zeros((nodes, sorts), dtype=np.int32),
        version=np.zeros(nodes, dtype=np.int32),
        gpus=k.WHOLE * (layout.node["last"] - layout.node["first"])[:nodes],
        word=words,
        stamp=np.ones(blocks, dtype=np.int32),
        group_stamp=np.full(groups, RECENT + 1, dtype=np.int32),
        changed=np.zeros((groups, RECENT), dtype=np.int32),
        ranked=none,
        rank=none,
        rank_word=none,
    )


def _with_ranks(room: k.Room, ranks: Ranks) -> k.Room:
    ranked, rank, rank_word = in_order(ranks, room.word)
    return room._replace(ranked=ranked, rank=rank, rank_word=rank_word)


def _refuse_what_does_not_fit(columns: Columns, shapes: Shapes, cluster: k.Cluster) -> None:
    if not len(shapes.of_job):
        return
    pairs, which = np.unique(np.stack([shapes.of_job, shapes.tasks], axis=1), axis=0, return_inverse=True)
    able = np.zeros(len(pairs), dtype=bool)
    can_run(cluster, np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1]), able)
    for row in np.flatnonzero(~able[which.ravel()] & ~columns.running).tolist():
        columns.why.setdefault(row, describe(shapes, row) + "; the empty machine has no room for it")


def describe(shapes: Shapes, row: int) -> str:
    """What a job asks for, in words."""
    s = int(shapes.of_job[row])
    shape: Any = shapes.shape[s]
    parts = [f"{shapes.want[s, 0] / k.WHOLE:g} cores"]
    if shapes.want[s, 1]:
        parts.append(f"{shapes.want[s, 1] / 2**30:g} GiB")
    if shape["share"]:
        parts.append(f"{shape['share'] / k.WHOLE:g} of a GPU")
    elif shape["profile"] >= 0:
        parts.append(f"{shape['gpus']} MIG slices")
    elif shape["gpus"]:
        parts.append(f"{shape['gpus']} GPUs")
    return f"asks for {shapes.tasks[row]} x ({', '.join(parts)})"
