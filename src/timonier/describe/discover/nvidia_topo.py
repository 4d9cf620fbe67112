"""The text of `nvidia-smi topo -m` into records; what `lscpu` and `lspci` say in the same text is taken too.

Source: nvidia-smi(1), topo; its legend of X, SYS, NODE, PHB, PXB, PIX and NV#.
"""

from __future__ import annotations

import re
from dataclasses import replace

from timonier.describe.catalogue import recognise_gpu
from timonier.describe.discover.found import Found
from timonier.describe.discover.sets import parse_list
from timonier.describe.topology import Device, Link, Memory, Package, Topology
from timonier.kit.errors import InputError

FIX = "make it again with: nvidia-smi topo -m > topology.txt"
_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
_DEVICE = re.compile(r"(GPU|NIC|mlx\d*_|hfi\d*_|bnxt_re|irdma|rdmap|efa_)\S*")
_CELL = re.compile(r"X|SYS|NODE|PHB|PXB|PIX|NV(\d{1,3})")
_MOST = 1024


def holds_matrix(text: str) -> bool:
    """Does a line begin the matrix?"""
    return any(_is_head(line) for line in _lines(text))


def parse_nvidia_topo(text: str, where: str = "", fallback: str = "node") -> Found:
    """The node whose matrix the text holds; types of GPUs only where lspci names one.  Raises InputError."""
    lines = _lines(text)
    start = next((at for at, line in enumerate(lines) if _is_head(line)), None)
    if start is None:
        raise InputError("there is no matrix of nvidia-smi topo -m in it", where=where, fix=FIX)
    names = lines[start].split(" Affinity")[0].removesuffix("CPU").split()
    names = names[: names.index("CPU")] if "CPU" in names else names
    if len(names) > _MOST or len(set(names)) < len(names):
        raise InputError("its head names a device twice, or too many", where=where, fix=FIX)
    rows = _rows(lines[start + 1 :], names, where, start + 2)
    return _found(text, names, rows, fallback, where)


Row = tuple[list[str], list[str]]


def _rows(lines: list[str], names: list[str], where: str, first: int) -> dict[str, Row]:
    """Name -> its cells and what follows them; each device has one row, and the matrix is complete."""
    rows: dict[str, Row] = {}
    for number, line in enumerate(lines, first):
        words = line.split()
        if not words or words[0] not in names:
            if rows:
                break
            continue
        cells = words[1 : 1 + len(names)]
        wrong = [cell for cell in cells if not _CELL.fullmatch(cell)]
        if len(cells) < len(names) or wrong:
            what = f"{wrong[0]!r} is no cell of a matrix" if wrong else f"the row of {words[0]} is too short"
            raise InputError(what, where=f"{where}, line {number}", fix=FIX)
        rows[words[0]] = cells, words[1 + len(names) :]
    missing = [name for name in names if name not in rows]
    if missing:
        raise InputError(f"the matrix has no row of {missing[0]}", where=where, fix=FIX)
    return rows


def _found(text: str, names: list[str], rows: dict[str, Row], fallback: str, where: str) -> Found:
    nodes = (fallback,)
    try:
        affinities = {name: parse_list(rest[0]) for name, (_, rest) in rows.items() if _is_list(rest, 0)}
        domains = {name: int(rest[1]) for name, (_, rest) in rows.items() if _is_number(rest)}
    except ValueError as error:
        raise InputError(f"an affinity is wrong: {error}", where=where, fix=FIX) from error
    unknown = {"memory": "nvidia-smi does not say how large it is"}
    packages = _packages(text, affinities, domains, nodes, unknown)
    numbers = sorted(set(domains.values()) | set(range(_lscpu(text, "NUMA node(s)") or 0)))
    groups = _groups(affinities, domains)
    beside = (
        dict(zip(groups, (package.name for package in packages), strict=False))
        if all(one.kind == "domain" for one in packages)
        else {}
    )
    places = {package.name for package in packages if package.kind == "domain"}
    memories = tuple(Memory(nodes, f"numa{number}", package=_place(number, places)) for number in numbers)
    if not memories:
        unknown["NUMA"] = "this nvidia-smi has no column for it"
    model, kind = _gpu(text, unknown)
    devices = tuple(
        Device(
            nodes,
            ours,
            _kind(name),
            type=kind if _kind(name) == "gpu" else "",
            model=model if _kind(name) == "gpu" else "",
            system=_real_name(text, name),
            numa=domains.get(name),
            parent=beside.get(affinities.get(name, 0), ""),
        )
        for name, ours in _our_names(names).items()
    )
    return Found(fallback, Topology(packages, memories, devices, _links(names, rows, nodes), unknown))


