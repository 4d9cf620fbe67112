"""What was read of every published topology, beside what another route counts, as docs/background/topologies.md.

.venv/bin/python -m tests.describe.discover.table > docs/background/topologies.md
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from tests.describe.discover import test_hwloc, test_nccl, test_nvidia_topo
from tests.describe.hardware import TRACES, counts

from timonier.describe.discover.file import read_found

COLUMNS = ("packages", "dies", "numa", "cores", "threads", "gpus", "links")
HEAD = """# Topologies of other machines

<!-- made by `python -m tests.describe.discover.table`; do not edit -->

What `timonier describe` read of every published topology, beside what another route counts.
One number: both agree. `a, not b`: we read a, the other route counts b. A dash: the other route cannot count it.
Routes: `lstopo --of console` of Debian's hwloc, which does not read version 3 by its number, so a copy that says 2.0 is
given to it; GPUs and links of hwloc's files, and all of the others, by regular expressions over their text.
NCCL names no packages, dies and cores, and `nvidia-smi topo -m` only where `lscpu` stands in the same text: these are 0.
The tests in `tests/describe/discover` compare the same counts.
"""


def by_lstopo(path):
    with tempfile.TemporaryDirectory() as folder:
        found = test_hwloc.lstopo(path, Path(folder))
    words = {"packages": "Package", "dies": "Die", "numa": "NUMANode", "cores": "Core", "threads": "PU"}
    others = {"gpus": test_hwloc.gpus(path), "links": test_hwloc.links(path)}
    return {key: found[word] for key, word in words.items()} | others


def by_text(path):
    text = test_nccl.without_comments(path)
    numa = len(set(re.findall(r'numaid="(-?\d+)"', text)))
    return {
        "numa": numa,
        "threads": test_nccl.bits(text),
        "gpus": test_nccl.gpus(text),
        "links": test_nccl.links(text),
    }


def by_matrix(path):
    lines = test_nvidia_topo.rows(path.read_text())
    gpus = sum(words[0].startswith("GPU") for words in lines)
    return {"gpus": gpus, "links": len(lines) * (len(lines) - 1) // 2}


def cell(ours, theirs):
    if theirs is None:
        return f"{ours} -" if ours else "-"
    return str(ours) if ours == theirs else f"{ours}, not {theirs}"


def section(folder, patterns, route):
    lines = [f"\n## {folder}\n", f"| file | {' | '.join(COLUMNS)} |", "|---|" + "---:|" * len(COLUMNS)]
    paths = sorted(path for pattern in patterns for path in (TRACES / folder).rglob(pattern))
    agree = 0
    for path in paths:
        ours, theirs = counts(read_found(path)), route(path)
        agree += all(ours[key] == value for key, value in theirs.items())
        cells = " | ".join(cell(ours[key], theirs.get(key)) for key in COLUMNS)
        lines.append(f"| {path.relative_to(TRACES / folder)} | {cells} |")
    lines.append(f"\n{len(paths)} files, 0 failed, {agree} agree in all counts.")
    return lines


if __name__ == "__main__":
    parts = [
        *section("hw-hwloc", ["*.xml"], by_lstopo),
        *section("hw-rccl-topo", ["*.xml"], by_text),
        *section("hw-cloud-nccl-topo", ["*.xml"], by_text),
        *section("hw-nvidia-topo", ["*.txt", "*.md"], by_matrix),
    ]
    print("\n".join([HEAD.rstrip(), *parts]))
