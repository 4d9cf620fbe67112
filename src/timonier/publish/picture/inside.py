"""The inside of one node: packages, chiplets, memory, devices on their switches, links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

from timonier.describe import Chiplet, Machine, Memory, Package, Topology
from timonier.publish.picture.canvas import Canvas, fit
from timonier.publish.picture.devices import DEVICE_W, PAD, below, draw_devices, grouped
from timonier.publish.picture.matrix import draw_matrix
from timonier.publish.picture.words import (
    cores_text,
    model_text,
    size_text,
    speed_text,
)

_MARGIN, _GAP = 20.0, 16.0
_MEMORY_W = 128.0
_MOST_CHIPLETS, _MOST_CORES = 32, 128


def draw_inside(machine: Machine, node: str) -> str:
    """The node as SVG.  What is not known is not drawn; the reasons stand at the bottom."""
    inside = _of_node(machine.topology, node)
    canvas = Canvas()
    y = _head(canvas, machine, node, inside)
    columns = _columns(inside.packages)
    height = y
    if inside.packages:
        width = _column_width(inside, columns)
        for start in range(0, len(inside.packages), columns):
            row = inside.packages[start : start + columns]
            tops = [
                _package(canvas, inside, package, (_MARGIN + at * (width + _GAP), height), width)
                for at, package in enumerate(row)
            ]
            height = max(tops) + _GAP
    height = _loose(canvas, inside, height)
    height = draw_matrix(canvas, inside, _MARGIN, height)
    _unknown(canvas, inside, height)
    return canvas.svg(f"The inside of {node}")


def _of_node(topology: Topology, node: str) -> Topology:
    """Only what that node has."""
    return Topology(
        tuple(one for one in topology.packages if node in one.nodes),
        tuple(one for one in topology.memories if node in one.nodes),
        tuple(one for one in topology.devices if node in one.nodes),
        tuple(one for one in topology.links if node in one.nodes),
        topology.unknown,
    )


def _head(canvas: Canvas, machine: Machine, node: str, inside: Topology) -> float:
    group = next(group for group in machine.nodes if node in group.names)
    canvas.text((_MARGIN, 34), node, 20, "bold")
    gpus = " + ".join(f"{gpus.count} x {gpus.type}" for gpus in group.gpus)
    models = list(dict.fromkeys(model_text(package.model) for package in inside.packages if package.model))
    words = [
        group.product,
        f"{len(inside.packages)} x {models[0]}" if len(models) == 1 else group.cpu,
        f"{group.cores:g} cores",
        size_text(group.memory_bytes or None),
        gpus,
    ]
    canvas.text((_MARGIN, 56), "  ·  ".join(word for word in words if word), 13, "soft")
    return 76.0


def _columns(packages: Sequence[Package]) -> int:
    count = len(packages)
    return count if count <= 2 else 2 if count <= 4 else 4 if count <= 16 else 6


def _column_width(inside: Topology, columns: int) -> float:
    """Wide enough for the widest switch or package, and a page in all."""
    each = max((len(grouped(below(inside, package.name))) for package in inside.packages), default=0)
    held = {memory.package for memory in inside.memories}
    wish = max(
        _chips_width(package) + 3 * PAD + (_MEMORY_W + PAD) * (package.name in held)
        for package in inside.packages
    )
    devices = min(each, 5) * (DEVICE_W + PAD) + 5 * PAD
    if columns > 4:
        return 320.0
    pair = 660.0 if columns <= 2 and _most_switches(inside) > 1 else 0.0
    return max(300.0 if columns > 2 else 420.0, pair, min(wish, 760.0), min(devices, 760.0))


def _most_switches(inside: Topology) -> int:
    """Switches below one package, so that two of them stand beside each other."""
    hanging = [[one.kind for one in below(inside, package.name)] for package in inside.packages]
    return max((kinds.count("switch") for kinds in hanging), default=0)


# --- packages


def _package(
    canvas: Canvas, inside: Topology, package: Package, at: tuple[float, float], width: float
) -> float:
    """One package with what hangs on it; returns the lowest y."""
    x, y = at
    mark = len(canvas.marks)
    canvas.box((x, y, width, 0), "package")  # its height is known at the end
    title = f"{package.name}  {model_text(package.model)}"
    canvas.text((x + PAD, y + 20), fit(title, width - 2 * PAD, 13), 13, "bold")
    low = y + 32
    for line in _facts(package):
        canvas.text((x + PAD, low + 4), fit(line, width - 2 * PAD, 11), 11, "soft")
        low += 14
    own = [memory for memory in inside.memories if memory.package == package.name]
    chips = _expanded(package)
    names = [memory.name for memory in own]
    heads: list[Memory | None] = [memory for memory in own if memory.beside not in names]
    for head in heads or [None]:
        mine = [chip for chip in chips if head is None or _is_near(chip, head, own)]
        beside = [one for one in own if head is not None and head.name in (one.name, one.beside)]
        low = _domain(canvas, beside, mine, (x + PAD, low), width - 2 * PAD) + 8
    canvas.marks[mark] = _resized(canvas.marks[mark], low - y)
    children = [device for device in inside.devices if device.parent == package.name]
    return draw_devices(canvas, inside, children, (x, low), width) if children else low


def _resized(mark: str, height: float) -> str:
    return mark.replace('height="0"', f'height="{height:.1f}"')


def _facts(package: Package) -> list[str]:
    caches = ", ".join(
        f"{one.name} {size_text(one.size_bytes)}"
        for one in package.caches
        if one.size_bytes and one.name != "L3"
    )
    kinds = ", ".join(f"{count} {name}" for name, count in package.core_kinds.items())
    dies = f"{package.dies} dies" if package.dies and package.dies > 1 else ""
    told = "" if package.kind == "package" else "package not told"
    lines = ["  ·  ".join(part for part in (cores_text(package), told, dies, kinds) if part), caches]
    return [line for line in lines if line]


def _expanded(package: Package) -> list[Chiplet]:
    """Each chiplet by itself; the whole package as one where it has none, or too many to draw."""
    if not package.chiplets:
        return [Chiplet(1, package.cores, package.threads)]
    if sum(chiplet.count for chiplet in package.chiplets) > _MOST_CHIPLETS:
        return list(package.chiplets)
    return [replace(chiplet, count=1) for chiplet in package.chiplets for _ in range(chiplet.count)]


def _is_near(chip: Chiplet, memory: Memory, own: Sequence[Memory]) -> bool:
    """Chiplets near no single domain stand beside the first; each stands once."""
    names = [one.name for one in own]
    name = f"numa{chip.numa}"
    return name == memory.name if name in names else memory is own[0]


def _domain(
    canvas: Canvas,
    memories: Sequence[Memory],
    chips: Sequence[Chiplet],
    at: tuple[float, float],
    width: float,
) -> float:
    """Memory at the left and the chiplets near it at the right; returns the lowest y."""
    x, y = at
    low, left, right = y, x, x + width
    for memory in memories:
        low = _memory(canvas, memory, (x, low)) + 4
        left = x + _MEMORY_W + PAD
    row, here, bottom = y, left, y
    for chip in chips:
        w, h = _chip_size(chip, right - left)
        if here > left and here + w > right:
            here, row = left, bottom + 6
        _chip(canvas, chip, (here, row), (w, h))
        bottom = max(bottom, row + h)
        here += w + 6
    return max(low, bottom)


def _memory(canvas: Canvas, memory: Memory, at: tuple[float, float]) -> float:
    x, y = at
    lines = [
        " ".join(part for part in (size_text(memory.size_bytes), memory.kind) if part),
        speed_text(memory.bytes_per_s),
        f"cache {size_text(memory.cache_bytes)}" if memory.cache_bytes else "",
    ]
    lines = [line for line in lines if line]
    height = 24.0 + 14 * len(lines)
    canvas.box((x, y, _MEMORY_W, height), "memory", memory.name)
    canvas.text((x + 8, y + 16), fit(memory.name, _MEMORY_W - 12, 12), 12, "bold")
    for number, line in enumerate(lines):
        canvas.text((x + 8, y + 32 + 14 * number), fit(line, _MEMORY_W - 12, 11), 11)
    return y + height


@dataclass(frozen=True, slots=True)
class _Grid:
    """How a chiplet's cores are laid out."""

    cores: int
    columns: int
    step: float

    @property
    def rows(self) -> int:
        return ceil(self.cores / self.columns) if self.cores else 0


