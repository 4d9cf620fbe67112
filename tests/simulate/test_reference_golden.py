"""The slow reference against schedules and means that others computed (docs/background/counting-engine.md)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.reference.engine import simulate
from tests.reference.jobs import Job
from tests.reference.means import means
from tests.reference.swf import read_jobs, read_rows

from timonier.policy.profile import Backfill, Cycle, Estimate, Order, Profile

TRACES = Path(__file__).parents[3] / "shared" / "traces"
ORACLE = TRACES / "swf-pyss-easy-oracle"
pytestmark = pytest.mark.skipif(not ORACLE.is_dir(), reason="needs the public logs in ../shared/traces")

PLAIN = "easy_backfill_scheduler_None_None"
EXACT = "easy_prediction_backfill_scheduler_predictorclairvoyant_throw_an_error"
SHORTEST = "easy_plus_plus_scheduler_predictorclairvoyant_throw_an_error"
LOGS = {"KTH-SP2": 100, "CTC-SP2": 338, "SDSC-SP2": 128}


def easy(use: str = "limit", order: str = "queue", each: str = "instant", over: str = "kill") -> Profile:
    return Profile(
        "easy",
        cycle=Cycle(each=each),
        estimate=Estimate(use=use, over=over),
        backfill=Backfill("easy", order),
    )


def log(name: str) -> list[Job]:
    path = {"KTH-SP2": "swf-kth-sp2/KTH-SP2-1996-2.1-cln", "CTC-SP2": "swf-ctc-sp2/CTC-SP2-1996-3.1-cln"}[
        name
    ]
    return read_jobs(TRACES / f"{path}.swf.gz")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param(name, kind, marks=[] if (name, kind) == ("KTH-SP2", PLAIN) else [pytest.mark.long])
        for name in LOGS
        for kind in (PLAIN, EXACT, SHORTEST)
        if (name, kind) != ("CTC-SP2", PLAIN)  # not published
    ],
)
def test_every_wait_of_the_oracle(name: str, kind: str) -> None:
    rows = read_rows(ORACLE / f"{name}.res_{kind}.swf.gz")
    profile = easy(
        "limit" if kind == PLAIN else "exact", "shortest" if kind == SHORTEST else "queue", "event"
    )
    outcomes = simulate([row.job for row in rows], profile, LOGS[name])
    wrong = [
        row.number
        for row, out in zip(rows, outcomes, strict=True)
        if out.start is None or out.start - row.job.submit != row.wait
    ]
    assert wrong == []


GOLDEN = [  # mean wait s, mean bsld: CONTRACT 6
    ("KTH-SP2", Profile("fcfs"), "353949.9321 / 6818.3216"),
    ("KTH-SP2", easy(), "6837.4851 / 92.7299"),
    ("KTH-SP2", easy("exact"), "6330.3301 / 71.7543"),
    ("KTH-SP2", easy("exact", each="event"), "6330.3301 / 71.7543"),
    ("KTH-SP2", easy(order="shortest"), "5906.1264 / 69.4245"),
    ("KTH-SP2", easy(each="event"), "6839.7710 / 92.6188"),
    ("CTC-SP2", Profile("fcfs"), "655548.4575 / 3652.0018"),
    ("CTC-SP2", easy(), "13941.9654 / 48.8338"),
    ("CTC-SP2", easy("exact"), "13580.9339 / 37.1677"),
    ("CTC-SP2", easy("exact", each="event"), "13580.9339 / 37.1677"),
    ("CTC-SP2", easy(order="shortest"), "11816.8118 / 30.1024"),
    ("CTC-SP2", easy(each="event"), "14271.5273 / 49.5681"),
]


@pytest.mark.parametrize(
    ("name", "profile", "expected"),
    [pytest.param(*row, marks=[pytest.mark.long] if row[0] == "CTC-SP2" else []) for row in GOLDEN],
)
def test_golden_rows(name: str, profile: Profile, expected: str) -> None:
    jobs = log(name)
    outcomes = simulate(jobs, profile, LOGS[name], strict=True)
    assert "{:.4f} / {:.4f}".format(*means(jobs, outcomes)) == expected


@pytest.mark.parametrize(
    ("each", "expected"), [("event", "7310.5512 / 88.9973"), ("instant", "7316.2391 / 88.9666")]
)
def test_conservative_on_the_jobs_of_the_oracle(each: str, expected: str) -> None:
    jobs = read_jobs(ORACLE / f"KTH-SP2.res_{PLAIN}.swf.gz")
    profile = Profile("conservative", cycle=Cycle(each=each), backfill=Backfill("conservative"))
    assert "{:.4f} / {:.4f}".format(*means(jobs, simulate(jobs, profile, 100, strict=True))) == expected


TSAFRIR = [  # mean wait in minutes, mean bsld, as another simulator measured them
    ("KTH-SP2", "limit", "queue", "114.1 / 91.3"),
    ("KTH-SP2", "limit", "shortest", "100.2 / 72.5"),
    ("KTH-SP2", "exact", "shortest", "91.2 / 50.5"),
    ("CTC-SP2", "limit", "queue", "21.4 / 4.6"),
    ("CTC-SP2", "limit", "shortest", "19.1 / 4.0"),
    ("CTC-SP2", "exact", "shortest", "19.3 / 2.8"),
]


def uncleaned_kth() -> list[Job]:
    """The 28,481 jobs of the log before cleaning: those of the oracle, with the run times that were not cut yet."""
    full = {job.job_id: job for job in log("KTH-SP2")}
    jobs = read_jobs(ORACLE / f"KTH-SP2.res_{PLAIN}.swf.gz")
    return [replace(job, runtime=full[job.job_id].runtime) if job.job_id in full else job for job in jobs]


@pytest.mark.parametrize(
    ("name", "use", "order", "expected"),
    [pytest.param(*row, marks=[pytest.mark.long] if row[0] == "CTC-SP2" else []) for row in TSAFRIR],
)
def test_tsafrir_etsion_feitelson(name: str, use: str, order: str, expected: str) -> None:
    jobs = uncleaned_kth() if name == "KTH-SP2" else log(name)
    processors = 100 if name == "KTH-SP2" else 512
    wait, slowdown = means(jobs, simulate(jobs, easy(use, order, over="extend"), processors))
    assert f"{wait / 60:.1f} / {slowdown:.1f}" == expected


SEQUENCES = (1981, 2756, 4299, 8850, 3316, 2714, 5228, 7762, 4022, 7085)


@pytest.mark.parametrize(
    ("path", "processors", "expected"),
    [("swf-lublin/lublin_256.swf", 256, "7273.77"), ("swf-hpc2n/HPC2N-2002-2.2-cln.swf.gz", 240, "297.18")],
)
def test_rlscheduler_fcfs(path: str, processors: int, expected: str) -> None:
    """Mean bsld of ten sequences of 1,024 jobs.  Source: Zhang et al., RLScheduler, SC'20."""
    jobs = read_jobs(TRACES / path)
    profile = Profile("fcfs", order=Order("fcfs"), estimate=Estimate(over="extend"))
    slowdowns = []
    for first in SEQUENCES:
        part = jobs[first : first + 1024]
        slowdowns.append(means(part, simulate(part, profile, processors))[1])
    assert f"{sum(slowdowns) / len(slowdowns):.2f}" == expected
