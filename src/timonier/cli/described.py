"""How a machine is shown on the command line: blocks of like rows, columns side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from timonier.cli.show import number, pairs

if TYPE_CHECKING:
    from timonier.describe.table import Row


# key of a row -> title of its column, for each kind of row
_FIRST = {
    "kind": "", "name": "name", "count": "nodes", "cores": "cores",
    "memory_bytes": "memory", "gpus": "GPUs", "cpu": "processor", "rack": "rack", "nodes": "which",
    "product": "product", "kernel": "kernel",
}  # fmt: skip
_TYPES = {
    "kind": "", "name": "type", "cores": "cores", "memory_bytes": "memory", "bytes_per_s": "bandwidth",
    "fp64": "fp64", "fp64_matrix": "fp64 matrix", "fp32": "fp32", "fp16_matrix": "fp16 matrix",
    "fp8_matrix": "fp8 matrix", "int8_matrix": "int8 matrix", "power_w": "W", "source": "source",
}  # fmt: skip
_MEASURED = {
    "kind": "", "name": "figure", "label": "variant", "shown": "value", "interval": "95 % interval",
    "said": "catalogue", "share_shown": "share", "state": "state", "nodes": "on",
}  # fmt: skip
_POWER = {
    "kind": "", "name": "of each (nodes without GPUs)", "idle_w": "idle W", "busy_w": "busy W",
    "watts_from": "watts from", "price": "price", "per_hour": "rent an hour", "nodes": "in",
}  # fmt: skip
_PRICES = {
    "kind": "", "name": "currency", "per_kwh": "a kWh", "lifetime_days": "nodes written off in",
}  # fmt: skip
_PACKAGE = {
    "kind": "", "name": "name", "cores": "cores", "threads": "threads", "dies": "dies",
    "chiplets": "chiplets", "caches": "caches", "model": "model", "nodes": "in",
}  # fmt: skip
_MEMORY = {
    "kind": "", "name": "name", "memory_bytes": "size", "bytes_per_s": "bandwidth", "model": "kind",
    "parent": "in package", "nodes": "in",
}  # fmt: skip
_DEVICE = {
    "kind": "", "name": "name", "count": "count", "type": "type", "model": "model", "memory_bytes": "memory",
    "mig": "MIG", "lanes": "lanes", "bytes_per_s": "slot", "network_bytes_per_s": "port", "numa": "NUMA",
    "parent": "on", "system": "system", "nodes": "in",
}  # fmt: skip
_LINK = {
    "kind": "", "name": "between", "count": "links", "bytes_per_s": "speed", "path": "path", "nodes": "in",
}  # fmt: skip
_BLOCKS = (
    (("machine", "nodes", "partition", "total"), _FIRST),
    (("power",), _POWER),
    (("prices",), _PRICES),
    (("catalogue",), _TYPES),
    (("measured",), _MEASURED),
    (("package", "domain"), _PACKAGE),
    (("memory domain",), _MEMORY),
    ((), _DEVICE),  # every other kind is one of devices
    (("link",), _LINK),
)


def as_text(rows: list[Row]) -> str:
    """Blocks of rows of a like kind, columns side by side; what is not known comes last, with the reason."""
    known = {kind for kinds, _ in _BLOCKS for kind in kinds} | {"unknown"}
    devices = tuple({str(row["kind"]) for row in rows} - known)
    blocks = [_columns(rows, titles, kinds or devices) for kinds, titles in _BLOCKS]
    unknown = [(str(row["name"]), str(row["why"])) for row in rows if row["kind"] == "unknown"]
    if unknown:
        blocks.append("not known\n" + pairs(unknown))
    return "\n\n".join(block for block in blocks if block)


def _columns(rows: list[Row], titles: dict[str, str], kinds: tuple[str, ...]) -> str:
    """Columns side by side, numbers to the right; columns that nobody fills are left out."""
    chosen = [_worded(row) for row in rows if row["kind"] in kinds]
    if _is_counted(rows):
        titles = titles | {"cores": "processors"}
    cells = [[title, *(_cell(key, row.get(key)) for row in chosen)] for key, title in titles.items()]
    columns = [column for column in cells if any(column[1:])]
    padded = [_pad(column) for column in columns]
    return "\n".join("  ".join(line).rstrip() for line in zip(*padded, strict=True))


def _worded(row: Row) -> Row:
    """A measured figure with its numbers in words, a lifetime in days; other rows as they are."""
    if row["kind"] == "prices":
        return row | {"lifetime_days": f"{float(row['lifetime_s'] or 0) / 86400:,.4g} days"}
    if row["kind"] != "measured":
        return row
    from timonier.cli.measured import quantity

    unit = str(row["unit"])
    low, high, said, share = (_number(row[key]) for key in ("low", "high", "catalogue", "share"))
    return row | {
        "shown": quantity(_number(row["value"]), unit),
        "interval": "" if low is None else f"{quantity(low, unit)} to {quantity(high, unit)}",
        "said": row["why"] if said is None else quantity(said, unit),
        "share_shown": "" if share is None else f"{share:.0%}",
    }


def _number(value: str | float | None) -> float | None:
    return None if value is None else float(value)


def _is_counted(rows: list[Row]) -> bool:
    return rows[0]["kind"] == "machine"


def _cell(key: str, value: str | float | None) -> str:
    if value is None:
        return ""
    if key == "memory_bytes":
        return memory_text(float(value))
    if key.endswith("bytes_per_s"):
        return f"{float(value) / 1e9:.4g} GB/s"
    if key.startswith(("fp", "int8")):
        return f"{float(value) / 1e12:.4g} T"
    return value if isinstance(value, str) else number(value)


def memory_text(size: float) -> str:
    """Bytes in the largest binary unit of which there is one."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.4g} {unit}"
        size /= 1024
    return f"{size:,.4g} TiB"


def _pad(column: list[str]) -> list[str]:
    width = max(len(cell) for cell in column)
    is_number = all(cell[:1].isdigit() for cell in column[1:] if cell) and column[0] in _RIGHT
    return [cell.rjust(width) if is_number else cell.ljust(width) for cell in column]


_RIGHT = (
    "nodes", "cores", "processors", "memory", "threads", "dies", "size", "bandwidth", "count", "lanes", "slot",
    "port", "NUMA", "links", "speed",
    "fp64", "fp64 matrix", "fp32", "fp16 matrix", "fp8 matrix", "int8 matrix", "W",
    "idle W", "busy W", "price", "rent an hour", "a kWh",
)  # fmt: skip