def _place(numa: int | None, places: set[str]) -> str:
    """The processors beside a memory domain, where nothing but them is known."""
    return f"cores{numa}" if f"cores{numa}" in places else ""


def _links(names: list[str], rows: dict[str, Row], nodes: tuple[str, ...]) -> tuple[Link, ...]:
    """Every pair once: NVLinks with their number, else the way through PCIe."""
    ours, found = _our_names(names), []
    for at, name in enumerate(names):
        for to in range(at + 1, len(names)):
            cell = rows[name][0][to]
            match = _CELL.fullmatch(cell)
            ends = ours[name], ours[names[to]]
            if match and match.group(1):
                found.append(Link(nodes, ends, "nvlink", int(match.group(1))))
            elif cell != "X":
                found.append(Link(nodes, ends, "pcie", path=cell))
    return tuple(found)


def _packages(
    text: str,
    affinities: dict[str, int],
    domains: dict[str, int],
    nodes: tuple[str, ...],
    unknown: dict[str, str],
) -> tuple[Package, ...]:
    """The sockets of lscpu where the text has it; else the processors beside the GPUs."""
    sockets = _lscpu(text, "Socket(s)")
    cores, threads = _lscpu(text, "Core(s) per socket"), _lscpu(text, "Thread(s) per core")
    model = re.search(r"^\s*Model name:\s*(.+?)\s*$", text, re.MULTILINE)
    if sockets and sockets <= _MOST:
        package = Package(
            nodes,
            "",
            model=model.group(1) if model else "",
            cores=cores,
            threads=cores * threads if cores and threads else None,
        )
        return tuple(replace(package, name=f"package{number}") for number in range(sockets))
    unknown["packages"] = "nvidia-smi names none; these are the processors beside the GPUs"
    unknown["cores"] = "nvidia-smi names hardware threads only; they are taken as cores"
    groups = _groups(affinities, domains)
    told = None not in groups.values() and len(set(groups.values())) == len(groups)
    return tuple(
        Package(nodes, f"cores{numa}" if told else f"group{index}", kind="domain", threads=mask.bit_count())
        for index, (mask, numa) in enumerate(groups.items())
    )


def _groups(affinities: dict[str, int], domains: dict[str, int]) -> dict[int, int | None]:
    """Each set of processors beside a GPU, with its memory domain."""
    return dict(sorted((mask, domains.get(name)) for name, mask in affinities.items()))


def _lscpu(text: str, key: str) -> int | None:
    match = re.search(rf"^\s*{re.escape(key)}:\s*(\d{{1,4}})\s*$", text, re.MULTILINE)
    return int(match.group(1)) if match else None


def _gpu(text: str, unknown: dict[str, str]) -> tuple[str, str]:
    """What lspci in the same text calls the GPUs, if it calls all of them alike, and their catalogue name."""
    models = set(re.findall(r"NVIDIA Corporation \w+ \[([^\]\n]{1,80})\]", text))
    if len(models) == 1:
        model = f"NVIDIA {models.pop()}"
        return model, recognise_gpu(model)
    unknown["types of GPUs"] = "nvidia-smi topo -m does not name them; write them into the machine file"
    return "", ""


def _our_names(names: list[str]) -> dict[str, str]:
    """GPU3 -> gpu3; cards are numbered in their order."""
    cards = iter(range(len(names)))
    return {name: f"gpu{name[3:]}" if _kind(name) == "gpu" else f"nic{next(cards)}" for name in names}


def _kind(name: str) -> str:
    return "gpu" if re.fullmatch(r"GPU\d{1,4}", name) else "nic"


def _real_name(text: str, name: str) -> str:
    """`NIC0` is explained in a legend below the matrix."""
    if _kind(name) == "gpu":
        return ""
    match = re.search(rf"^\s*{re.escape(name)}:\s*(\S{{1,40}})\s*$", text, re.MULTILINE)
    return match.group(1) if match else name


def _is_list(words: list[str], at: int) -> bool:
    return len(words) > at and words[at][:1].isdigit()


def _is_number(words: list[str]) -> bool:
    return len(words) > 1 and bool(re.fullmatch(r"\d{1,4}", words[1]))


def _is_head(line: str) -> bool:
    """`GPU0 GPU1 ... CPU Affinity`; the row of GPU0 begins with X instead."""
    words = line.split()
    return len(words) > 1 and words[0] == "GPU0" and (words[1] == "CPU" or bool(_DEVICE.fullmatch(words[1])))


def _lines(text: str) -> list[str]:
    return _ESCAPE.sub("", text).splitlines()
