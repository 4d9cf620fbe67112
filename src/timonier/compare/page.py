"""All that the report shows, as plain values: the border between the comparison and its page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from timonier.compare.experiment import Cell, load_of
from timonier.compare.fullness import BINS, UNKNOWN, binned, held_between, steps
from timonier.compare.metrics import known_metrics
from timonier.compare.portrait import (
    PERCENTILES,
    Schedule,
    distributions,
    full_processors,
    groups,
    mean_by_group,
    schedule_of,
    worst_off,
)
from timonier.compare.statistics import DRAWS, LEAST_REPEATS
from timonier.compare.table import Front, Results
from timonier.workload import Jobs
from timonier.workload.demand import RESOURCES


def page_of(  # noqa: PLR0913  the page is where everything meets
    results: Results,
    fronts: Sequence[Front],
    cells: Mapping[tuple[str, int], Cell],
    tables: Mapping[str, pa.Table],
    jobs: Jobs,
    processors: int,
    said: Mapping[str, Any],
) -> dict[str, Any]:
    """The page of a comparison.

    tables: profile -> run table of repeat 0; jobs: its workload.  said: title, command, version and the like.
    """
    schedules = {name: schedule_of(table) for name, table in tables.items()}
    nodes = {name: found for name in results.profiles if (found := cells[name, 0].nodes) is not None}
    held = {name: found["held"] for name, found in nodes.items()}
    return {
        **said,
        "processors": processors,
        "repeats": results.repeats,
        "jobs": len(jobs),
        "profiles": list(results.profiles),
        "unranked": results.unranked,
        "draws": DRAWS,
        "least_repeats": LEAST_REPEATS,
        "offered_load": cells[results.profiles[0], 0].offered_load,
        "load": load_of(cells),
        "nodes": nodes,
        "objectives": [
            {
                "name": m.name,
                "unit": results.units[m.name],
                "better": m.better,
                "meaning": m.meaning,
                "unknown": m.unknown,
            }
            for m in known_metrics().values()
        ],
        "chosen": list(fronts[0].objectives),
        "scores": {
            objective: {name: _plain(results.of(name, objective).tolist()) for name in results.profiles}
            for objective in results.objectives
        },
        "intervals": {
            objective: {name: _plain(results.interval(name, objective)) for name in results.profiles}
            for objective in results.objectives
        },
        "fronts": [
            {
                "objectives": list(front.objectives),
                "profiles": {
                    name: {"on_front": front.on_front[p], "probability": _plain([front.probability[p]])[0]}
                    for p, name in enumerate(results.profiles)
                },
            }
            for front in fronts
        ],
        "paired": [
            dict(
                zip(
                    ("a", "b", "objective", "median", "low", "high", "n"),
                    _plain([*pair, results.repeats]),
                    strict=True,
                )
            )
            for pair in results.pairs()
        ],
        "percentiles": list(PERCENTILES),
        "distributions": _by_quantity({name: distributions(s) for name, s in schedules.items()}),
        "timeline": _timeline(schedules, processors, held),
        "full": {
            name: nodes[name]["full"]
            if name in nodes
            else UNKNOWN
            if nodes
            else full_processors(s, processors)
            for name, s in schedules.items()
        },
        "losers": _losers(schedules, results.ranked, jobs),
        "worst": {
            name: worst_off(schedule, tables[name], jobs, processors, held.get(name, {} if nodes else None))
            for name, schedule in schedules.items()
        },
    }


def _timeline(
    schedules: Mapping[str, Schedule], processors: int, held: Mapping[str, Mapping[str, list[float]]]
) -> dict[str, Any]:
    """Mean use and queue length in BINS equal stretches from first submission to last end.

    held: profile -> what was in use of a machine with nodes; then `used` is of the resource that is fullest in the
    mean, and empty for a profile that says nothing of it (`private` knows no nodes).  of: of what.
    """
    first = min((int(s.submit.min()) for s in schedules.values() if len(s.row)), default=0)
    last = max((int(s.end.max()) for s in schedules.values() if len(s.row)), default=1)
    edges = np.linspace(first, max(last, first + 1), BINS + 1)
    shares = {name: held_between(found, edges) for name, found in held.items()}
    means = {
        word: np.mean([share[resource].mean() for share in shares.values()])
        for resource, word in RESOURCES.items()
        if shares and all(resource in share for share in shares.values())
    }
    of = max(means, key=means.__getitem__) if means else "processors"
    used: dict[str, list[float]] = {}
    queue = {}
    for name, s in schedules.items():
        if name in shares:
            resource = next(key for key, word in RESOURCES.items() if word == of)
            used[name] = shares[name][resource].round(4).tolist()
        else:
            share = binned(*steps(s.start, s.end, s.size), edges) / processors
            used[name] = share.round(4).tolist() if of in ("processors", "cores") else []
        ones = np.ones(len(s.row), dtype=np.int64)
        queue[name] = binned(*steps(s.submit, s.start, ones), edges).round(2).tolist()
    return {"t_s": edges[:-1].tolist(), "of": of, "used": used, "queue": queue}


def _losers(schedules: Mapping[str, Schedule], ranked: Sequence[str], jobs: Jobs) -> dict[str, Any]:
    """Mean bounded slowdown of every group under every ranked profile; None under the others."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for name in ranked:
        schedule = schedules[name]
        for kind, (labels, code) in groups(schedule, jobs).items():
            for label, count, mean in mean_by_group(labels, code, schedule.slowdown):
                row = found.setdefault(kind, {}).setdefault(
                    label, {"group": label, "jobs": count, "values": dict.fromkeys(schedules)}
                )
                row["values"][name] = mean
    return {kind: list(rows.values()) for kind, rows in found.items()}


def _by_quantity(found: Mapping[str, dict[str, list[float]]]) -> dict[str, dict[str, list[float]]]:
    turned: dict[str, dict[str, list[float]]] = {}
    for name, quantities in found.items():
        for quantity, values in quantities.items():
            turned.setdefault(quantity, {})[name] = values
    return turned


def _plain(values: Sequence[Any]) -> list[Any]:
    """None where a number is unknown."""
    return [None if isinstance(v, float) and not math.isfinite(v) else v for v in values]
