"""Which loop serves which kind of profile and workload."""

from __future__ import annotations

from timonier.simulate.kernel.backfill import CONSERVATIVE, RESERVATIONS
from timonier.simulate.kernel.conservative import build_conservative
from timonier.simulate.kernel.loop import Advance, build
from timonier.simulate.kernel.node_conservative import build_named
from timonier.simulate.kernel.node_loop import AdvanceNodes, build_nodes
from timonier.simulate.kernel.turns import build_turns


def loop_for(order: int, backfill: int, event: int, rich: int) -> Advance:
    """The loop of a kind (order, backfill, each = "event", rich); compiled on its first call."""
    if backfill == CONSERVATIVE:
        return build_conservative(order, event, rich)
    return build_turns(order, backfill, rich) if event else build(order, backfill, rich)


def loop_on_nodes(backfill: int, event: int) -> AdvanceNodes:
    """The same on a machine with nodes, whatever the order."""
    if backfill == CONSERVATIVE:
        return build_named(event)
    return build_nodes(event, int(backfill == RESERVATIONS))
