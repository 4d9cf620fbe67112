"""The reference page of measurements, made from `metrics.csv` and the settings of the benchmarks."""

from __future__ import annotations

from timonier.measure.metrics import known_metrics
from timonier.measure.recipe import BENCHMARKS, WEIGHTS, benchmark

_TITLE = """# Measurements

<!-- made by `python -m timonier.measure.document`; do not edit, a test compares it -->

`timonier measure NAME -o DIR` adds figures to the store `DIR`: a folder with these files.

| file | one row | columns |
|---|---|---|
| `measurements.parquet` | a figure | `measurement, name, benchmark, label, unit, state, value, low, high, statistic, repeats, stopped, reason, note, foreign_cores, steal, is_clean, conditions_reason, peak, share, peak_reason, node, settings, versions` |
| `samples.parquet` | a repeat | `measurement, repeat, value, at_s, wall_s, foreign_cores, steal` |
| `checks.parquet` | a validity check | `measurement, name, value, must, limit, passed, what` |
| `manifest.toml` | | `schema = "timonier/measurements/1"`, version, nodes, benchmarks |
| `report.html` | | the page of all figures |

- `value` is what `statistic` says of the samples; `low` and `high` are its 95 % interval, empty for too few samples.
- `stopped`: `interval` (the half-width is at most 2 % of the mean), `budget`, `planned` (a number that the rules fix), `interrupted`.
- `state`: `measured`, `partial` (cut short: `reason` says by what), `invalid` (a check failed: the value is empty), `skipped` (`reason` says why).
- `foreign_cores`: processors that others kept busy; `steal`: share of the time that the host gave to others; `is_clean`: less than 0.1 and 1 %.
  Empty with `conditions_reason`: where the kernel does not say, or where a repeat is shorter than 0.2 s.
- `peak`: what the makers say of the whole node, from the device catalogue; `share`: value / peak; empty with `peak_reason`.
- A figure measured again on the same node with the same settings replaces the older one.

"""


def render_page() -> str:
    """The page as Markdown."""
    return _TITLE + "\n".join(_section(name) for name in BENCHMARKS)


def _section(name: str) -> str:
    module = benchmark(name)
    text = (module.__doc__ or "").split(": ", 1)[1].strip()
    total = sum(WEIGHTS.values())
    lines = [f"## {name}", "", text[0].upper() + text[1:], ""]
    lines += [f"Share of the budget of `measure all`: {WEIGHTS[name]} of {total}.", ""]
    lines += ["| setting | default | meaning |", "|---|---|---|"]
    lines += [
        f"| `{key}` | {'' if default is None else default} | {meaning} |"
        for key, (default, meaning) in module.SETTINGS.items()
    ]
    lines += ["", "| figure | unit | better | statistic | meaning | source |", "|---|---|---|---|---|---|"]
    lines += [
        f"| `{m.name}` | {m.unit} | {m.better} | {m.statistic} | {m.meaning} | {m.source} |"
        for m in known_metrics().values()
        if m.benchmark == name
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(render_page(), end="")  # noqa: T201 - this is the program's output
