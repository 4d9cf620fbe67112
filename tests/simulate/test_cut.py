"""A run that is stopped, saved and gone on with elsewhere is the run that was never stopped, byte for byte."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.simulate.cases import counting_profiles, kernel_families, profile_of
from tests.simulate.workloads import FAMILIES, small, to_jobs

from timonier.describe import Machine, read_machine
from timonier.policy import Profile, read_profile
from timonier.simulate import Run, simulate, state_of, write_run
from timonier.simulate.drive import drive, prepare
from timonier.simulate.kernel import state as k
from timonier.simulate.pack import pack
from timonier.simulate.unpack import run_table
from timonier.workload import Jobs, read_workload, write_table

CTC = Path(__file__).parents[3] / "shared" / "traces" / "swf-ctc-sp2" / "CTC-SP2-1996-3.1-cln.swf.gz"
SRC = Path(__file__).parents[2] / "src"
needs_log = pytest.mark.skipif(not CTC.is_file(), reason="needs the public logs in ../shared/traces")

CLOCK = ["cycle.every=300", "cycle.on=[]"]
EXTEND = ["estimate.over=extend"]
EVENT = ["cycle.each=event"]
CASES: list[tuple[str, list[str]]] = [
    *((name, []) for name in counting_profiles()),
    ("easy", CLOCK),
    ("easy", EXTEND),
    ("easy", EVENT),
    ("easy", EVENT + EXTEND),
    ("easy-sjbf", EVENT),
    ("conservative", EVENT),
    ("conservative", EXTEND),
    ("conservative", EVENT + EXTEND),
    ("wfp3", CLOCK),
    ("slurm-like", EXTEND),
    ("slurm-like", [*EVENT, "order.rule=wfp3"]),
    ("fcfs", ["cycle.blocked=skip"]),
    ("fcfs", ["cycle.blocked=drop"]),
]
GATHERING = ("conservative", CLOCK)

# what the new process does: read each state, run it to the end, write its run table
RESUME = """
import json, sys
from timonier.describe import read_machine
from timonier.policy import read_profile
from timonier.simulate import simulate, write_run
from timonier.workload import read_workload
for state, processors, profile, settings, out in json.load(sys.stdin):
    run = simulate(read_workload(state), read_machine(processors), read_profile(profile, settings))
    write_run(run, out, {}, {})
