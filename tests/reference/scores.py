"""The placement rules, plainly: the total score of each feasible node."""

from __future__ import annotations

from typing import Any

from timonier.policy.profile import Profile


class Total:
    """The weighted sum of a profile's rules."""

    def __init__(self, profile: Profile, room: Any, jobs: list[Any]) -> None:
        self.place = profile.place

    def of(
        self, room: Any, demand: Any, nodes: list[Any], before: list[Any], seed: int, decision: int
    ) -> list[float]:
        """The total of each node; before: the nodes of the tasks of this job that are placed already."""
        return [0.0] * len(nodes)

    def device(self, room: Any, demand: Any, node: Any, way: Any) -> float:
        """How much a way to take a GPU's share fragments the node, low is good."""
        return 0.0
