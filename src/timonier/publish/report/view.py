"""What the report says in words and tables: plain values in, sentences and rows out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from timonier.publish.report.nodes_view import nodes_view
from timonier.publish.report.words import duration, interval, number, percent

Page = Mapping[str, Any]

_FEWEST = 10  # the mean of fewer jobs is noise, not somebody who loses
_STRONG = 1.5  # a value this many times the schedulers' median gets a mark that can be read without colour
_DEEPEST = 2.0  # doublings at which the colour of a cell is at its deepest
KINDS = {"size": "processors asked for", "run time": "run time", "user": "user"}


@dataclass(frozen=True, slots=True)
class HeatCell:
    """A cell of a heat map: its text, its colour as CSS, a mark, and the ratio in words."""

    text: str
    colour: str
    mark: str
    told: str


def view_of(page: Page) -> dict[str, Any]:
    """All text of the page, by the names that page.html uses."""
    units = {objective["name"]: objective["unit"] for objective in page["objectives"]}
    meanings = {objective["name"]: objective["meaning"] for objective in page["objectives"]}
    return {
        "title": f"{page['workload']} on {_machine(page['machine'])}: which scheduler?",
        "objectives": [(name, _short(meanings[name])) for name in page["chosen"]],
        "headline": headline(page),
        "money": {"cost": units["cost"]} if units.get("cost") else {},
        "offered_load": None if page["offered_load"] is None else _loads(page),
        "front_rows": [_front_row(page, name, units) for name in page["profiles"]],
        "turned_away": [
            f"{name} {number(load['dropped_jobs'])}"
            for name, load in page["load"].items()
            if load["dropped_jobs"]
        ],
        "scores": _scores(page),
        "full_rows": [_full_row(page, name) for name in page["profiles"]],
        "heats": [_heat(page, kind) for kind in page["losers"]],
        "loser_kinds": [KINDS[kind] for kind in page["losers"]],
        "losers": [(name, loses(page, name)) for name in page["profiles"] if name not in page["unranked"]],
        "worst": [_worst_row(page, name) for name in page["profiles"]],
        "glossary": page["objectives"],
        **nodes_view(page),
    }


def _loads(page: Page) -> str:
    """The offered load, of cores, and of what else the jobs ask of a machine with nodes.

    >>> _loads({"offered_load": 0.651, "offered_loads": {"cores": 0.65, "gpus": 0.95}})
    '0.651, of GPUs 0.95'
    """
    others = [
        f"of {'GPUs' if name == 'gpus' else name} {load:.3g}"
        for name, load in page["offered_loads"].items()
        if name != "cores"
    ]
    return ", ".join([f"{page['offered_load']:.3g}", *others])


def _machine(name: str) -> str:
    """A machine that is only a number says of what."""
    return f"{name} processors" if name.isdecimal() else name


def _short(meaning: str) -> str:
    """The words of a metric's meaning, without its formula.

    >>> _short("mean bounded slowdown = max(1, (wait + run) / max(run, 10 s))")
    'mean bounded slowdown'
    >>> _short("sum(wait x size x run) / sum(size x run): the wait of an average processor-second")
    'the wait of an average processor-second'
    >>> _short("share of all GPUs that is idle and of no use, mean over time: F of the shapes / GPUs")
    'share of all GPUs that is idle and of no use, mean over time'
    """
    first, _, last = meaning.partition(": ")
    if " / " in last and first.startswith("share of "):
        return first
    before, equals, _ = meaning.partition(" = ")
    return before if equals and ": " not in before else meaning.rpartition(": ")[2]


def headline(page: Page) -> str:
    """Who is on the front that was asked for, and how surely.

    >>> easy, fcfs = {"on_front": True, "probability": 0.98}, {"on_front": False, "probability": 0.0}
    >>> front = {"profiles": {"easy": easy, "fcfs": fcfs}}
    >>> headline({"fronts": [front], "profiles": ["fcfs", "easy"], "unranked": {}, "repeats": 20})
    'On the front: easy (98 % sure). Not on it: fcfs (0 %).'
    """
    front = page["fronts"][0]["profiles"]
    ranked = [name for name in page["profiles"] if name not in page["unranked"]]
    ranked.sort(key=lambda name: -(front[name]["probability"] or 0.0))

    def listed(names: list[str], word: str) -> str:
        if page["repeats"] == 1:
            return ", ".join(names)
        shares = [f"{name} ({percent(front[name]['probability'])}" for name in names]
        return ", ".join(f"{share}{word if k == 0 else ''})" for k, share in enumerate(shares))

    inside = [name for name in ranked if front[name]["on_front"]]
    outside = [name for name in ranked if not front[name]["on_front"]]
    text = f"On the front: {listed(inside, ' sure')}."
    if outside:
        text = f"{text} Not on it: {listed(outside, '')}."
    return " ".join([text, *(f"Not ranked: {name}, {why}." for name, why in page["unranked"].items())])


def loses(page: Page, profile: str) -> list[str]:
    """Whom a profile treats worst, for each kind of group: its slowdown, and how many times the profile's own mean.

    Groups of fewer than 10 jobs are left out: their means are noise.
    """
    found = []
    for rows in page["losers"].values():
        known = [row for row in rows if row["values"][profile] is not None]
        jobs = sum(row["jobs"] for row in known)
        mean = math.fsum(row["jobs"] * row["values"][profile] for row in known) / max(jobs, 1)
        worst = max(
            (row for row in known if row["jobs"] >= _FEWEST),
            key=lambda row: row["values"][profile],
            default=None,
        )
        if worst is None:
            found.append("-")
        else:
            slowdown = worst["values"][profile]
            found.append(f"{worst['group']} ({number(slowdown)}, {_times(slowdown / mean)})")
    return found


def _times(ratio: float) -> str:
    """A ratio with the digits that people read.

    >>> _times(1234.5), _times(3.21), _times(0.4567)
    ('1,234 times', '3.2 times', '0.46 times')
    """
    return f"{ratio:,.0f} times" if ratio >= 10 else f"{ratio:.2g} times"


def _front_row(page: Page, name: str, units: Mapping[str, str]) -> dict[str, Any]:
    front, load = page["fronts"][0]["profiles"][name], page["load"][name]
    return {
        "profile": name,
        "on_front": front["on_front"],
        "answer": "not ranked" if name in page["unranked"] else "★ yes" if front["on_front"] else "no",
        "probability": "-"
        if page["repeats"] == 1 or front["probability"] is None
        else percent(front["probability"]),
        "cells": [
            interval(page["intervals"][o][name], "" if o == "cost" else units[o]) for o in page["chosen"]
        ],
        "waited": "-" if load["waited_share"] is None else percent(load["waited_share"]),
        "queue": number(load["longest_queue"]),
    }


def _scores(page: Page) -> list[dict[str, Any]]:
    """A row an objective: its name, which side is better, and a cell a profile or why nobody has a value."""
    return [
        {
            "objective": o["name"],
            "better": o["better"],
            "cells": [interval(page["intervals"][o["name"]][name], o["unit"]) for name in page["profiles"]],
            "unknown": ""
            if any(page["intervals"][o["name"]][name][0] is not None for name in page["profiles"])
            else o["unknown"] or "no run has a value of it",
        }
        for o in page["objectives"]
    ]


def _full_row(page: Page, name: str) -> dict[str, str]:
    full, timeline = page["full"][name], page["timeline"]
    begin, end = full["longest_from_s"], full["longest_to_s"]
    first = timeline["t_s"][0] if timeline["t_s"] else 0.0
    queue = timeline["queue"][name]
    peak = max(range(len(queue)), key=queue.__getitem__, default=None)
    return {
        "profile": name,
        "share": "-"
        if full["share"] is None
        else f"{percent(full['share'])} of the time{_which(full['of'])}",
        "longest": "not known: who ran on which node is not"
        if full["share"] is None
        else "never full"
        if begin is None
        else f"{duration(end - begin)}, from {day(begin - first)} to {day(end - first)}",
        "queue": "-"
        if peak is None
        else f"{number(queue[peak])} jobs, around {day(timeline['t_s'][peak] - first)}",
    }


def _which(of: Mapping[str, float]) -> str:
    """Which resources are full how much of the time, those that are.

    >>> _which({"cores": 0.02, "memory": 0.0, "gpus": 0.75}), _which({"processors": 0.5})
    (': GPUs 75 %, cores 2 %', '')
    """
    if "processors" in of:
        return ""
    some = sorted(((share, word) for word, share in of.items() if share > 0), reverse=True)
    told = ", ".join(f"{'GPUs' if word == 'gpus' else word} {percent(share)}" for share, word in some)
    return f": {told}" if told else ""


def day(seconds: float) -> str:
    """An instant, counted from the first submission.

    >>> day(0), day(86400 * 2.5)
    ('day 0.0', 'day 2.5')
    """
    return f"day {seconds / 86_400:,.1f}"


def _heat(page: Page, kind: str) -> dict[str, Any]:
    return {
        "kind": KINDS[kind],
        "rows": [
            {
                "group": row["group"],
                "jobs": f"{row['jobs']:,}",
                "cells": [_heat_cell(row["values"], name) for name in page["profiles"]],
            }
            for row in page["losers"][kind]
        ],
    }


def _heat_cell(values: Mapping[str, float | None], name: str) -> HeatCell:
    ratio = _ratio(values, name)
    if ratio is None:
        return HeatCell("-", "transparent", "", "nobody")
    depth = min(abs(math.log2(ratio)) / _DEEPEST, 1.0)
    hue = "213 94 0" if ratio > 1 else "0 114 178"  # vermillion and blue of Okabe and Ito 2008
    mark = "▲" if ratio >= _STRONG else "▼" if ratio <= 1 / _STRONG else ""
    told = f"{ratio:.2f} times the schedulers' median"
    return HeatCell(number(values[name]), f"rgb({hue} / {0.55 * depth:.2f})", mark, told)


def _ratio(values: Mapping[str, float | None], name: str) -> float | None:
    """A group's slowdown under a profile over the median of all profiles: one bad profile hides no other."""
    mine = values[name]
    return None if mine is None else mine / median(value for value in values.values() if value is not None)


def _worst_row(page: Page, name: str) -> dict[str, str]:
    worst = page["worst"][name]
    if worst is None:
        return dict.fromkeys(("job", "user", "size", "submit", "wait", "run"), "-") | {
            "profile": name,
            "why": "no job ended",
        }
    first = page["timeline"]["t_s"][0]
    return {
        "profile": name,
        "job": worst["job_id"],
        "user": worst["user"] or "-",
        "size": f"{worst['size']:,}",
        "submit": day(worst["submit_s"] - first),
        "wait": duration(worst["wait_s"]),
        "run": duration(worst["run_s"]),
        "why": worst["why"],
    }