def _grid(chip: Chiplet) -> _Grid:
    cores = chip.cores if chip.cores is not None else chip.threads or 0
    if not 0 < cores <= _MOST_CORES:
        return _Grid(0, 1, 0)
    columns = 4 if cores <= 16 else 8 if cores <= 32 else 16
    return _Grid(cores, min(columns, cores), 13.0 if cores <= 32 else 11.0)


def _chip_label(chip: Chiplet) -> str:
    cores = f"{chip.cores} cores" if chip.cores is not None else f"{chip.threads or '?'} threads"
    many = f"{chip.count} x " if chip.count > 1 else ""
    cache = f"L3 {size_text(chip.l3_bytes)}" if chip.l3_bytes else ""
    return many + (f"{cores}, {cache}" if many or _grid(chip).cores == 0 else cache or cores)


def _chip_size(chip: Chiplet, most: float) -> tuple[float, float]:
    grid = _grid(chip)
    width = max(grid.columns * grid.step + 12, len(_chip_label(chip)) * 10 * 0.61 + 14)
    return min(width, most), 22 + grid.rows * grid.step + 6


def _chips_width(package: Package) -> float:
    chips = _expanded(package)
    each = max(_chip_size(chip, 700)[0] for chip in chips) + 6
    return each * min(len(chips), 8)


