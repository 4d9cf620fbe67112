"""What a profile does, in a sentence for people who do not know its name."""

from __future__ import annotations

from timonier.policy.profile import Profile

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
# what a blocked job blocks, where nobody reserves behind it
BLOCKED = {
    "queue": "nobody passes a job that does not fit yet",
    "partition": "nobody of its partition passes a job that does not fit yet",
    "skip": "whoever fits passes those that do not fit yet",
    "nothing": "whoever fits passes those that do not fit yet",
    "drop": "a job that does not fit leaves",
}
BACKFILLS = {
    "none": "nobody passes a job that does not fit yet",
    "easy": "others may pass the first blocked job if they do not delay it",
    "reservations": "in each cycle the waiting jobs are planned in order, and others may pass if they delay no plan",
    "conservative": "every waiting job has a reservation, and others may pass if they delay nobody's",
}


def say_profile(profile: Profile) -> str:
    """Two clauses and the source.

    >>> from timonier.policy import read_profile
    >>> say_profile(read_profile("easy-sjbf")).split(" (")[0]
    'Jobs wait in the order of submission; others may pass the first blocked job if they do not delay it, shortest first'
    """
    plain = profile.backfill.rule == "none"
    passing = BLOCKED[profile.cycle.blocked] if plain else BACKFILLS[profile.backfill.rule]
    if profile.backfill.order == "shortest":
        passing += ", shortest first"
    source = f" ({profile.source})" if profile.source else ""
    return f"Jobs wait {ORDERS[profile.order.rule]}; {passing}{source}."
