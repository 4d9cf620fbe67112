"""The reference page of profiles, made from `knobs.csv` and the shipped profiles."""

from __future__ import annotations

from timonier.kit.page import render_keys
from timonier.policy.knobs import known_knobs
from timonier.policy.read import read_profile, shipped_profiles

_TITLE = """# Profiles

<!-- made by `python -m timonier.policy.document`; do not edit, a test compares it -->

A profile is a scheduler as data: a TOML file, or the name of one that ships.
Sections stand in the order in which a pass uses them.
An absent section is the plainest rule: a file with nothing but its schema is first come, first served, without backfilling.
An unknown key or value is an error that offers the nearest known one, and all wrong entries are named at once.
Durations are texts with a unit (`"30s"`, `"2h"`, `"7d"`, `"1-12:00:00"`) or numbers of seconds.

```toml
schema = "timonier/profile/1"
name = "night-and-day"
[cycle]
every = "60s"
[backfill]
rule = "easy"
[[queue]]
name = "short"
priority = 10
limits = { job_time = "1h", user_jobs = 4 }
```

`--set section.key=value` overrides one knob, more than once if need be; the last one wins.
A queue is named in the path: `--set queue.short.priority=10`, `--set queue.short.limits.jobs=3`;
a queue of a new name is added.
`--exact` is short for `--set estimate.use=exact`.

What happens at which instant: [counting engine](../background/counting-engine.md).
"""
_TITLES = {
    "": "Top of the file",
    "cycle": "`[cycle]`",
    "order": "`[order]`",
    "estimate": "`[estimate]`",
    "queue": "`[[queue]]`",
    "queue.limits": "`limits` of a queue",
    "place": "`[place]`",
    "place.score": "`[[place.score]]`",
    "place.device": "`[place.device]`",
    "backfill": "`[backfill]`",
}


def render_page() -> str:
    """The page as Markdown."""
    return "\n".join([_TITLE, _shipped(), render_keys(known_knobs(), _TITLES)])


def _shipped() -> str:
    lines = ["## Shipped", "", "| name | order | backfill | source |", "|---|---|---|---|"]
    for name in shipped_profiles():
        profile = read_profile(name)
        backfill = f"{profile.backfill.rule}, {profile.backfill.order} first"
        shown = backfill if profile.backfill.order == "shortest" else profile.backfill.rule
        lines.append(f"| `{name}` | {profile.order.rule} | {shown} | {profile.source} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(render_page(), end="")  # noqa: T201 - this is the program's output
