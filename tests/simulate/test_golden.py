"""The shipped engine against schedules and means that others computed (docs/background/counting-engine.md)."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from timonier.compare import score
from timonier.describe import read_machine
from timonier.policy import read_profile
from timonier.simulate import Run, simulate
from timonier.workload import Jobs, read_workload

TRACES = Path(__file__).parents[3] / "shared" / "traces"
ORACLE = TRACES / "swf-pyss-easy-oracle"
pytestmark = pytest.mark.skipif(not ORACLE.is_dir(), reason="needs the public logs in ../shared/traces")

PATHS = {
    "KTH-SP2": TRACES / "swf-kth-sp2" / "KTH-SP2-1996-2.1-cln.swf.gz",
    "CTC-SP2": TRACES / "swf-ctc-sp2" / "CTC-SP2-1996-3.1-cln.swf.gz",
}
PROCESSORS = {"KTH-SP2": 100, "CTC-SP2": 338, "SDSC-SP2": 128}
PLAIN = "easy_backfill_scheduler_None_None"
EXACT = "easy_prediction_backfill_scheduler_predictorclairvoyant_throw_an_error"
SHORTEST = "easy_plus_plus_scheduler_predictorclairvoyant_throw_an_error"
EVENT, USE_EXACT, EXTEND = "cycle.each=event", "estimate.use=exact", "estimate.over=extend"


def run(jobs: Jobs, processors: int, profile: str, *settings: str) -> Run:
    return simulate(jobs, read_machine(str(processors)), read_profile(profile, list(settings)))


def means(done: Run, warmup: float = 0.0) -> tuple[float, float]:
    """Mean wait in s and mean bounded slowdown."""
    scores = score(done.table, done.machine.processors or 0, warmup)
    wait, slowdown = scores["wait_mean_s"], scores["bsld_mean"]
    assert wait is not None
    assert slowdown is not None
    return wait, slowdown


def logged_waits(path: Path) -> dict[str, int]:
    """Job number to wait (SWF fields 1 and 3), read without the workload room."""
    with gzip.open(path, "rt", errors="replace") as lines:
        rows = [line.split() for line in lines if line.strip() and not line.startswith(";")]
    return {row[0]: int(float(row[2])) for row in rows}


@pytest.mark.parametrize(
    ("name", "kind"),
    [(n, k) for n in PROCESSORS for k in (PLAIN, EXACT, SHORTEST) if (n, k) != ("CTC-SP2", PLAIN)],
)
def test_every_wait_of_the_oracle(name: str, kind: str) -> None:
    """All 8 published schedules, job by job: 100.0000 % of the waits."""
    path = ORACLE / f"{name}.res_{kind}.swf.gz"
    settings = [EVENT] if kind == PLAIN else [EVENT, USE_EXACT]
    profile = "easy-sjbf" if kind == SHORTEST else "easy"
    done = run(read_workload(path), PROCESSORS[name], profile, *settings)
    wanted = logged_waits(path)
    rows = done.table.select(["job_id", "wait_s"]).to_pylist()
    assert len(rows) == len(wanted)
    assert [row for row in rows if row["wait_s"] != wanted[row["job_id"]]] == []


GOLDEN: list[tuple[str, str, list[str], str]] = [  # CONTRACT 6
    ("KTH-SP2", "fcfs", [], "353949.9321 / 6818.3216"),
    ("KTH-SP2", "easy", [], "6837.4851 / 92.7299"),
    ("KTH-SP2", "easy", [USE_EXACT], "6330.3301 / 71.7543"),
    ("KTH-SP2", "easy", [USE_EXACT, EVENT], "6330.3301 / 71.7543"),
    ("KTH-SP2", "easy-sjbf", [], "5906.1264 / 69.4245"),
    ("KTH-SP2", "easy", [EVENT], "6839.7710 / 92.6188"),
    ("CTC-SP2", "fcfs", [], "655548.4575 / 3652.0018"),
    ("CTC-SP2", "easy", [], "13941.9654 / 48.8338"),
    ("CTC-SP2", "easy", [USE_EXACT], "13580.9339 / 37.1677"),
    ("CTC-SP2", "easy", [USE_EXACT, EVENT], "13580.9339 / 37.1677"),
    ("CTC-SP2", "easy-sjbf", [], "11816.8118 / 30.1024"),
    ("CTC-SP2", "easy", [EVENT], "14271.5273 / 49.5681"),
]


@pytest.mark.parametrize(("name", "profile", "settings", "expected"), GOLDEN)
def test_golden_rows(name: str, profile: str, settings: list[str], expected: str) -> None:
    """Mean wait s / mean bsld, every digit."""
    done = run(read_workload(PATHS[name]), PROCESSORS[name], profile, *settings)
    assert "{:.4f} / {:.4f}".format(*means(done)) == expected


@pytest.mark.parametrize(
    ("settings", "expected"), [([EVENT], "7310.5512 / 88.9973"), ([], "7316.2391 / 88.9666")]
)
def test_conservative_on_the_jobs_of_the_oracle(settings: list[str], expected: str) -> None:
    jobs = read_workload(ORACLE / f"KTH-SP2.res_{PLAIN}.swf.gz")
    assert "{:.4f} / {:.4f}".format(*means(run(jobs, 100, "conservative", *settings))) == expected


TSAFRIR: list[tuple[str, str, list[str], str]] = [  # mean wait in minutes, mean bsld
    ("KTH-SP2", "easy", [], "114.1 / 91.3"),
    ("KTH-SP2", "easy-sjbf", [], "100.2 / 72.5"),
    ("KTH-SP2", "easy-sjbf", [USE_EXACT], "91.2 / 50.5"),
    ("CTC-SP2", "easy", [], "21.4 / 4.6"),
    ("CTC-SP2", "easy-sjbf", [], "19.1 / 4.0"),
    ("CTC-SP2", "easy-sjbf", [USE_EXACT], "19.3 / 2.8"),
]


def uncleaned_kth() -> Jobs:
    """The 28,481 jobs of the log before cleaning: those of the oracle, with the run times that were not cut yet."""
    full = read_workload(PATHS["KTH-SP2"])
    names = full.table.column("job_id").to_pylist()
    runtime: dict[Any, int] = dict(zip(names, full.numbers("runtime_s", 0).tolist(), strict=True))
    jobs = read_workload(ORACLE / f"KTH-SP2.res_{PLAIN}.swf.gz")
    cut = zip(jobs.table.column("job_id").to_pylist(), jobs.numbers("runtime_s", 0).tolist(), strict=True)
    column = jobs.table.column_names.index("runtime_s")
    values = pa.array([runtime.get(name, value) for name, value in cut], pa.int64())
    return replace(jobs, table=jobs.table.set_column(column, "runtime_s", values))


@pytest.mark.parametrize(("name", "profile", "settings", "expected"), TSAFRIR)
def test_tsafrir_etsion_feitelson(name: str, profile: str, settings: list[str], expected: str) -> None:
    """The figures of the other simulator, to the digit.

    They belong to over = "extend", to all jobs (no warm-up), on KTH to the log before cleaning, on CTC to 512 processors.
    Source: Tsafrir, Etsion, Feitelson, TPDS 2007, as measured again.
    """
    jobs = uncleaned_kth() if name == "KTH-SP2" else read_workload(PATHS[name])
    wait, slowdown = means(run(jobs, 100 if name == "KTH-SP2" else 512, profile, EXTEND, *settings))
    assert f"{wait / 60:.1f} / {slowdown:.1f}" == expected


SEQUENCES = (1981, 2756, 4299, 8850, 3316, 2714, 5228, 7762, 4022, 7085)


@pytest.mark.parametrize(
    ("path", "processors", "expected"),
    [("swf-lublin/lublin_256.swf", 256, "7273.77"), ("swf-hpc2n/HPC2N-2002-2.2-cln.swf.gz", 240, "297.18")],
)
def test_rlscheduler_fcfs(path: str, processors: int, expected: str) -> None:
    """Mean bsld of ten sequences of 1,024 jobs.  Source: Zhang et al., RLScheduler, SC'20."""
    jobs = read_workload(TRACES / path)
    slowdowns = []
    for first in SEQUENCES:
        part = replace(jobs, table=jobs.table.slice(first, 1024))
        slowdowns.append(means(run(part, processors, "fcfs", EXTEND))[1])
    assert f"{np.mean(slowdowns):.2f}" == expected


