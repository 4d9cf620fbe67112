"""The placement rules of a profile as the kernel's arrays."""

from __future__ import annotations

import numpy as np

from timonier.policy import Profile
from timonier.simulate.kernel import site as k
from timonier.simulate.layout import Layout
from timonier.simulate.shapes import Shapes


def make_scores(profile: Profile, layout: Layout, shapes: Shapes) -> k.Scores:
    """The rules with their weights."""
    return k.Scores(rule=np.zeros(0, dtype=k.RULE))
