"""Cores, caches and memory as sets of processors, and the packages and chiplets that follow from them.

Both hwloc's XML and Linux's /sys become a `Layout`; what is made of it is the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from timonier.describe.topology import Cache, Chiplet, Memory, Package

Node = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CacheSet:
    """One cache.  name: "L1d", "L2", ...  mask: who uses it."""

    name: str
    size_bytes: int | None
    mask: int


@dataclass(frozen=True, slots=True)
class Domain:
    """One memory domain.  mask: the processors near it, 0 for none (CXL, memory of a GPU)."""

    number: int
    mask: int
    size_bytes: int | None = None
    kind: str = ""
    bytes_per_s: int | None = None
    cache_bytes: int | None = None


@dataclass(slots=True)
class Layout:
    """Sets of hardware threads; packages: (name, model, mask)."""

    threads: int = 0
    packages: list[tuple[str, str, int]] = field(default_factory=list)
    dies: list[int] = field(default_factory=list)
    cores: list[int] = field(default_factory=list)
    caches: list[CacheSet] = field(default_factory=list)
    domains: list[Domain] = field(default_factory=list)
    kinds: list[tuple[str, int]] = field(default_factory=list)


def packages_of(layout: Layout, nodes: Node) -> tuple[Package, ...]:
    """The packages; and what is in none of them as a `domain` for each memory domain, or one in all."""
    found = [_package(layout, nodes, name, model, mask) for name, model, mask in layout.packages]
    loose = layout.threads & ~_union(mask for _, _, mask in layout.packages)
    if not loose:
        return tuple(found)
    near = [(f"cores{domain.number}", domain.mask & loose) for domain in layout.domains]
    rest = loose & ~_union(mask for _, mask in near)
    if not _are_apart([mask for _, mask in near]):
        near, rest = [], loose
    return (
        *found,
        *(
            _package(layout, nodes, name, "", mask, kind="domain")
            for name, mask in [*near, ("cores", rest)]
            if mask
        ),
    )


def memories_of(layout: Layout, nodes: Node) -> tuple[Memory, ...]:
    """The memory domains, each with the package that holds it."""
    return tuple(
        Memory(
            nodes,
            f"numa{domain.number}",
            package=_holder(layout, domain.mask),
            kind=domain.kind,
            size_bytes=domain.size_bytes,
            bytes_per_s=domain.bytes_per_s,
            cache_bytes=domain.cache_bytes,
            beside=_beside(layout, domain),
        )
        for domain in sorted(layout.domains, key=lambda domain: domain.number)
    )


def _beside(layout: Layout, domain: Domain) -> str:
    """The lowest domain with the same processors near it, where that is another."""
    equal = min(other.number for other in layout.domains if other.mask == domain.mask)
    return f"numa{equal}" if domain.mask and equal != domain.number else ""


def nearest_domain(layout: Layout, mask: int) -> int | None:
    """The number of the smallest memory domain that holds all of `mask`; None where no single one does."""
    holders = [domain for domain in layout.domains if mask and not mask & ~domain.mask]
    return min(holders, key=lambda d: (d.mask.bit_count(), d.number)).number if holders else None


def package_of(layout: Layout, mask: int) -> str:
    """The name of the only package, or of the one that holds all of `mask`; "" where no single one does."""
    return layout.packages[0][0] if len(layout.packages) == 1 else _holder(layout, mask)


def _package(layout: Layout, nodes: Node, name: str, model: str, mask: int, kind: str = "package") -> Package:
    dies = sum(1 for die in layout.dies if die & mask)
    return Package(
        nodes,
        name,
        kind=kind,
        model=model,
        cores=_cores(layout, mask),
        threads=(mask & layout.threads).bit_count() or None,
        dies=dies or None,
        chiplets=_chiplets(layout, mask),
        caches=_caches(layout, mask),
        core_kinds=_kinds(layout, mask),
    )


def _chiplets(layout: Layout, package: int) -> tuple[Chiplet, ...]:
    """L3 domains where there are any, else dies, else what is near one memory; cores outside make a last one."""
    groups = [
        (cache.mask, cache.size_bytes)
        for cache in layout.caches
        if cache.name == "L3" and cache.mask & package
    ]
    groups = groups or [(die, None) for die in layout.dies if die & package]
    groups = groups or [(mask, None) for mask in _quarters(layout, package)]
    if not groups:
        return ()
    rest = package & layout.threads & ~_union(mask for mask, _ in groups)
    masks = [*groups, *([(rest, None)] if rest else [])]
    each = [
        (
            _cores(layout, mask & package),
            (mask & package & layout.threads).bit_count(),
            size,
            nearest_domain(layout, mask & package),
        )
        for mask, size in masks
    ]
    return tuple(
        Chiplet(len(list(equal)), cores=cores, threads=threads, l3_bytes=size, numa=numa)
        for (cores, threads, size, numa), equal in groupby(each)
    )


def _quarters(layout: Layout, package: int) -> list[int]:
    """The processors near each memory domain, where there are several such groups in the package."""
    masks = list(dict.fromkeys(domain.mask & package for domain in layout.domains if domain.mask & package))
    return masks if len(masks) > 1 and _are_apart(masks) else []


def _caches(layout: Layout, package: int) -> tuple[Cache, ...]:
    sizes = Counter((cache.name, cache.size_bytes) for cache in layout.caches if cache.mask & package)
    return tuple(Cache(name, size, count) for (name, size), count in sorted(sizes.items(), key=str))


def _kinds(layout: Layout, package: int) -> dict[str, int]:
    kinds = {name: _cores(layout, mask & package) or 0 for name, mask in layout.kinds}
    kinds = {name: count for name, count in kinds.items() if count}
    return kinds if len(kinds) > 1 else {}


def _cores(layout: Layout, mask: int) -> int | None:
    """Cores with at least one thread in `mask`; None where the source names no cores at all."""
    return sum(1 for core in layout.cores if core & mask) if layout.cores else None


def _holder(layout: Layout, mask: int) -> str:
    holders = [name for name, _, package in layout.packages if mask and not mask & ~package]
    return holders[0] if len(holders) == 1 else ""


def _union(masks: Iterable[int]) -> int:
    whole = 0
    for mask in masks:
        whole |= mask
    return whole


def _are_apart(masks: Sequence[int]) -> bool:
    return _union(masks).bit_count() == sum(mask.bit_count() for mask in masks)
