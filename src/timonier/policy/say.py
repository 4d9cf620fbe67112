"""What a profile does, in sentences for people who do not know its name."""

from __future__ import annotations

from timonier.policy.profile import Place, Profile, Score

# one phrase for every word that order.rule allows now; r = estimate, n = processors, w = wait so far
ORDERS = {
    "fcfs": "in the order of submission",
    "sjf": "the shortest estimate first",
    "ljf": "the longest estimate first",
    "saf": "the smallest estimate x processors first",
    "wfp3": "the largest (w/r)^3 n first (waits long for what it asks; r estimate, n processors, w wait so far)",
    "unicef": "the largest w/(log2(n) r) first (favours small, short jobs; r estimate, n processors, w wait so far)",
    "f1": "by a learned function of estimate, processors and submission (F1)",
    "f2": "by a learned function of estimate, processors and submission (F2)",
    "f3": "by a learned function of estimate, processors and submission (F3)",
    "f4": "by a learned function of estimate, processors and submission (F4)",
    "priority": "the highest priority first",
}
BACKFILLS = {
    "none": "nobody passes a job that does not fit yet",
    "easy": "others may pass the first blocked job if they do not delay it",
    "reservations": "in each cycle the waiting jobs are planned in order, and others may pass if they delay no plan",
    "conservative": "every waiting job has a reservation, and others may pass if they delay nobody's",
}
_ASIDE = "a job that does not fit yet steps aside, and all others may pass it"
BLOCKED = {  # without backfill
    "queue": BACKFILLS["none"],
    "partition": "a job that does not fit yet holds up its partition only",
    "skip": _ASIDE,
    "nothing": _ASIDE,
    "drop": "one that does not fit at once is turned away, so that nobody waits",
}
# what makes a node score high; {} the resources that count
SCORES = {
    "least-allocated": "most left of {}",
    "most-allocated": "least left of {}",
    "requested-to-capacity": "{} filled to the best part of a given curve",
    "balanced-allocation": "{} filled most evenly",
    "best-fit": "least left of cores and GPUs",
    "dot-product": "least left of what the task asks most of",
    "gpu-packing": "GPUs that are in use already",
    "gpu-clustering": "tasks there that ask for GPUs in the same way",
    "fragmentation-gradient": "least GPU room lost for typical jobs",
    "node-weight": "least node weight",
    "rack-local": "most tasks of the job in the same rack",
    "random": "a draw",
}
TIES = {
    "name": "the first by name",
    "order": "the first of the machine file",
    "uniform": "any of them",
    "preorder": "the first in the pre-order of a heap, as in kube-scheduler",
}
DEVICES = {
    "first": "the first GPU of the node that has room",
    "best-fit": "the GPU of the node with least left",
    "least-allocated": "the GPU of the node with most left",
    "random": "any GPU of the node",
    "fragmentation-gradient": "the GPU of the node where least is lost for typical jobs",
}


def say_profile(profile: Profile, on_nodes: bool = True) -> str:
    """Who waits for whom, with the source; on_nodes: then where a task goes.

    >>> from timonier.policy import read_profile
    >>> say_profile(read_profile("easy-sjbf")).split(" (")[0]
    'Jobs wait in the order of submission; others may pass the first blocked job if they do not delay it, shortest first'
    """
    source = f" ({profile.source})" if profile.source else ""
    verb = "wait" if profile.backfill.rule != "none" or profile.cycle.blocked != "drop" else "are looked at"
    said = f"Jobs {verb} {ORDERS[profile.order.rule]}; {_passing(profile)}{source}."
    return f"{said} {_placing(profile.place)}" if on_nodes else said


def _passing(profile: Profile) -> str:
    if profile.backfill.rule == "none":
        return BLOCKED[profile.cycle.blocked]
    passing = BACKFILLS[profile.backfill.rule]
    if profile.backfill.order == "shortest":
        passing += ", shortest first"
    if profile.cycle.blocked == "partition":
        passing += "; between cycles a job that does not fit holds up its partition only"
    return passing


def _placing(place: Place) -> str:
    """Where a task goes among the nodes that have room for it."""
    sample = " among a sample of the nodes, as kube-scheduler draws it" if place.sample == "kube" else ""
    if place.score:
        scale = f", each cut to a whole number up to {place.scale}" if place.scale is not None else ""
        rules = " + ".join(_rule(score, alone=len(place.score) == 1) for score in place.score)
        node = f"to the node with the highest score{sample}: {rules}{scale}; of equal ones {TIES[place.ties]}"
    else:
        node = f"to a node with room{sample}: {TIES[place.ties]}"
    return f"A task goes {node}. A share or slice of a GPU comes from {DEVICES[place.device.rule]}."


def _rule(score: Score, alone: bool) -> str:
    counted = [name for name, weight in score.resources.items() if weight] or ["cores", "memory"]
    phrase = SCORES[score.rule].format(" and ".join(counted))
    weight = "" if alone and score.weight == 1 else f"{score.weight:g} x "
    return f"{weight}{score.rule} ({phrase})"
