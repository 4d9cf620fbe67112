"""What a benchmark has to know of the machine that it runs on: processors, caches, memory, versions."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_SYS = Path("/sys/devices/system")
_PACKAGES = ("timonier", "numpy", "numba", "llvmlite", "scipy", "mpi4py", "onednn", "torch", "cupy")


@dataclass(frozen=True, slots=True)
class Here:
    """The machine we are on, as far as we may use it.

    cpus: processors of one thread a core, of our affinity.  numa: memory node -> its processors among them.
    cache_bytes: level -> size of one cache.  last_level_bytes: all last-level caches together, None if unknown.
    free_bytes: memory that a process may take now.
    """

    cpus: tuple[int, ...]
    numa: dict[int, tuple[int, ...]]
    cache_bytes: dict[int, int]
    last_level_bytes: int | None
    free_bytes: int
    cpu_name: str
    node: str
    sockets: int = 1


def look() -> Here:
    """Read it from /proc and /sys; what is missing there is unknown."""
    allowed = os.sched_getaffinity(0)
    cpus = tuple(sorted({_first_sibling(cpu, allowed) for cpu in allowed}))
    nodes = {int(path.name[4:]): _list(path / "cpulist") for path in (_SYS / "node").glob("node[0-9]*")}
    numa = {node: tuple(cpu for cpu in cpus if cpu in of) for node, of in sorted(nodes.items())}
    caches, last = _caches(allowed)
    return Here(
        cpus,
        {k: v for k, v in numa.items() if v},
        caches,
        last,
        _free_bytes(),
        _cpu_name(),
        platform.node(),
        _sockets(),
    )


def versions() -> dict[str, str]:
    """What the figures depend on: packages, Python, kernel, page size policy, processor."""
    found = {"python": platform.python_version(), "kernel": platform.release(), "processor": _cpu_name()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    pages = re.search(r"\[(\w+)\]", _text(Path("/sys/kernel/mm/transparent_hugepage/enabled")))
    if pages:
        found["huge_pages"] = pages.group(1)
    return found


def parse_list(text: str) -> set[int]:
    """
    >>> sorted(parse_list("0-2,5"))
    [0, 1, 2, 5]
    """
    found: set[int] = set()
    for part in text.strip().split(","):
        if part:
            first, _, last = part.partition("-")
            found |= set(range(int(first), int(last or first) + 1))
    return found


def _first_sibling(cpu: int, allowed: set[int]) -> int:
    siblings = _list(_SYS / f"cpu/cpu{cpu}/topology/thread_siblings_list") & allowed
    return min(siblings, default=cpu)


def _caches(allowed: set[int]) -> tuple[dict[int, int], int | None]:
    """Level -> bytes of one data cache, and all last-level caches together."""
    sizes: dict[int, dict[str, int]] = {}
    for cpu in allowed:
        for path in (_SYS / f"cpu/cpu{cpu}/cache").glob("index*"):
            if _text(path / "type").strip() == "Instruction":
                continue
            size = re.fullmatch(r"(\d+)K", _text(path / "size").strip())
            if size:
                level = int(_text(path / "level"))
                sizes.setdefault(level, {})[_text(path / "shared_cpu_list").strip()] = (
                    int(size.group(1)) << 10
                )
    if not sizes:
        return {}, None
    return {level: max(of.values()) for level, of in sorted(sizes.items())}, sum(sizes[max(sizes)].values())


def _sockets() -> int:
    """Packages of this machine, also those that we may not use."""
    packages = {_text(path) for path in (_SYS / "cpu").glob("cpu[0-9]*/topology/physical_package_id")}
    return max(1, len(packages))


def _free_bytes() -> int:
    """What is free now, and no more than the cgroup allows."""
    found = re.search(r"MemAvailable:\s+(\d+) kB", _text(Path("/proc/meminfo")))
    free = int(found.group(1)) << 10 if found else os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        most, now = _text(Path(limit)).strip(), _text(Path(used)).strip()
        if most.isdigit() and now.isdigit():
            free = min(free, max(0, int(most) - int(now)))
    return free


def _cpu_name() -> str:
    found = re.search(r"model name\s*:\s*(.+)", _text(Path("/proc/cpuinfo")))
    return found.group(1).strip() if found else platform.machine()


def _list(path: Path) -> set[int]:
    return parse_list(_text(path))


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
