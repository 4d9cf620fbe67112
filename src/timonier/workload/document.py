"""The reference page of the job table, made from `columns.csv`."""

from __future__ import annotations

import sys

from timonier.workload.columns import Column, known_columns

_TITLE = """# The job table

<!-- made by `python -m timonier.workload.document`; do not edit, a test compares it -->

One row a job, in `.parquet` or `.csv`.
Times are seconds from the workload's zero, bytes are whole numbers, unknown cells are empty.
Unknown columns are kept and passed through; `res.NAME` is any further resource per task.
Row order is kept, column order is free.

A Parquet file carries one JSON object in its schema metadata under the key `timonier`:
`schema` (`timonier/jobs/1`, or `timonier/state/1` for a state), `epoch`, `processors`,
and for a state `now_s`, `settled`, `usage`, `engine`.
CSV has no place for it: a state in CSV needs `--now T`.
"""
_KINDS = {
    "text": "text",
    "number": "number: whole where every value is, else with decimals",
    "integer": "whole number",
    "bytes": "whole number of bytes",
    "flag": "true or false",
}


def render_page() -> str:
    """The page as Markdown."""
    parts = [_TITLE]
    titles = {"required": "Required", "optional": "Optional", "state file": "Only in a state file"}
    titles["saved state"] = (
        "Only in a state file of `--save-state`; any other table may have columns of these names"
    )
    for need, title in titles.items():
        rows = [column for column in known_columns().values() if column.need == need]
        parts.append(f"## {title}\n\n" + _table(rows))
    parts.append("## Types\n\n" + "\n".join(f"- **{kind}**: {text}." for kind, text in _KINDS.items()) + "\n")
    return "\n".join(parts)


def _table(columns: list[Column]) -> str:
    lines = ["| column | type | default | least | most | meaning |", "|---|---|---|---|---|---|"]
    for column in columns:
        lowest = "" if column.lowest is None else f"{column.lowest:g}"
        highest = "" if column.highest is None else f"{column.highest:,.0f}"
        meaning = column.meaning.replace("|", "\\|")
        default = column.default or ("" if column.need == "required" else "empty")
        lines.append(f"| `{column.name}` | {column.kind} | {default} | {lowest} | {highest} | {meaning} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render_page())
