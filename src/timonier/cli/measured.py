"""How measurements are shown on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from timonier.measure import Measurement

_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
_SMALL = ((1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n"))
_STOPPED = {
    "interval": "narrow enough",
    "budget": "budget ended",
    "planned": "",
    "interrupted": "interrupted",
}


def rows_of(found: list[Measurement]) -> list[dict[str, Any]]:
    """A row a figure, as JSON shows it."""
    names = (
        "name", "label", "value", "low", "high", "unit", "statistic", "repeats", "stopped", "state", "reason", "note",
        "foreign_cores", "steal", "is_clean", "conditions_reason", "peak", "share", "peak_reason", "node",
    )  # fmt: skip
    return [
        {name: getattr(one, name) for name in names}
        | {"settings": dict(one.settings), "versions": dict(one.versions)}
        | {
            "checks": [
                {"name": c.name, "value": c.value, "must": c.must, "limit": c.limit, "passed": c.passed}
                for c in one.checks
            ]
        }
        for one in found
    ]


def as_text(rows: list[dict[str, Any]]) -> str:
    """A line a figure: the value with its interval and what a reader has to know."""
    cells = [["figure", "variant", "value", "95 % interval", "repeats", "remarks"]]
    cells += [
        [row["name"], row["label"], _value(row), _interval(row), str(row["repeats"] or ""), _remarks(row)]
        for row in rows
    ]
    widths = [max(len(line[k]) for line in cells) for k in range(len(cells[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if k in (2, 4) else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    )


def quantity(value: float | None, unit: str) -> str:
    """
    >>> quantity(2.56e10, "B/s"), quantity(1.5e-7, "s"), quantity(None, "s"), quantity(0.97, "")
    ('25.60 GB/s', '150.0 ns', '-', '0.970')
    """
    if value is None:
        return "-"
    if value == 0:
        return f"0 {unit}".rstrip()
    if not unit:
        return f"{value:.4g}" if abs(value) >= 1000 else _four(value)
    steps = _SMALL if unit == "s" else _PREFIXES
    size, prefix = next(((size, p) for size, p in steps if abs(value) >= size), steps[-1])
    return f"{_four(value / size)} {prefix}{unit}"


def listing() -> list[dict[str, Any]]:
    """Every benchmark with its settings."""
    from timonier.measure import BENCHMARKS, benchmark

    rows = []
    for name in BENCHMARKS:
        module = benchmark(name)
        first = (module.__doc__ or "").split("\n", 1)[0]
        lines = [first]
        for key, (default, meaning) in module.SETTINGS.items():
            lines.append(f"    --set {key}={'...' if default is None else default}  {meaning}")
        settings = {key: {"default": d, "meaning": m} for key, (d, m) in module.SETTINGS.items()}
        rows.append({"name": name, "summary": first, "settings": settings, "text": "\n".join(lines)})
    return rows


def _four(value: float) -> str:
    digits = max(0, 3 - len(str(int(abs(value)))) + 1)
    return f"{value:,.{digits}f}"


def _value(row: dict[str, Any]) -> str:
    return quantity(row["value"], row["unit"])


def _interval(row: dict[str, Any]) -> str:
    if row["low"] is None:
        return ""
    return f"[{quantity(row['low'], row['unit'])}, {quantity(row['high'], row['unit'])}]"


def _remarks(row: dict[str, Any]) -> str:
    busy = row["foreign_cores"]
    found = [
        "" if row["state"] == "measured" else row["state"],
        row["reason"],
        row["note"],
        _STOPPED.get(row["stopped"], ""),
        f"others used {busy:.2f} cores" if row["is_clean"] is False and busy is not None else "",
    ]
    return "; ".join(text for text in found if text)
