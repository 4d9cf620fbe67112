"""docs/reference/catalogue.md, made from `catalogue.csv`: python -m timonier.describe.catalogue_page."""

from __future__ import annotations

from timonier.describe.catalogue import DeviceType, known_types

_HEAD = """# Device catalogue

<!-- made by `python -m timonier.describe.catalogue_page`; do not edit, a test compares it -->

What the makers say of their processors and GPUs; `timonier describe catalogue NAME` shows one with all its figures.
Machine files name a type by its word in the first column, without regard to case.
A blank cell is a figure that its source does not give; nothing is guessed.
Rates are of dense arithmetic in 10^12 operations per second; where a source gives rates with sparsity, half of them.
Memory of GPUs is the maker's number, taken as GiB.
Of processors: bandwidth is channels x transfers x 8 bytes of one socket, and peak fp64 is cores x base clock x operations
per cycle of a core. Wide vector code may run below the base clock, so no program reaches more, and many reach less.
MI250 and MI250X are listed by die, as the system shows them.
"""
_CPU = ("type", "maker", "year", "architecture", "cores", "threads", "base GHz", "boost GHz", "L3 MiB",
        "memory", "GB/s", "peak fp64", "W", "PCIe", "source")  # fmt: skip
_GPU = ("type", "maker", "year", "memory GiB", "kind", "GB/s", "fp64", "fp64 matrix", "fp32", "tf32", "bf16", "fp16",
        "fp8", "int8", "W", "links", "GB/s each", "MIG", "PCIe", "source")  # fmt: skip


def render_page() -> str:
    """The page as Markdown: processors, then GPUs."""
    kinds = known_types().values()
    cpus = [_line(_cpu(one)) for one in kinds if one.kind == "cpu"]
    gpus = [_line(_gpu(one)) for one in kinds if one.kind == "gpu"]
    parts = [_HEAD, "## Processors\n", *_table(_CPU, cpus), "\n## GPUs\n", *_table(_GPU, gpus)]
    return "\n".join([*parts, ""])


def _table(titles: tuple[str, ...], lines: list[str]) -> list[str]:
    return [_line(titles), _line(("---",) * len(titles)), *lines]


def _cpu(one: DeviceType) -> tuple[str, ...]:
    memory = one.memory_kind
    if one.channels and one.transfers_per_s:
        memory = f"{one.channels} x {one.memory_kind}-{one.transfers_per_s / 1e6:g}"
    return (
        one.name, one.maker, _number(one.year, 1), one.architecture, _number(one.cores, 1), _number(one.threads, 1),
        _number(one.base_hz, 1e9), _number(one.boost_hz, 1e9), _number(one.l3_bytes, 2**20), memory,
        _number(one.bandwidth_bytes_per_s, 1e9), _number(one.peak_fp64, 1e12), _number(one.power_w, 1), one.pcie,
        _sources(one),
    )  # fmt: skip


def _gpu(one: DeviceType) -> tuple[str, ...]:
    rates = (one.fp64, one.fp64_matrix, one.fp32, one.tf32_matrix, one.bf16_matrix, one.fp16_matrix, one.fp8_matrix,
             one.int8_matrix)  # fmt: skip
    links = f"{one.links or ''} {one.link_kind}".strip()
    return (
        one.name, one.maker, _number(one.year, 1), _number(one.memory_bytes, 2**30), one.memory_kind,
        _number(one.bandwidth_bytes_per_s, 1e9), *(_number(rate, 1e12) for rate in rates), _number(one.power_w, 1),
        links, _number(one.link_bytes_per_s, 1e9), _number(one.mig_slices, 1), one.pcie, _sources(one),
    )  # fmt: skip


def _sources(one: DeviceType) -> str:
    return "; rates: ".join(part for part in (one.source, one.peak_source) if part)


def _number(value: float | None, scale: float) -> str:
    return "" if value is None else f"{value / scale:.6g}"


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    print(render_page(), end="")  # noqa: T201 - this is the program's output
