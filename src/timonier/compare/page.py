"""All that the report shows, as plain values: the border between the comparison and its page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from timonier.compare.experiment import Cell, load_of
from timonier.compare.metrics import known_metrics
from timonier.compare.portrait import (
    BINS,
    PERCENTILES,
    Schedule,
    binned,
    distributions,
    full_times,
    groups,
    mean_by_group,
    schedule_of,
    steps,
    worst_off,
)
from timonier.compare.statistics import DRAWS, LEAST_REPEATS
from timonier.compare.table import Front, Results
from timonier.workload import Jobs


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
        "nodes": {
            name: cells[name, 0].nodes for name in results.profiles if cells[name, 0].nodes is not None
        },
        "objectives": [
            {"name": m.name, "unit": m.unit, "better": m.better, "meaning": m.meaning, "unknown": m.unknown}
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
        "timeline": _timeline(schedules, processors),
        "full": {name: full_times(schedule, processors) for name, schedule in schedules.items()},
        "losers": _losers(schedules, results.ranked, jobs),
        "worst": {
            name: worst_off(schedule, tables[name], jobs, processors) for name, schedule in schedules.items()
        },
    }


def _timeline(schedules: Mapping[str, Schedule], processors: int) -> dict[str, Any]:
    """Mean use and queue length in BINS equal stretches from first submission to last end."""
    first = min((int(s.submit.min()) for s in schedules.values() if len(s.row)), default=0)
    last = max((int(s.end.max()) for s in schedules.values() if len(s.row)), default=1)
    edges = np.linspace(first, max(last, first + 1), BINS + 1)
    used, queue = {}, {}
    for name, s in schedules.items():
        used[name] = (binned(*steps(s.start, s.end, s.size), edges) / processors).round(4).tolist()
        ones = np.ones(len(s.row), dtype=np.int64)
        queue[name] = binned(*steps(s.submit, s.start, ones), edges).round(2).tolist()
    return {"t_s": edges[:-1].tolist(), "used": used, "queue": queue}


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
