"""Pictures of machines as SVG: the inside of a node, and many nodes in racks.  The same bytes every time."""

from __future__ import annotations

from timonier.publish.picture.inside import draw_inside
from timonier.publish.picture.racks import draw_racks

__all__ = ["draw_inside", "draw_racks"]
