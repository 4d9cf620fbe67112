"""The placement rules, plainly: the total score of each feasible node, as docs/background/node-engine.md says."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from timonier.describe import mig_geometry
from timonier.policy.profile import Profile, Score

WHOLE = 1000
MASK = 2**64 - 1


def mix(z: int) -> int:
    z = (z + 0x9E3779B97F4A7C15) & MASK
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


def draw(seed: int, decision: int, index: int) -> int:
    return mix(mix(mix(seed) ^ decision) ^ index) >> 11


def toward_zero(number: int, by: int) -> int:
    """Whole division as in Go."""
    return number // by if number >= 0 else -(-number // by)


def left_of(gpu: Any) -> int:
    """Thousandths of a GPU that are free; of one that is cut, its free memory slices."""
    if gpu.free < WHOLE or not gpu.cut:
        return int(gpu.free)
    geometry = mig_geometry(gpu.type)
    assert geometry is not None
    return WHOLE - WHOLE * len(gpu.cut) // geometry.memory_slices


def gpus_left(node: Any) -> int:
    return sum(left_of(gpu) for gpu in node.gpus)


class Total:
    """The weighted sum of a profile's rules."""

    def __init__(self, profile: Profile, room: Any, jobs: list[Any]) -> None:
        self.place = profile.place
        self.most_cores = max([node.total["cores"] for node in room.nodes], default=1)
        self.most_gpus = WHOLE * max([len(node.gpus) for node in room.nodes], default=0)
        self.weights = [node.weight for node in room.nodes]
        self.jobs = jobs
        self.missing = max([score.missing_memory_bytes for score in profile.place.score], default=0)
        # in the order of the machine file
        listed = sorted(room.nodes, key=lambda node: node.in_file)
        self.all_gpus = [gpu for node in listed for gpu in node.gpus]
        self.cut_gpus = [gpu for gpu in self.all_gpus if gpu.legal]
        self.typical: list[tuple[int, int, int, list[str] | None, float]] | None = None

    def count(self, demand: Any, node: Any, sign: int) -> None:
        """One task more or less on a node."""
        node.tasks += sign
        node.free["counted memory"] -= sign * (demand.job.memory or self.missing)
        if demand.count:
            sort = self.sort_of(demand.job)
            node.sorts[sort] = node.sorts.get(sort, 0) + sign

    def of(self, demand: Any, nodes: list[Any], before: list[Any], seed: int, decision: int) -> list[float]:
        """The total of each node; before: the nodes of the tasks of this job that are placed already."""
        totals = []
        for node in nodes:
            total = 0.0
            for score in self.place.score:
                value = self.rule(score, demand, node, before, seed, decision)
                if self.place.scale:
                    value = math.floor(value * self.place.scale / 100.0)
                total += score.weight * value
            totals.append(total)
        return totals

    def rule(
        self, score: Score, demand: Any, node: Any, before: list[Any], seed: int, decision: int
    ) -> float:
        rule = score.rule
        if rule in ("least-allocated", "most-allocated", "requested-to-capacity"):
            return self.fit(score, demand, node)
        if rule == "balanced-allocation":
            return self.balanced(score, demand, node)
        if rule in ("best-fit", "dot-product"):
            return self.packed(rule, demand, node)
        if rule == "gpu-packing":
            return self.packing(demand, node)
        if rule == "gpu-clustering":
            return self.clustering(demand, node)
        if rule == "fragmentation-gradient":
            return self.gradient(demand, node)
        if rule == "node-weight":
            low, high = min(self.weights), max(self.weights)
            return 100.0 if low == high else 100.0 * (high - node.weight) / (high - low)
        if rule == "rack-local":
            if not before or not node.rack:
                return 0.0
            return 100.0 * sum(other.rack == node.rack for other in before) / len(before)
        return draw(seed, decision, node.number) / 2.0**53 * 100.0

    # ---- the four of kube-scheduler

    def quantities(
        self, score: Score, demand: Any, node: Any, missing: int
    ) -> list[tuple[int, int, int, int]]:
        """(weight, all, used with the task, asked) of every quantity that counts."""
        weights = dict(score.resources) or {"cores": 1, "memory": 1}
        found = []
        for name in [*(n for n in node.total if n != "counted memory"), "gpus"]:
            weight = weights.get(name, 0)
            if not weight:
                continue
            if name == "gpus":
                want = self.thousandths(demand)
                total = WHOLE * len(node.gpus)
                used = total - gpus_left(node) + want
            else:
                want = demand.quantities.get(name, 0)
                total = node.total[name]
                used = total - node.free[name] + want
                if name == "memory" and missing:
                    used = total - node.free["counted memory"] + (want or missing)
            if total == 0 or (name not in ("cores", "memory") and want == 0):
                continue
            found.append((weight, total, used, want))
        return found

    def fit(self, score: Score, demand: Any, node: Any) -> float:
        scaled = bool(self.place.scale)
        sum_: float = 0
        weights = 0
        for weight, total, used, _ in self.quantities(score, demand, node, score.missing_memory_bytes):
            value: float
            if score.rule == "requested-to-capacity":
                value = self.line(score, 100 if used > total else used * 100 // total)
                if value == 0:
                    continue
            elif score.rule == "least-allocated":
                value = (
                    max(total - used, 0) * 100 // total if scaled else max(total - used, 0) / total * 100.0
                )
            else:
                value = min(used, total) * 100 // total if scaled else min(used, total) / total * 100.0
            sum_ += weight * value
            weights += weight
        if weights == 0:
            return 0.0
        if not scaled:
            return sum_ / weights
        if score.rule == "requested-to-capacity":
            return float(math.floor(sum_ / weights + 0.5))
        return float(sum_ // weights)

    def line(self, score: Score, u: int) -> int:
        points = [(x, 10 * y) for x, y in score.shape]
        if u <= points[0][0]:
            return points[0][1]
        for (x0, y0), (x1, y1) in pairwise(points):
            if u <= x1:
                return y0 + toward_zero((y1 - y0) * (u - x0), x1 - x0)
        return points[-1][1]

    def balanced(self, score: Score, demand: Any, node: Any) -> float:
        listed = self.quantities(score, demand, node, 0)
        after = (1.0 - spread([min(1.0, used / total) for _, total, used, _ in listed])) * 100.0
        before = (1.0 - spread([min(1.0, (used - want) / total) for _, total, used, want in listed])) * 100.0
        if score.formula == "1.35":
            return math.floor(after) if self.place.scale else after
        if not self.place.scale:
            return 50.0 + (50.0 + after - before) / 2.0
        return float(50 + toward_zero(50 + int(after) - int(before), 2))

    # ---- those of the FGD paper

    def thousandths(self, demand: Any) -> int:
        return self.part(demand.job) * demand.count

    def part(self, job: Any) -> int:
        """Thousandths of one GPU."""
        if job.mig is None:
            return job.gpus if 0 < job.gpus < WHOLE else WHOLE if job.gpus else 0
        for gpu in self.cut_gpus:
            if job.mig in gpu.legal:
                geometry = mig_geometry(gpu.type)
                assert geometry is not None
                return WHOLE * geometry.profiles[job.mig].memory_slices // geometry.memory_slices
        return WHOLE

    def packed(self, rule: str, demand: Any, node: Any) -> float:
        cores, want = float(node.free["cores"]), float(demand.job.cores)
        parts = 1.0
        if rule == "dot-product":
            sum_ = (cores / self.most_cores) * (want / self.most_cores)
        else:
            sum_ = (cores - want) / self.most_cores
        if self.most_gpus:
            gpus, wanted = float(gpus_left(node)), float(self.thousandths(demand))
            if rule == "dot-product":
                sum_ += (gpus / self.most_gpus) * (wanted / self.most_gpus)
            else:
                sum_ += (gpus - wanted) / self.most_gpus
            parts = 2.0
        return (1.0 - sum_ / parts) * 100.0

    def packing(self, demand: Any, node: Any) -> float:
        part = self.part(demand.job)
        if part == 0:
            return 0.0
        left = [(left_of(gpu), number) for number, gpu in enumerate(node.gpus)]
        free = sum(value == WHOLE for value, _ in left)
        if free == len(left):
            return float(max(33 - free, free))
        fits = sorted(
            (value, number)
            for value, number in left
            if part <= value < WHOLE and demand.suits(node.gpus[number])
        )
        fits = fits[: demand.count]
        if len(fits) < demand.count:
            return float(max(50 - (demand.count - len(fits)), 33))
        return float(max(100 - sum(value * 100 // WHOLE for value, _ in fits) // 10, 50))

    def sort_of(self, job: Any) -> Any:
        if job.mig is not None:
            return (max(1, job.gpus // WHOLE), job.mig)
        if 0 < job.gpus < WHOLE:
            return "share"
        return job.gpus // WHOLE

    def clustering(self, demand: Any, node: Any) -> float:
        if demand.count == 0:
            return 0.0
        sorts = node.sorts
        inside = 25 * (self.most_gpus - gpus_left(node)) // self.most_gpus
        if sorts.get(self.sort_of(demand.job), 0):
            return float(inside + (75 if len([s for s in sorts.values() if s]) == 1 else 50))
        return float(inside + (0 if any(sorts.values()) else 25))

    # ---- fragmentation

    def typical_tasks(self) -> list[tuple[int, int, int, list[str] | None, float]]:
        """(cores, GPUs, part of one, types, share of the jobs) of the typical tasks."""
        if self.typical is None:
            rules = [score for score in self.place.score if score.rule == "fragmentation-gradient"]
            wanted = rules[0].typical_share if rules else 0.95
            counts: dict[Any, int] = {}
            types = list(dict.fromkeys(gpu.type for gpu in self.all_gpus))
            for job in self.jobs:
                part = self.part(job)
                count = (
                    max(1, job.gpus // WHOLE) if job.mig else 1 if 0 < job.gpus < WHOLE else job.gpus // WHOLE
                )
                suits: tuple[int, ...] = ()
                if part:
                    words = [w.strip().lower() for w in (job.gpu_types or "").split(">")[0].split("|") if w]
                    memory = {gpu.type: gpu.memory for gpu in self.all_gpus}
                    suits = tuple(
                        int((not words or t in words) and (not job.gpu_memory or memory[t] >= job.gpu_memory))
                        for t in types
                    )
                key = (job.cores, count, part, suits)
                counts[key] = counts.get(key, 0) + 1
            listed = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
            kept = 0
            while sum(n for _, n in listed[:kept]) < wanted * len(self.jobs) and kept < len(listed):
                kept += 1
            sum_ = sum(n for _, n in listed[:kept])
            self.typical = [
                (
                    cores,
                    gpus,
                    part,
                    [t for t, fits in zip(types, suits, strict=True) if fits] if part else None,
                    n / sum_,
                )
                for (cores, gpus, part, suits), n in listed[:kept]
            ]
        return self.typical

    def fragmentation(self, node: Any, cores: int, left: list[int]) -> float:
        idle = sum(left)
        if idle == 0:
            return 0.0
        sum_ = 0.0
        for asked, gpus, part, types, share in self.typical_tasks():
            lost = idle
            if part and asked <= cores:
                fit = [
                    1
                    for value, gpu in zip(left, node.gpus, strict=True)
                    if value >= part and gpu.type in (types or [])
                ]
                if len(fit) >= gpus:
                    lost = sum(value for value in left if value < part)
            sum_ += share * lost
        return sum_

    def grade(self, before: float, after: float) -> float:
        value = 1.0 / (1.0 + math.exp(-((before - after) / 1000.0))) * 100.0
        scale = self.place.scale
        return math.floor(value * scale / 100.0) * 100.0 / scale if scale else value

    def taking(self, demand: Any, node: Any, gpu: int) -> float:
        """The grade of taking a share or a slice of one GPU."""
        left = [left_of(one) for one in node.gpus]
        before = self.fragmentation(node, node.free["cores"], left)
        left[gpu] -= min(self.part(demand.job), left[gpu])
        return self.grade(before, self.fragmentation(node, node.free["cores"] - demand.job.cores, left))

    def gradient(self, demand: Any, node: Any) -> float:
        left = [left_of(one) for one in node.gpus]
        before = self.fragmentation(node, node.free["cores"], left)
        cores = node.free["cores"] - demand.job.cores
        if demand.count == 0:
            return self.grade(before, self.fragmentation(node, cores, left))
        from tests.reference.nodes import places

        able = list(dict.fromkeys(way.gpu for way in places(demand, node)))
        if self.part(demand.job) < WHOLE:
            return max(self.taking(demand, node, gpu) for gpu in able)
        for gpu in able[: demand.count]:
            left[gpu] = 0
        return self.grade(before, self.fragmentation(node, cores, left))

    def device(self, demand: Any, node: Any, way: Any) -> float:
        """How much a way to take a GPU's share fragments the node, low is good."""
        return int((100.0 - self.taking(demand, node, way.gpu)) * 10_000_000.0)


def spread(parts: list[float]) -> float:
    """The standard deviation."""
    if len(parts) < 2:
        return 0.0
    if len(parts) == 2:
        return abs(parts[0] - parts[1]) / 2.0
    sum_ = 0.0
    for part in parts:
        sum_ += part
    mean = sum_ / len(parts)
    squares = 0.0
    for part in parts:
        squares += (part - mean) * (part - mean)
    return math.sqrt(squares / len(parts))
