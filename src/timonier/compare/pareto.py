"""The Pareto front: who is beaten by nobody in everything, how surely, and how much each one adds."""

from __future__ import annotations

import moocore
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def non_dominated(costs: Floats) -> Bools:
    """Who is on the front; costs: float64[..., P, K], low is good.  Returns bool[..., P].

    p is dominated when some q is no worse in all K and better in one; equals do not dominate each other.
    A point with an unknown cost is on no front and dominates nobody.
    """
    no_worse = (costs[..., :, None, :] >= costs[..., None, :, :]).all(axis=-1)  # [p, q]: q no worse than p
    better = (costs[..., :, None, :] > costs[..., None, :, :]).any(axis=-1)
    known: Bools = np.asarray(np.isfinite(costs).all(axis=-1))
    front: Bools = known & ~(no_worse & better & known[..., None, :]).any(axis=-1)
    return front


def front_probability(costs: Floats) -> Floats:
    """Share of the draws in which each is on the front; costs: float64[D, P, K].  Returns float64[P].

    Several with the very same costs share one place: of m twins each gets 1/m, as the front needs one of them.
    """
    on = non_dominated(costs)
    same = (costs[:, :, None, :] == costs[:, None, :, :]).all(axis=-1)
    twins = np.maximum(same.sum(axis=-1), 1)
    share: Floats = (on / twins).mean(axis=0)
    return share


def hypervolume_shares(costs: Floats) -> Floats:
    """How much of the front's hypervolume is lost without each one: float64[P] of shares 0 to 1.

    costs: float64[P, K], low is good; each objective scaled to 0 (best) to 1 (worst) over the front, so that no
    bad scheduler far away decides, with reference 1.1.  0 for who is not on it, nan where a cost is unknown.
    Source: Zitzler and Thiele 1998, doi:10.1007/BFb0056872; computed by moocore (Fonseca et al. 2006).
    """
    shares = np.full(len(costs), np.nan)
    shares[np.isfinite(costs).all(axis=1)] = 0.0
    known = np.flatnonzero(non_dominated(costs))
    if len(known) == 0:
        return shares
    points = costs[known]
    span = np.ptp(points, axis=0)
    scaled = (points - points.min(axis=0)) / np.where(span > 0, span, 1.0)
    reference = np.full(points.shape[1], 1.1)
    whole = float(moocore.hypervolume(scaled, ref=reference))
    for place, row in enumerate(known):
        rest = np.delete(scaled, place, axis=0)
        left = float(moocore.hypervolume(rest, ref=reference)) if len(rest) else 0.0
        shares[row] = max(0.0, 1.0 - left / whole)
    return shares
