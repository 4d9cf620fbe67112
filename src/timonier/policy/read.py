"""Profiles from files: a shipped name or a TOML file, with single knobs set on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from timonier.kit.errors import InputError, nearest
from timonier.kit.keys import Problems, check_table, require
from timonier.kit.toml import parse_value, read_toml
from timonier.policy.knobs import known_knobs
from timonier.policy.profile import (
    Backfill,
    Cycle,
    Device,
    Estimate,
    Limits,
    Order,
    Place,
    Profile,
    Queue,
    Score,
)

SCHEMA = "timonier/profile/1"


def read_profile(name_or_path: str | Path, settings: Sequence[str] = ()) -> Profile:
    """A shipped profile by its name, or a profile file, with `section.key=value` settings on top.

    Raises InputError that names every wrong entry of the file, or the first wrong setting.
    """
    content, where, fallback = _find(name_or_path)
    profile = parse_profile(content, where, fallback)
    if not settings:
        return profile
    for setting in settings:
        _apply(content, setting)
    return parse_profile(content, " ".join([where, *(f"--set {setting}" for setting in settings)]), fallback)


def shipped_profiles() -> tuple[str, ...]:
    """The names of the profiles that come with timonier, sorted."""
    return tuple(sorted(_shipped()))


def parse_profile(content: Mapping[str, Any], where: str = "", fallback: str = "profile") -> Profile:
    """The content of a profile file as a record; `fallback` is the name where it gives none."""
    problems = Problems(where)
    if "schema" not in content:
        problems.add("'schema' is missing", "", f'begin the file with schema = "{SCHEMA}"')
    checked = check_table(content, "", known_knobs(), problems)
    _check_sense(checked, problems)
    problems.raise_any()
    return Profile(
        name=checked.get("name", fallback),
        source=checked.get("source", ""),
        cycle=_cycle(checked.get("cycle", {})),
        order=Order(**checked.get("order", {})),
        estimate=_estimate(checked.get("estimate", {})),
        queues=tuple(_queue(table) for table in checked.get("queue", [])),
        place=_place(checked.get("place", {})),
        backfill=_backfill(checked.get("backfill", {})),
    )


def _check_sense(checked: Mapping[str, Any], problems: Problems) -> None:
    """What no single knob can tell: a knob that would have no effect, two queues of one name."""
    cycle = checked.get("cycle", {})
    if "on" in cycle and not cycle["on"] and "every" not in cycle:
        problems.add("nothing ever brings a pass", "cycle.on", 'add "submit", or set every')
    _check_backfill(checked.get("backfill", {}), problems)
    _check_scores(checked.get("place", {}), problems)
    seen: set[str] = set()
    for index, queue in enumerate(checked.get("queue", [])):
        require(queue, ["name"], problems, f"queue[{index}]")
        if queue.get("name") in seen:
            problems.add(
                f"a second queue {queue['name']!r}", f"queue[{index}].name", "give each its own name"
            )
        seen.add(queue.get("name", ""))


def _check_backfill(backfill: Mapping[str, Any], problems: Problems) -> None:
    """Each rule has only knobs of its own."""
    rule = backfill.get("rule", "none")
    if backfill.get("order") == "shortest" and rule != "easy":
        problems.add(f"'shortest' has no effect under rule = {rule!r}", "backfill.order", 'set rule = "easy"')
    for knob in ("every", "depth", "window", "resolution", "user_jobs"):
        if knob in backfill and rule != "reservations":
            said = f"{knob!r} has no effect under rule = {rule!r}"
            problems.add(said, f"backfill.{knob}", 'set rule = "reservations"')


_ONLY_FOR = {
    "resources": ("least-allocated", "most-allocated", "requested-to-capacity", "balanced-allocation"),
    "missing_memory": ("least-allocated", "most-allocated", "requested-to-capacity"),
    "shape": ("requested-to-capacity",),
    "formula": ("balanced-allocation",),
    "typical_share": ("fragmentation-gradient",),
}


def _check_scores(place: Mapping[str, Any], problems: Problems) -> None:
    """Each score names its rule and has only knobs of that rule."""
    for index, score in enumerate(place.get("score", [])):
        path = f"place.score[{index}]"
        if not require(score, ["rule"], problems, path):
            continue
        rule = score["rule"]
        for knob, rules in _ONLY_FOR.items():
            if knob in score and rule not in rules:
                problems.add(f"{knob!r} has no effect under rule = {rule!r}", f"{path}.{knob}", "take it out")
        if rule == "requested-to-capacity":
            require(score, ["shape"], problems, path)


def _place(table: Mapping[str, Any]) -> Place:
    others = {name: value for name, value in table.items() if name not in ("score", "device")}
    scores = tuple(
        Score(**{"missing_memory_bytes" if key == "missing_memory" else key: v for key, v in score.items()})
        for score in table.get("score", [])
    )
    return Place(**others, score=scores, device=Device(**table.get("device", {})))


def _cycle(table: Mapping[str, Any]) -> Cycle:
    renamed = {"every_s" if name == "every" else name: value for name, value in table.items()}
    return Cycle(**renamed)


def _backfill(table: Mapping[str, Any]) -> Backfill:
    seconds = ("every", "window", "resolution")
    return Backfill(**{f"{name}_s" if name in seconds else name: value for name, value in table.items()})


def _estimate(table: Mapping[str, Any]) -> Estimate:
    missing = table.get("missing", "exact")
    others = {name: value for name, value in table.items() if name != "missing"}
    return Estimate(**others, missing_s=None if missing == "exact" else missing)


def _queue(table: Mapping[str, Any]) -> Queue:
    limits = dict(table.get("limits", {}))
    if "job_time" in limits:
        limits["job_time_s"] = limits.pop("job_time")
    return Queue(table["name"], table.get("priority", 0), Limits(**limits))


@cache
def _shipped() -> dict[str, Path]:
    # importlib.resources would cost more than all the rest of reading a profile
    return {file.stem: file for file in (Path(__file__).parent / "profiles").glob("*.toml")}


def _find(name_or_path: str | Path) -> tuple[dict[str, Any], str, str]:
    """Content, how errors name the place, and the name to fall back on."""
    text = str(name_or_path)
    if text in _shipped():
        return read_toml(_shipped()[text]), f"profile {text}", text
    if not text.endswith(".toml") and "/" not in text and not Path(text).exists():
        raise InputError(f"there is no profile {text!r}", where="--profile", fix=nearest(text, _shipped()))
    return read_toml(text), text, Path(text).stem


def _apply(content: dict[str, Any], setting: str) -> None:
    """Put one `section.key=value` into the content; queues are named: `queue.short.priority=5`."""
    where = f"--set {setting}"
    path, equals, text = setting.partition("=")
    steps = [step.strip() for step in path.split(".")]
    if not equals or not all(steps):
        raise InputError("a setting reads section.key=value", where=where, fix="--set backfill.rule=easy")
    if steps == ["schema"]:
        raise InputError("the schema is not a knob", where=where, fix="take it out")
    table = content
    if steps[0] == "queue" and len(steps) > 1:
        if len(steps) == 2:
            raise InputError(
                "which knob of the queue?", where=where, fix=f"--set queue.{steps[1]}.priority=..."
            )
        table, steps = _queue_table(content, steps[1], where), steps[2:]
    for step in steps[:-1]:
        table = table.setdefault(step, {})
        if not isinstance(table, dict):
            raise InputError(
                f"{step!r} is a value, not a section", where=where, fix="--set section.key=value"
            )
    table[steps[-1]] = parse_value(text.strip())


def _queue_table(content: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    """The rule set of a queue; a new one if the profile has none of that name."""
    queues: Any = content.setdefault("queue", [])
    if not isinstance(queues, list) or not all(isinstance(queue, dict) for queue in queues):
        raise InputError("'queue' is not a list of tables", where=where, fix="write [[queue]]")
    found: list[dict[str, Any]] = [queue for queue in queues if queue.get("name") == name]
    if not found:
        found = [{"name": name}]
        queues += found
    return found[0]