@pytest.mark.parametrize(
    ("pattern", "kept", "dropped", "over"),
    [
        ("swf-ctc-sp2/*.swf.gz", 77_205, 17, 7_174),
        ("swf-kth-sp2/*.swf.gz", 28_467, 9, 475),
        ("swf-sdsc-blue/*.swf.gz", 232_536, 10_770, 23_434),
        ("swf-anl-intrepid/*.swf.gz", 68_936, 0, 12_241),
        ("swf-nasa-ipsc/*.swf.gz", 18_066, 173, 0),
    ],
)
def test_the_row_counts_of_the_contract(pattern: str, kept: int, dropped: int, over: int) -> None:
    jobs = read_workload(next(TRACES.glob(pattern)))
    limit = jobs.numbers("time_limit_s", np.nan) if jobs.has("time_limit_s") else np.full(len(jobs), np.nan)
    counted = (
        len(jobs),
        sum(jobs.cleaning.dropped.values()),
        int((jobs.numbers("runtime_s", 0) > limit).sum()),
    )
    assert counted == (kept, dropped, over)


def test_intrepid_has_one_job_that_cannot_run() -> None:
    jobs = read_workload(next(TRACES.glob("swf-anl-intrepid/*.swf.gz")))
    done = run(jobs, jobs.processors or 0, "fcfs")
    assert done.table.column("state").to_pylist().count("unrunnable") == 1