def _chip(canvas: Canvas, chip: Chiplet, at: tuple[float, float], size: tuple[float, float]) -> None:
    (x, y), (w, h) = at, size
    threads = f"{chip.threads} threads" if chip.threads else ""
    title = ", ".join(
        part for part in (f"{chip.cores or '?'} cores", threads, size_text(chip.l3_bytes)) if part
    )
    canvas.box((x, y, w, h), "chiplet", title, 3)
    canvas.text((x + 6, y + 14), fit(_chip_label(chip), w - 8, 10), 10)
    grid = _grid(chip)
    for number in range(grid.cores):
        cx = x + 6 + (number % grid.columns) * grid.step
        cy = y + 20 + (number // grid.columns) * grid.step
        canvas.box((cx, cy, grid.step - 3, grid.step - 3), "core", radius=1.5)


def _loose(canvas: Canvas, inside: Topology, y: float) -> float:
    """Memory and devices of which no package is told."""
    names = {package.name for package in inside.packages}
    memories = [memory for memory in inside.memories if memory.package not in names]
    parts = names | {device.name for device in inside.devices}
    devices = [device for device in inside.devices if device.parent not in parts]
    if memories:
        canvas.text((_MARGIN, y + 12), "memory of no single package", 12, "soft")
        x, low = _MARGIN, y + 20
        for number, memory in enumerate(memories):
            at = (x + (number % 8) * (_MEMORY_W + 8), y + 20 + (number // 8) * 60)
            low = max(low, _memory(canvas, memory, at))
        y = low + _GAP
    if devices:
        canvas.text((_MARGIN, y + 12), "devices, their package not told", 12, "soft")
        y += 20
        for numa in sorted({device.numa for device in devices}, key=lambda n: (n is None, n)):
            near = [device for device in devices if device.numa == numa]
            label = "NUMA not told" if numa is None else f"numa{numa}"
            canvas.text((_MARGIN, y + 12), label, 11, "bold")
            y = draw_devices(canvas, inside, near, (_MARGIN, y + 16), 8 * (DEVICE_W + PAD)) + 6
    return y


def _unknown(canvas: Canvas, inside: Topology, y: float) -> None:
    if not inside.unknown:
        return
    canvas.text((_MARGIN, y + 14), "not known", 12, "bold")
    for number, (what, why) in enumerate(inside.unknown.items()):
        if number == 12:
            canvas.text((_MARGIN, y + 32 + 15 * number), f"and {len(inside.unknown) - 12} more", 11, "soft")
            break
        canvas.text((_MARGIN, y + 32 + 15 * number), fit(f"{what}: {why}", 1000, 11), 11, "soft")
