"""The kernel can be stopped at any moment, and what goes wrong in its thread is heard."""

from __future__ import annotations

import threading
import time

import numpy as np
import pyarrow as pa
import pytest

from timonier.describe import Machine
from timonier.policy import read_profile
from timonier.simulate.drive import drive
from timonier.simulate.kernel import state as k
from timonier.simulate.pack import Packed, pack
from timonier.workload import Jobs

CASES = [
    ("conservative", []),
    ("conservative", ["cycle.each=event"]),
    ("easy", ["order.rule=saf"]),
    ("easy", ["cycle.each=event", "order.rule=f1"]),
]


class Enough(Exception):
    """Somebody wants the run to stop."""


def burst(count: int, profile: str, settings: list[str]) -> Packed:
    """All jobs come in the same second."""
    row = np.arange(count)
    table = pa.table(
        {
            "job_id": pa.array(row).cast(pa.string()),
            "submit_s": np.zeros(count, dtype=np.int64),
            "runtime_s": 60 + row * 7919 % 99_991,
            "time_limit_s": 100_051 + row * 104_729 % 999_983,
            "tasks": 1 + row % 31,
        }
    )
    return pack(Jobs(table, "burst"), Machine("test", processors=64), read_profile(profile, settings))


@pytest.mark.parametrize(("profile", "settings"), CASES, ids=str)
def test_a_run_stops_inside_one_huge_instant(profile: str, settings: list[str]) -> None:
    """A million jobs in one second are one instant that takes minutes; whoever shows progress may stop it."""
    drive(burst(10, profile, settings))  # compiled
    packed = burst(1_000_000, profile, settings)
    stopped = []

    def progress(done: int, total: int) -> None:
        stopped.append((time.monotonic(), done, total))
        raise Enough

    with pytest.raises(Enough):
        drive(packed, progress=progress)
    assert time.monotonic() - stopped[0][0] < 2.0
    assert packed.state.scalars[k.NOW] == 0, "it was over before it was stopped"
    assert [thread.name for thread in threading.enumerate() if thread.name == "timonier kernel"] == []


def test_an_error_in_the_kernel_is_raised_where_it_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise MemoryError

    monkeypatch.setattr("timonier.simulate.drive.prepare", lambda *_: broken)
    with pytest.raises(MemoryError):
        drive(burst(10, "fcfs", []))