"""


def resume_elsewhere(tasks: list[list[Any]]) -> None:
    """Go on from all these states in one new process."""
    path = os.pathsep.join([str(SRC), os.environ.get("PYTHONPATH", "")])
    subprocess.run(
        [sys.executable, "-c", RESUME],
        input=json.dumps(tasks),
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )


class Stepper:
    """A run that stops at one instant after the other."""

    def __init__(self, jobs: Jobs, machine: Machine, profile: Profile) -> None:
        self._packed = pack(jobs, machine, profile)
        self._jobs, self._machine, self._profile = jobs, machine, profile

    def at(self, until: int = k.NEVER - 1) -> Run:
        drive(self._packed, until)
        table = run_table(self._jobs, self._packed)
        return Run(self._jobs, self._machine, self._profile, table, 0, self._packed)


def written(run: Run, path: Path) -> list[bytes]:
    write_run(run, path, {}, {})
    return path.read_bytes().splitlines(keepends=True)


def joined(first: Iterable[bytes], second: Iterable[bytes]) -> bytes:
    """The rows of the second part, and those of the first that it no longer has, in input order."""
    later = {line.split(b",", 1)[0]: line for line in second}
    return b"".join(later.get(line.split(b",", 1)[0], line) for line in first)


def instants(jobs: Jobs, whole: Run, settings: list[str], count: int, seed: int) -> list[int]:
    """Random instants of a run; some at which jobs come or end; one inside an overrun, one between clock ticks."""
    rng = random.Random(seed)
    submit = jobs.numbers("submit_s", 0)
    start = np.asarray(whole.table.column("start_s").fill_null(-1))
    end = np.asarray(whole.table.column("end_s").fill_null(-1))
    chosen = [
        int(rng.choice(submit.tolist())),
        int(rng.choice(end[end > 0].tolist())),
        *(rng.randint(int(submit[0]), int(submit[-1])) for _ in range(count - 2)),
    ]
    both = np.intersect1d(submit, end)
    if len(both):
        chosen[0] = int(rng.choice(both.tolist()))
    if EXTEND[0] in settings:
        expected = start + jobs.numbers("time_limit_s", 1 << 40)
        over = np.flatnonzero((start >= 0) & (end > expected + 1))
        row = int(rng.choice(over.tolist()))
        chosen[1] = rng.randint(int(expected[row]) + 1, int(end[row]) - 1)
    if CLOCK[0] in settings:
        chosen[1] = chosen[1] // 300 * 300 + rng.randint(1, 299)
    return sorted(set(chosen))


def check_cuts(jobs: Jobs, cases: list[tuple[str, list[str]]], count: int, seed: int, folder: Path) -> None:
    machine = read_machine("338")
    tasks: list[list[Any]] = []
    pieces: list[tuple[str, bytes, list[bytes], Path]] = []
    for name, settings in cases:
        profile = read_profile(name, settings)
        whole = simulate(jobs, machine, profile)
        wanted = b"".join(written(whole, folder / "whole.csv"))
        stepper = Stepper(jobs, machine, profile)
        for at in instants(jobs, whole, settings, count, seed):
            label = f"{name} {' '.join(settings)} cut at {at}"
            part = stepper.at(at)
            state, out = folder / f"{len(tasks)}.parquet", folder / f"{len(tasks)}.csv"
            write_table(state_of(part, at), state)
            pieces.append((label, wanted, written(part, folder / "part.csv"), out))
            tasks.append([str(state), "338", name, settings, str(out)])
    resume_elsewhere(tasks)
    wrong = []
    for label, wanted, first, out in pieces:
        if joined(first, out.read_bytes().splitlines(keepends=True)) != wanted:
            wrong.append(label)
    assert wrong == []


@needs_log
def test_ten_thousand_jobs_cut_three_times_under_every_profile(tmp_path: Path) -> None:
    jobs = read_workload(CTC)
    check_cuts(replace(jobs, table=jobs.table.slice(20_000, 10_000)), CASES, 3, 1, tmp_path)


@needs_log
def test_ten_thousand_jobs_cut_three_times_with_a_clock_alone(tmp_path: Path) -> None:
    jobs = read_workload(CTC)
    check_cuts(replace(jobs, table=jobs.table.slice(20_000, 10_000)), [GATHERING], 3, 1, tmp_path)


@needs_log
@pytest.mark.long
@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join([case[0], *case[1]]))
def test_the_whole_log_cut_twenty_times(case: tuple[str, list[str]], tmp_path: Path) -> None:
    check_cuts(read_workload(CTC), [case], 20, 2, tmp_path)


@needs_log
def test_the_command_saves_and_goes_on(tmp_path: Path) -> None:
    """The same by the command: --until T --save-state S, then S in the place of the log."""
    log, state = tmp_path / "log.parquet", tmp_path / "state.parquet"
    jobs = read_workload(CTC)
    write_table(replace(jobs, table=jobs.table.slice(0, 3000)), log)

    def command(*words: str | Path) -> None:
        path = os.pathsep.join([str(SRC), os.environ.get("PYTHONPATH", "")])
        line = [sys.executable, "-m", "timonier.cli", "simulate", *map(str, words), "--machine", "338"]
        subprocess.run([*line, "--output", "quiet"], check=True, env={**os.environ, "PYTHONPATH": path})

    parts = [tmp_path / f"{name}.csv" for name in ("whole", "first", "second")]
    command(log, "-o", parts[0])
    command(log, "--until", "1500000", "--save-state", state, "-o", parts[1])
    command(state, "-o", parts[2])
    whole, first, second = (part.read_bytes().splitlines(keepends=True) for part in parts)
    assert 1 < len(second) < len(first) == len(whole) == 3001
    assert joined(first, second) == b"".join(whole)


def check_small(family: str, kernel: tuple[str, str, str], seed: int, folder: Path) -> None:
    """A small workload with all that families bring, cut at each of several instants, through a file."""
    workload = small(family, f"cut {'-'.join(kernel)} {seed}")
    profile = replace(profile_of(*kernel, seed), queues=workload.queues)
    jobs, machine = to_jobs(workload.jobs), workload.machine
    whole = simulate(jobs, machine, profile)
    wanted = whole.table.to_pylist()
    rng = random.Random(seed)
    stepper = Stepper(jobs, machine, profile)
    for at in sorted({rng.randint(0, max(whole.last_s, 1)) for _ in range(3)}):
        part = stepper.at(at)
        write_table(state_of(part, at), folder / "state.parquet")
        rest = simulate(read_workload(folder / "state.parquet"), machine, profile)
        later = {row["job_id"]: row for row in rest.table.to_pylist()}
        found = [later.get(row["job_id"], row) for row in part.table.to_pylist()]
        different = [(f, w) for f, w in zip(found, wanted, strict=True) if f != w]
        assert not different, (
            f"{family} {kernel} seed {seed} cut at {at}: {len(different)} of {len(wanted)} jobs, "
            f"first: {different[0]}\n{profile}"
        )


def gathers(kernel: tuple[str, str, str], seed: int) -> bool:
    return kernel[1] == "conservative" and not profile_of(*kernel, seed).cycle.on


@pytest.mark.parametrize("family", FAMILIES)
def test_small_workloads_of_every_family(family: str, tmp_path: Path) -> None:
    for kernel in kernel_families():
        for seed in (2, 16, 23):  # no clock, a clock besides, a clock alone
            if not gathers(kernel, seed):
                check_small(family, kernel, seed, tmp_path)


@pytest.mark.parametrize("family", FAMILIES)
def test_small_workloads_with_a_clock_alone(family: str, tmp_path: Path) -> None:
    for kernel in kernel_families():
        for seed in range(21, 35):
            if gathers(kernel, seed):
                check_small(family, kernel, seed, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("kernel", kernel_families(), ids="-".join)
@pytest.mark.parametrize("family", FAMILIES)
def test_many_small_workloads(family: str, kernel: tuple[str, str, str], tmp_path: Path) -> None:
    for seed in range(100):
        if not gathers(kernel, seed):
            check_small(family, kernel, seed, tmp_path)


def copied(value: Any) -> Any:
    """The arrays of a state, copied: a snapshot."""
    if isinstance(value, np.ndarray):
        return value.copy()
    return type(value)(*(copied(inner) for inner in value))


@pytest.mark.parametrize("family", ["ties", "over_limit", "mixed"])
def test_a_copy_of_the_arrays_goes_on_from_the_middle_of_an_instant(family: str) -> None:
    """The kernel is stopped after a few events at a time, wherever that is; the original is spoilt meanwhile."""
    for kernel in kernel_families():
        for seed in range(2):
            workload = small(family, f"copy {'-'.join(kernel)} {seed}")
            profile = replace(profile_of(*kernel, seed), queues=workload.queues)
            jobs = to_jobs(workload.jobs)
            whole = simulate(jobs, workload.machine, profile)
            packed = pack(jobs, workload.machine, profile)
            advance = prepare(packed)
            rng = random.Random(seed)
            while advance(packed.state, k.NEVER - 1, rng.randint(1, 3)) == k.BUDGET:
                spoilt, packed = packed, replace(packed, state=copied(packed.state))
                advance(spoilt.state, k.NEVER - 1, 1 << 40)
            assert run_table(jobs, packed).equals(whole.table), f"{family} {kernel} seed {seed}"
