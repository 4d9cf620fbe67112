"""Reference pages in Markdown, made from a table of keys."""

from __future__ import annotations

from collections.abc import Iterable

from timonier.kit.keys import Key, Keys


def render_keys(keys: Keys, titles: dict[str, str]) -> str:
    """One table a section, in the order of `titles` (section -> heading), and last what comes later."""
    parts = [f"## {title}\n\n{_now(keys[section].values())}" for section, title in titles.items()]
    later = [key for section in keys.values() for key in section.values() if key.status == "later"]
    words = [key for section in keys.values() for key in section.values() if key.allowed_later]
    if later or words:
        parts.append(f"## Known by name, not simulated yet\n\n{_later(later, words)}")
    return "\n".join(parts)


def _now(keys: Iterable[Key]) -> str:
    lines = ["| key | type | default | allowed | meaning | source |", "|---|---|---|---|---|---|"]
    for key in keys:
        if key.status == "now":
            cells = [f"`{key.name}`", _kind(key), key.default, _allowed(key), key.meaning, key.source]
            lines.append(_line(cells))
    return "\n".join(lines) + "\n"


def _later(keys: list[Key], words: list[Key]) -> str:
    lines = ["| key | meaning | source |", "|---|---|---|"]
    lines += [
        _line([f"`{key.section}.{key.name}`".replace("`.", "`"), key.meaning, key.source]) for key in keys
    ]
    for key in words:
        values = ", ".join(f"`{word}`" for word in key.allowed_later)
        lines.append(_line([f"`{key.section}.{key.name}` = {values}", key.meaning, key.source]))
    return "\n".join(lines) + "\n"


def _kind(key: Key) -> str:
    kinds = {
        "table": "table",
        "tables": "list of tables",
        "words": "list of words",
        "counts": "names = numbers",
        "texts": "names = texts",
    }
    is_plain = key.kind in ("integer", "number", "counts")  # the other kinds name their unit
    return kinds.get(key.kind, key.kind) + (f", {key.unit}" if key.unit and is_plain else "")


def _allowed(key: Key) -> str:
    allowed = [f"`{word}`" for word in key.allowed]
    if key.least is not None:
        allowed.append(f"at least {key.least:g}")
    return ", ".join(allowed)


def _line(cells: list[str]) -> str:
    escaped = (cell.replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"
