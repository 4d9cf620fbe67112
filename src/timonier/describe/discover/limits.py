"""How much of the machine the control group lets us use, in cgroup versions 1 and 2.

Source: Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from timonier.describe.discover.tree import Tree

_ROOT = "/sys/fs/cgroup"
_ENDLESS = 1 << 60  # version 1 writes "no limit" as a number near 2^63


@dataclass(frozen=True, slots=True)
class Limits:
    """None: no limit.  version: 0 where no control group can be seen."""

    version: int = 0
    cores: float | None = None
    memory_bytes: int | None = None


def read_limits(tree: Tree) -> Limits:
    """The tightest limit from our own group up to the root."""
    groups = _groups(tree.text("/proc/self/cgroup") or "")
    if tree.text(f"{_ROOT}/cgroup.controllers") is not None:
        paths = _upwards(groups.get("", "/"))
        cores = [_share(tree.text(f"{_ROOT}{path}/cpu.max")) for path in paths]
        sizes = [tree.number(f"{_ROOT}{path}/memory.max") for path in paths]
        return Limits(2, _least(cores), _whole(_least(sizes)))
    if not groups:
        return Limits()
    cores = [
        _quota(tree.number(f"{folder}/cpu.cfs_quota_us"), tree.number(f"{folder}/cpu.cfs_period_us"))
        for folder in _folders(tree, groups, "cpu", ("cpu", "cpu,cpuacct"))
    ]
    sizes = [
        tree.number(f"{folder}/memory.limit_in_bytes")
        for folder in _folders(tree, groups, "memory", ("memory",))
    ]
    return Limits(1, _least(cores), _whole(_least([size for size in sizes if (size or 0) < _ENDLESS])))


def _groups(text: str) -> dict[str, str]:
    """Controller -> our group; version 2 has one without a name."""
    groups = {}
    for line in text.splitlines():
        parts = line.split(":", 2)
        if len(parts) == 3:
            groups.update(dict.fromkeys(parts[1].split(","), parts[2]))
    return groups


def _folders(tree: Tree, groups: dict[str, str], controller: str, mounts: tuple[str, ...]) -> list[str]:
    mount = next((name for name in mounts if tree.names(f"{_ROOT}/{name}")), "")
    return [f"{_ROOT}/{mount}{path}" for path in _upwards(groups.get(controller, "/"))] if mount else []


def _upwards(group: str) -> list[str]:
    path = PurePosixPath("/") / group.lstrip("/")
    return [str(path), *(str(parent) for parent in path.parents)]


def _share(text: str | None) -> float | None:
    """`150000 100000` of cpu.max as 1.5 cores; `max 100000` is no limit."""
    words = (text or "").split()
    if len(words) != 2 or not all(word.isdecimal() for word in words):
        return None
    return _quota(int(words[0]), int(words[1]))


def _quota(quota: int | None, period: int | None) -> float | None:
    return round(quota / period, 3) if quota and period and quota > 0 and period > 0 else None


def _least(values: list[float | None] | list[int | None]) -> float | None:
    known = [value for value in values if value is not None]
    return min(known) if known else None


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
