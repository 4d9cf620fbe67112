"""How good a node is for a task: a list of rules with weights."""

from __future__ import annotations

from timonier.simulate.kernel.jit import inline
from timonier.simulate.kernel.site import Array, Room, Scores, Site


@inline
def score_node(site: Site, room: Room, scores: Scores, luck: Array, s: int, alt: int, n: int) -> float:
    """The weighted sum of all rules for one task of shape s on node n, high is good."""
    return 0.0
