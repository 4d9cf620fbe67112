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
_PLACEMENT = """## Placement

On a machine with nodes every running job of a state says where it runs, in one of two ways.

- **Nodes**: `gpu01`, or a hostlist `n[1-4]`. The tasks are dealt out to the nodes in turn, and the profile's rules choose the GPUs.
- **Nodes and GPUs**, as `--save-state` writes it: a JSON list with one `[node, [GPU, ...]]` for each task.
  A GPU is `[number]`, or `[number, first memory slice]` for a MIG slice; numbers count from 0 on each node, in the order of its `gpus`.
  A task without GPUs has `[]`, a share has its one GPU.

| placement | the job |
|---|---|
| `gpu01` | on gpu01, GPUs as the rules choose |
| `n[1-2]` | tasks 1, 3, ... on n1, tasks 2, 4, ... on n2 |
| `[["gpu01",[[0],[1]]]]` | one task on GPUs 0 and 1 of gpu01 |
| `[["n1",[]],["n2",[]]]` | two tasks without GPUs |
| `[["gpu01",[[0,4]]]]` | one MIG slice that begins at memory slice 4 of GPU 0 |

In CSV the JSON stands in quotes, its own quotes doubled: `"[[""gpu01"",[[0],[1]]]]"`.
Pending jobs leave it empty. On a counted machine it means nothing.
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
    parts.append(_PLACEMENT)
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
