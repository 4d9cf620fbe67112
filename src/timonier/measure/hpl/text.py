"""HPL's input and output as text: pure, no process is started here.

Source: HPL 2.3, TUNING and the test driver; HPCC 1.5 reads the same lines and five more.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_RESULT = re.compile(r"^W[RC]\w+\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+)\s*$", re.MULTILINE)
_RESIDUAL = re.compile(r"^\|\|Ax-b\|\|_oo/\(.*=\s*(\S+)\s*\.+\s*(PASSED|FAILED)", re.MULTILINE)
LIMIT = 16.0


@dataclass(frozen=True, slots=True)
class Solved:
    """A system that was solved.  residual: scaled, must be below 16."""

    n: int
    block: int
    rows: int
    columns: int
    seconds: float
    flops: float
    residual: float
    passed: bool


@dataclass(frozen=True, slots=True)
class Input:
    """n unknowns in blocks on a grid of ranks, rows x columns."""

    n: int
    block: int
    rows: int
    columns: int


def render(wanted: Input, *, hpcc: bool = False) -> str:
    """HPL.dat or hpccinf.txt: depth 1, one ring broadcast, row-major ranks.

    >>> len(render(Input(1000, 128, 1, 2)).splitlines())
    31
    """
    lines = [
        "HPLinpack benchmark input file",
        "written by timonier",
        "HPL.out      output file name (if any)",
        f"{8 if hpcc else 6}            device out (6=stdout,7=stderr,file)",
        "1            # of problems sizes (N)",
        f"{wanted.n}         Ns",
        "1            # of NBs",
        f"{wanted.block}          NBs",
        "0            PMAP process mapping (0=Row-,1=Column-major)",
        "1            # of process grids (P x Q)",
        f"{wanted.rows}            Ps",
        f"{wanted.columns}            Qs",
        f"{LIMIT}         threshold",
        "1            # of panel fact",
        "2            PFACTs (0=left, 1=Crout, 2=Right)",
        "1            # of recursive stopping criterium",
        "4            NBMINs (>= 1)",
        "1            # of panels in recursion",
        "2            NDIVs",
        "1            # of recursive panel fact.",
        "1            RFACTs (0=left, 1=Crout, 2=Right)",
        "1            # of broadcast",
        "1            BCASTs (0=1rg,1=1rM,2=2rg,3=2rM,4=Lng,5=LnM)",
        "1            # of lookahead depth",
        "1            DEPTHs (>=0)",
        "2            SWAP (0=bin-exch,1=long,2=mix)",
        "64           swapping threshold",
        "0            L1 in (0=transposed,1=no-transposed) form",
        "0            U  in (0=transposed,1=no-transposed) form",
        "1            Equilibration (0=no,1=yes)",
        "8            memory alignment in double (> 0)",
    ]
    if hpcc:
        lines += [
            "##### separator #####",
            "0            Number of additional problem sizes for PTRANS",
            "1200         values of N",
            "0            number of additional blocking sizes for PTRANS",
            "40           values of NB",
        ]
    return "\n".join(lines) + "\n"


def parse(text: str) -> list[Solved]:
    """Every system in HPL's output that has its residual; empty where there is none."""
    found = []
    for result in _RESULT.finditer(text):
        residual = _RESIDUAL.search(text, result.end())
        following = _RESULT.search(text, result.end())
        if residual is None or (following and following.start() < residual.start()):
            continue
        n, block, rows, columns = (int(result.group(k)) for k in range(1, 5))
        seconds, value = float(result.group(5)), float(residual.group(1))
        passed = residual.group(2) == "PASSED" and value < LIMIT
        found.append(Solved(n, block, rows, columns, seconds, float(result.group(6)) * 1e9, value, passed))
    return found


def grid(ranks: int) -> tuple[int, int]:
    """Rows and columns of ranks, rows <= columns, as square as can be.

    >>> grid(1), grid(2), grid(8), grid(7), grid(16)
    ((1, 1), (1, 2), (2, 4), (1, 7), (4, 4))
    """
    rows = max(k for k in range(1, math.isqrt(ranks) + 1) if ranks % k == 0)
    return rows, ranks // rows


def unknowns(free_bytes: float, seconds: float, flops: float, block: int) -> int:
    """The largest n that 80 % of the memory hold and that is solved in the time at this rate, in whole blocks.

    >>> unknowns(16 * 2**30, 1e9, 1e9, 192), unknowns(16 * 2**30, 10.0, 50e9, 192)
    (41280, 9024)
    """
    n = min(math.sqrt(0.8 * free_bytes / 8), (1.5 * seconds * flops) ** (1 / 3))
    return max(1, int(n // block)) * block


def operations(n: int) -> float:
    """What a solution counts: 2/3 n^3 + 3/2 n^2."""
    return 2 / 3 * n**3 + 3 / 2 * n**2


def residual(norms: tuple[float, float, float, float], n: int) -> float:
    """Scaled residual from the largest |Ax - b|, row sum of |A|, |x| and |b|.  Source: HPL 2.3."""
    error, a, x, b = norms
    return error / (2.0**-53 * (a * x + b) * n)
