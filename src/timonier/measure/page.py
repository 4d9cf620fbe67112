"""What the page of measurements shows, as plain values: roofline, fingerprint, nodes that differ, every figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from timonier.measure.measurement import Measurement
from timonier.measure.metrics import known_metrics
from timonier.measure.outliers import LEAST_NODES, outliers

# axes of the fingerprint: metric, label, worst and best value of the scale, which is logarithmic
AXES = (
    ("stream.triad", "memory bandwidth", 1e9, 1e13),
    ("latency.memory", "memory latency", 1e-6, 1e-8),
    ("gups.updates", "random updates", 1e6, 1e10),
    ("gemm.float64", "float64", 1e9, 1e14),
    ("gemm.int8", "int8", 1e10, 1e16),
    ("hpcg.rating", "HPCG", 1e8, 1e13),
    ("graph500.bfs", "graph search", 1e7, 1e12),
    ("network.half_trip_8", "message latency", 1e-4, 1e-7),
)
_PRECISE = ("gemm.float64", "gemm.float32", "gemm.int8")
# columns that one update of the rest of the matrix takes; LAPACK's own block is not known
_BLOCKS = {"hpl.rate": 192, "hpl_like.rate": 192, "hpl_mxp.rate": 256}
_DOUBLE = "gemm.float64"  # the roof of what is computed in float64
_TRIAD = 2 / 24  # operations a byte


def page_of(found: Sequence[Measurement]) -> dict[str, Any]:
    """All values of the page by name; a figure that is blank stands there with its reason."""
    nodes = sorted({one.node for one in found})
    return {
        "title": f"What {nodes[0] if len(nodes) == 1 else f'{len(nodes)} nodes'} can do"
        if nodes
        else "No figures",
        "nodes": nodes,
        "rooflines": [_roofline(node, [one for one in found if one.node == node]) for node in nodes],
        "fingerprints": [_fingerprint(node, found) for node in nodes],
        "axes": [
            {"metric": m, "label": label, "low": low, "high": high, "unit": known_metrics()[m].unit}
            for m, label, low, high in AXES
        ],
        "outliers": _outliers(found),
        "outliers_why": _outliers_why(nodes),
        "figures": [_figure(one) for one in found],
        "versions": {node: dict(_versions(found, node)) for node in nodes},
    }


def _roofline(node: str, found: list[Measurement]) -> dict[str, Any]:
    """Roofs: bandwidths and rates that were measured.  Points: operations a byte and rate of what was run.

    Source: Williams, Waterman and Patterson 2009, "Roofline: an insightful visual performance model".
    """
    best = _best(found)
    roofs = [
        {"kind": "memory", "metric": one.name, "label": f"STREAM triad, {one.label}", "value": one.value}
        for one in found
        if one.name == "stream.triad" and one.value
    ]
    roofs += [
        {"kind": "compute", "metric": name, "label": known_metrics()[name].title, "value": best[name].value}
        for name in _PRECISE
        if name in best
    ]
    return {"node": node, "roofs": roofs, "points": _points(found, best)}


def _points(found: list[Measurement], best: dict[str, Measurement]) -> list[dict[str, Any]]:
    points = []
    if "stream.triad" in best:
        rate = (best["stream.triad"].value or 0.0) * _TRIAD
        points.append(
            {
                "label": "STREAM triad",
                "intensity": _TRIAD,
                "rate": rate,
                "from": "2 operations, 24 bytes",
                "roof": _DOUBLE,
            }
        )
    for one in found:
        moved = next(
            (
                m
                for m in found
                if m.name == "hpcg.bandwidth" and m.label == one.label and m.settings == one.settings
            ),
            None,
        )
        if one.name == "hpcg.rating" and one.value and moved and moved.value:
            points.append(
                {
                    "label": f"HPCG, {one.label}",
                    "intensity": one.value / moved.value,
                    "rate": one.value,
                    "from": "operations and bytes of the official model",
                    "roof": _DOUBLE,
                }
            )
    for name, block in _BLOCKS.items():
        if name in best:
            width = 4 if name == "hpl_mxp.rate" else 8
            columns = int(best[name].settings.get("block", block))
            points.append(
                {
                    "label": known_metrics()[name].title,
                    "intensity": 2 * columns / (2 * width),
                    "rate": best[name].value,
                    "roof": "gemm.float32" if width == 4 else _DOUBLE,
                    "from": f"an estimate: each {columns} columns read and write the rest of the matrix once",
                }
            )
    return points


def _fingerprint(node: str, found: Sequence[Measurement]) -> dict[str, Any]:
    """Axis -> value, None where it was not measured."""
    best = _best([one for one in found if one.node == node])
    return {"node": node, "values": [best[name].value if name in best else None for name, *_ in AXES]}


def _best(found: Sequence[Measurement]) -> dict[str, Measurement]:
    """Metric -> its best variant; of HPCG the plain one, which alone is the rating."""
    best: dict[str, Measurement] = {}
    for one in found:
        if one.value is None or (one.benchmark == "hpcg" and one.label != "plain"):
            continue
        before = best.get(one.name)
        is_higher = known_metrics()[one.name].better == "higher"
        if before is None or before.value is None or (one.value > before.value) == is_higher:
            best[one.name] = one
    return best


def _outliers(found: Sequence[Measurement]) -> list[dict[str, Any]]:
    groups: dict[tuple[str, str], dict[str, float]] = {}
    for one in found:
        if one.value is not None:
            groups.setdefault((one.name, one.label), {})[one.node] = one.value
    rows = []
    for (name, label), values in groups.items():
        metric = known_metrics()[name]
        for outlier in outliers(values):
            is_worse = (outlier.ratio < 1) == (metric.better == "higher")
            rows.append(
                {**asdict(outlier), "metric": name, "label": label, "unit": metric.unit, "is_worse": is_worse}
            )
    return rows


def _outliers_why(nodes: list[str]) -> str:
    if len(nodes) < LEAST_NODES:
        return f"With {len(nodes)} of at least {LEAST_NODES} nodes nobody can be said to differ"
    return "No node differs: all are within 5 % or 3.5 robust standard deviations of the median"


def _figure(one: Measurement) -> dict[str, Any]:
    names = (
        "name", "label", "node", "value", "low", "high", "unit", "repeats", "stopped", "state", "reason", "note",
        "foreign_cores", "steal", "is_clean", "conditions_reason", "share", "peak_reason", "statistic", "benchmark",
    )  # fmt: skip
    checks = [
        {"name": c.name, "value": c.value, "must": c.must, "limit": c.limit, "passed": c.passed}
        for c in one.checks
    ]
    return {name: getattr(one, name) for name in names} | {
        "title": known_metrics()[one.name].title,
        "samples": [sample.value for sample in one.samples],
        "checks": checks,
        "settings": dict(one.settings),
    }


def _versions(found: Sequence[Measurement], node: str) -> dict[str, str]:
    merged: dict[str, str] = {}
    for one in found:
        if one.node == node:
            merged |= dict(one.versions)
    return merged
