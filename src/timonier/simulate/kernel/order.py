"""Order rules: one number a job, low first. Sources: the profiles that name them."""

from __future__ import annotations

import math

from timonier.simulate.kernel.jit import inline, loop
from timonier.simulate.kernel.state import NEVER, Array

FCFS, PRIORITY, SJF, LJF, SAF, WFP3, UNICEF, F1, F2, F3, F4 = range(11)
DYNAMIC_RULES = (WFP3, UNICEF)


@inline
def key(rule: int, now: int, submit: int, est: int, size: int, priority: float) -> float:
    """The key of a waiting job. w = now - submit, r = est, n = size, s = submit (ticks)."""
    r = math.inf if est >= NEVER else float(est)
    n = float(size)
    if rule == FCFS:
        return 0.0
    if rule == PRIORITY:
        return -priority
    if rule == SJF:
        return r
    if rule == LJF:
        return -r
    if rule == SAF:
        return r * n
    if rule == WFP3:
        w = float(now - submit)
        return -(((w / r) * (w / r)) * (w / r)) * n
    if rule == UNICEF:
        w = float(now - submit)
        if size == 1:
            return -math.inf if w > 0.0 else 0.0
        return -w / (math.log2(n) * r)
    s = math.log10(float(max(submit, 1)))
    if rule == F1:
        return math.log10(r) * n + 870.0 * s
    if rule == F2:
        return math.sqrt(r) * n + 25600.0 * s
    if rule == F3:
        return r * n + 6860000.0 * s
    return r * math.sqrt(n) + 530000.0 * s


@loop
def fill_keys(rule: int, jobs: Array, keys: Array) -> None:
    """The key of every job under a rule that does not look at the clock."""
    for j in range(len(jobs)):
        keys[j] = key(rule, 0, jobs[j]["submit"], jobs[j]["est"], int(jobs[j]["size"]), 0.0)
