"""The validator passes good runs, finds each violation planted in one, and never ends in a traceback."""

from __future__ import annotations

import copy
import hashlib
import json
import math
import random
import tomllib
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tomli_w
from tests.reference.jobs import Job
from tests.simulate.cases import kernel_families, profile_of
from tests.simulate.workloads import FAMILIES, Workload, small, to_jobs

from timonier.cli.summary import summarise
from timonier.compare.metrics import known_metrics
from timonier.kit.errors import InputError
from timonier.policy.profile import Backfill, Cycle, Estimate, Limits, Profile, Queue
from timonier.simulate import simulate, state_of, write_run
from timonier.simulate.check import check_run

EASY = Profile("easy", backfill=Backfill("easy"))


def write(folder, workload: Workload, profile: Profile, **more):
    profile = replace(profile, queues=workload.queues)
    run = simulate(to_jobs(workload.jobs), workload.machine, profile, **more)
    write_run(run, folder, summarise(run, 0.0), {"command": "simulate", "warmup": 0.0})
    return folder


def workload() -> Workload:
    """Six jobs on four processors with a queue, a partition, a dependency and a time-out."""
    jobs = [
        Job("a", 0, 100, 100, size=3, user="u", queue="q"),
        Job("b", 10, 50, 50, size=4, user="v", queue="q"),
        Job("c", 20, 30, 30, size=1, user="u"),
        Job("d", 30, 500, 60, size=2, user="v", partition="p"),
        Job("e", 40, 10, 20, size=1, user="u", dependency="afterok:c", think=5),
        Job("f", 50, 10, 20, size=5, user="u"),
    ]
    return Workload(jobs, 4, {"p": 2}, queues=(Queue("q", limits=Limits(processors=4)),))


def edit_table(folder, name, column, change):
    """Put other values into a column, and make the manifest agree so that only the rules can see it."""
    path = folder / name
    table = pq.read_table(path)
    index = table.column_names.index(column)
    kind = table.schema.field(column).type
    kind = pa.string() if pa.types.is_dictionary(kind) else kind
    values = change(table.column(column).cast(kind).to_pylist())
    pq.write_table(table.set_column(index, column, pa.array(values, kind)), path)
    sign(folder, name)


def sign(folder, name):
    manifest = tomllib.loads((folder / "manifest.toml").read_text())
    manifest["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / "manifest.toml").write_text(tomli_w.dumps(manifest))


def put(row, value):
    def change(values):
        values[row] = value
        return values

    return change


def test_a_good_run_keeps_every_promise(tmp_path):
    assert check_run(write(tmp_path / "run", workload(), EASY)) == []


@pytest.mark.parametrize("kernel", kernel_families(), ids="-".join)
def test_random_good_runs_keep_every_promise(tmp_path, kernel):
    for seed, family in enumerate(FAMILIES):
        folder = write(tmp_path / family, small(family, f"check {seed}"), profile_of(*kernel, seed))
        assert check_run(folder) == [], (family, seed)


def test_a_promise_under_a_scheduler_that_makes_none_is_found(tmp_path):
    folder = write(tmp_path / "run", workload(), Profile("cycles", backfill=Backfill("reservations")))
    assert check_run(folder) == []
    edit_table(folder, "jobs.parquet", "promised_s", put(1, 100))
    assert any("nobody promises any" in broken for broken in check_run(folder))


def test_a_run_that_was_stopped_keeps_every_promise(tmp_path):
    assert check_run(write(tmp_path / "run", workload(), EASY, until_s=45)) == []


PLANTED = [
    ("jobs.parquet", "job_id", put(0, "z"), "does not have one row for every job"),
    ("jobs.parquet", "submit_s", put(0, 1), "another submit_s"),
    ("jobs.parquet", "size", put(0, 2), "another size"),
    ("jobs.parquet", "wait_s", put(1, 7), "wait_s that is not"),
    ("jobs.parquet", "run_s", put(1, 7), "run_s that is not"),
    ("jobs.parquet", "end_s", put(0, 99), "does not run as long"),
    ("jobs.parquet", "end_s", put(0, None), "has ended, but has no"),
    ("jobs.parquet", "state", put(0, "asleep"), "has a state that is none of"),
    ("jobs.parquet", "state", put(0, "timeout"), "is called timeout"),
    ("jobs.parquet", "state", put(3, "completed"), "not called timeout"),
    ("jobs.parquet", "state", put(5, "pending"), "not called unrunnable"),
    ("jobs.parquet", "state", put(0, "unrunnable"), "the empty machine could run it"),
    ("jobs.parquet", "state", put(0, "cancelled"), "its dependencies could hold"),
    ("jobs.parquet", "state", put(0, "dropped"), "is dropped, but cycle.blocked is not drop"),
    ("jobs.parquet", "state", put(2, "timeout"), "a dependency of it does not hold"),
    ("jobs.parquet", "start_s", put(1, 60), "processors of the machine are in use at 60 s"),
    ("jobs.parquet", "start_s", put(1, 60), "processors of queue 'q' are in use"),
    ("jobs.parquet", "start_s", put(4, 41), "before its dependencies have ended"),
    ("jobs.parquet", "start_s", put(1, 5), "before it is submitted"),
    ("jobs.parquet", "start_s", put(1, 101), "segments that are not"),
    ("segments.parquet", "end_s", put(0, 101), "segments that are not"),
    ("segments.parquet", "job_id", put(0, "z"), "not in jobs.parquet"),
    ("workload.parquet", "runtime_s", put(2, 29), "does not run as long"),
    ("jobs.parquet", "note", put(5, None), "its note does not say why"),
    ("jobs.parquet", "note", put(0, "busy"), "has a note, but nothing keeps it"),
    ("jobs.parquet", "attempts", put(0, 2), "other attempts than starts"),
    ("placements.parquet", "job_id", put(0, "z"), "not in jobs.parquet"),
    ("placements.parquet", "job_id", put(0, "b"), "has not one placement for each start"),
    ("placements.parquet", "cores", put(0, 2.0), "on another number of processors"),
    ("placements.parquet", "start_s", put(0, 1), "is placed at other times"),
    ("placements.parquet", "end_s", put(0, None), "is placed at other times"),
]


@pytest.mark.parametrize(("name", "column", "change", "sentence"), PLANTED)
def test_a_planted_violation_is_found(tmp_path, name, column, change, sentence):
    folder = write(tmp_path / "run", workload(), EASY)
    edit_table(folder, name, column, change)
    assert any(sentence in line for line in check_run(folder)), check_run(folder)


def edit_summary(folder, change):
    said = json.loads((folder / "summary.json").read_text())
    change(said)
    (folder / "summary.json").write_text(json.dumps(said))
    sign(folder, "summary.json")


def test_every_metric_of_the_summary_is_computed_again(tmp_path):
    folder = write(tmp_path / "run", workload(), EASY)
    names = list(json.loads((folder / "summary.json").read_text())["metrics"])
    for name in names:
        edit_summary(folder, lambda said, name=name: said["metrics"].update({name: 1234.5}))
        assert any(f"says {name} = 1234.5" in line for line in check_run(folder)), name


def test_a_metric_that_is_missing_or_not_known_is_found(tmp_path):
    folder = write(tmp_path / "run", workload(), EASY)
    names = set(json.loads((folder / "summary.json").read_text())["metrics"])
    assert names == set(known_metrics())
    edit_summary(folder, lambda said: said["metrics"].clear())
    missing = {f"summary.json has no metric {name}" for name in names}
    assert missing == set(check_run(folder))
    edit_summary(folder, lambda said: said.pop("metrics"))
    assert missing == set(check_run(folder))
    edit_summary(folder, lambda said: said.update({"metrics": {"luck": 7}}))
    assert "summary.json has a metric that is not known: luck" in check_run(folder)


def test_placements_that_are_left_out_are_found(tmp_path):
    folder = write(tmp_path / "run", workload(), EASY)
    table = pq.read_table(folder / "placements.parquet")
    pq.write_table(table.slice(1), folder / "placements.parquet")
    sign(folder, "placements.parquet")
    assert check_run(folder) == ["job 'a' has not one placement for each start"]
    pq.write_table(table.drop_columns(["cores"]), folder / "placements.parquet")
    sign(folder, "placements.parquet")
    assert check_run(folder) == ["placements.parquet has no column cores"]


def pend(folder, row):
    """As if this job had never started."""
    for name in ("start_s", "end_s", "wait_s", "run_s"):
        edit_table(folder, "jobs.parquet", name, put(row, None))
    edit_table(folder, "jobs.parquet", "state", put(row, "pending"))


def test_who_waits_for_ever_on_an_idle_machine_is_found(tmp_path):
    folder = write(tmp_path / "run", workload(), EASY)
    pend(folder, 3)
    said = "job 'd' waits at the end of the run, although nothing runs"
    assert said in check_run(folder)
    stopped = write(tmp_path / "stopped", three(), EASY, until_s=500)
    assert check_run(stopped) == []
    pend(stopped, 2)
    assert "job 'c' waits at the end of the run, although nothing runs" in check_run(stopped)


def test_a_run_that_says_to_have_stopped_elsewhere_is_found(tmp_path):
    folder = write(tmp_path / "run", three(), EASY, until_s=50.4)
    assert check_run(folder) == []
    manifest = (folder / "manifest.toml").read_text()
    assert "\nuntil = 50.4\n" in manifest
    for said, sentence in (
        ("until = 5", "starts or ends after the instant"),
        ("until = 100", "is called running, but should have ended"),
        ("", "is called running, but should have ended"),
    ):
        (folder / "manifest.toml").write_text(manifest.replace("until = 50.4", said))
        assert any(sentence in line for line in check_run(folder)), said
    (folder / "manifest.toml").write_text(manifest.replace("50.4", "'noon'"))
    with pytest.raises(InputError, match="not an instant"):
        check_run(folder)


def test_who_never_ends_may_run_at_the_end(tmp_path):
    jobs = [Job("a", 0, math.inf, None, size=1), Job("b", 0, 5, 5, size=1)]
    assert check_run(write(tmp_path / "run", Workload(jobs, 4, {}), EASY)) == []


def test_who_comes_after_the_end_or_between_ticks_may_wait(tmp_path):
    jobs = [Job("a", 0, 5, 5), Job("b", 12, 5, 5), Job("c", 50, 5, 5)]
    clock = replace(EASY, cycle=Cycle(on=(), every_s=10))
    for at in (7, 12, 15, 30, 40):
        for profile in (EASY, clock):
            folder = write(
                tmp_path / f"{at} {profile.cycle.every_s}", Workload(jobs, 4, {}), profile, until_s=at
            )
            assert check_run(folder) == []


def test_whose_dependency_failed_before_the_state_is_cancelled_rightly(tmp_path):
    """The parent has left the table; the state says that its child is doomed."""
    jobs = [Job("a", 0, 50, 10), Job("b", 100, 10, 10, dependency="afterok:a"), Job("c", 5, 60, 60)]
    machine = Workload(jobs, 4, {}).machine
    state = state_of(simulate(to_jobs(jobs), machine, EASY, until_s=20), 20)
    run = simulate(state, machine, EASY)
    assert run.table.column("state").to_pylist() == ["cancelled", "completed"]
    write_run(run, tmp_path / "run", summarise(run, 0.0), {})
    assert check_run(tmp_path / "run") == []
    edit_table(tmp_path / "run", "jobs.parquet", "state", put(0, "pending"))
    assert any("waits for ever for a dependency" in line for line in check_run(tmp_path / "run"))
    stopped = simulate(state, machine, EASY, until_s=70)
    write_run(stopped, tmp_path / "stopped", summarise(stopped, 0.0), {})
    assert check_run(tmp_path / "stopped") == []


def test_a_run_of_no_jobs_keeps_every_promise(tmp_path):
    assert check_run(write(tmp_path / "run", Workload([], 4, {}), EASY)) == []


def test_wrong_counts_and_hashes_are_found(tmp_path):
    folder = write(tmp_path / "run", workload(), EASY)
    edit_summary(folder, lambda said: said["jobs"].update({"completed": 9}))
    assert any("counts 9 jobs completed" in line for line in check_run(folder))
    (folder / "profile.toml").write_text((folder / "profile.toml").read_text() + "\n")
    assert any("profile.toml: not the content" in line for line in check_run(folder))


def moved(folder, rows, starts):
    """Move jobs to other starts, with everything that follows from it."""
    for row, start in zip(rows, starts, strict=True):
        table = pq.read_table(folder / "jobs.parquet").to_pylist()[row]
        edit_table(folder, "jobs.parquet", "start_s", put(row, start))
        edit_table(folder, "jobs.parquet", "end_s", put(row, start + table["run_s"]))
        edit_table(folder, "jobs.parquet", "wait_s", put(row, start - table["submit_s"]))


def three(partition=None) -> Workload:
    jobs = [
        Job("a", 0, 100, 100, size=2, partition=partition, user="u", queue="q"),
        Job("b", 1, 10, 10, size=1, partition=partition, user="u", queue="q"),
        Job("c", 2, 10, 10, size=1, user="w", queue="q"),
    ]
    return Workload(jobs, 3, {"p": 3} if partition else {})


def test_a_job_that_overtakes_under_fcfs_is_found(tmp_path):
    folder = write(tmp_path / "run", replace(three(), processors=2), Profile("fcfs"))
    moved(folder, [1, 2], [120, 110])
    assert any("before a job that came before it" in line for line in check_run(folder))


@pytest.mark.parametrize("rule", ["easy", "conservative"])
def test_a_start_later_than_promised_is_found(tmp_path, rule):
    folder = write(tmp_path / "run", replace(three(), processors=2), Profile(rule, backfill=Backfill(rule)))
    moved(folder, [1], [500])
    assert any("later than it was promised" in line for line in check_run(folder))


def test_a_broken_partition_cap_is_found(tmp_path):
    folder = write(tmp_path / "run", three("p"), EASY)
    text = (folder / "machine.toml").read_text()
    assert 'name = "p", processors = 3' in text
    (folder / "machine.toml").write_text(
        text.replace('name = "p", processors = 3', 'name = "p", processors = 2')
    )
    sign(folder, "machine.toml")
    assert any("processors of partition 'p' are in use" in line for line in check_run(folder))


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(jobs=2), "3 jobs of queue 'q' run"),
        (Limits(user_jobs=1), "2 jobs of one user of queue 'q' run"),
        (Limits(user_processors=2), "3 processors of one user of queue 'q' are in use"),
        (Limits(job_processors=1), "not called unrunnable"),
        (Limits(job_time_s=50), "not called unrunnable"),
    ],
)
def test_broken_queue_limits_are_found(tmp_path, limits, sentence):
    from timonier.policy import profile_to_toml

    folder = write(tmp_path / "run", replace(three(), processors=4), EASY)
    (folder / "profile.toml").write_text(profile_to_toml(replace(EASY, queues=(Queue("q", limits=limits),))))
    sign(folder, "profile.toml")
    assert any(sentence in line for line in check_run(folder)), check_run(folder)


def test_a_run_that_kills_is_not_one_that_extends(tmp_path):
    from timonier.policy import profile_to_toml

    folder = write(tmp_path / "run", workload(), EASY)
    extend = replace(EASY, estimate=Estimate(over="extend"), queues=workload().queues)
    (folder / "profile.toml").write_text(profile_to_toml(extend))
    assert any("does not run as long" in line for line in check_run(folder))


# ---- damage


def test_no_folder_no_traceback(tmp_path):
    with pytest.raises(InputError):
        check_run(tmp_path / "nowhere")
    with pytest.raises(InputError):
        check_run(tmp_path)


NAMES = [
    "jobs.parquet", "segments.parquet", "workload.parquet", "placements.parquet", "machine.toml", "profile.toml", "summary.json", "manifest.toml",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_an_input_error(tmp_path, name):
    folder = write(tmp_path / "run", workload(), EASY)
    (folder / name).unlink()
    with pytest.raises(InputError):
        check_run(folder)


@pytest.mark.parametrize("name", NAMES)
def test_random_damage_is_a_broken_promise_or_an_input_error(tmp_path, name):
    folder = write(tmp_path / "run", workload(), EASY)
    whole = (folder / name).read_bytes()
    rng = random.Random(name)
    for trial in range(40):
        cut = bytearray(whole if trial % 2 else whole[: rng.randrange(len(whole))])
        for _ in range(rng.randint(0, 4) if cut else 0):
            cut[rng.randrange(len(cut))] = rng.randrange(256)
        (folder / name).write_bytes(bytes(cut))
        if bytes(cut) == whole:
            continue
        try:
            broken = check_run(folder)
        except InputError:
            continue
        assert broken or name == "manifest.toml"


STRANGE = [
    None,
    True,
    -1,
    0,
    1.5,
    math.nan,
    math.inf,
    1e308,
    10**400,
    -(10**19),
    "x",
    "",
    [],
    [1],
    {},
    {"a": 1},
]


def places(said, path=()):
    """Every place in a document."""
    yield path
    for key in said if isinstance(said, dict) else ():
        yield from places(said[key], (*path, key))


def test_strange_values_in_a_summary_never_end_in_a_traceback(tmp_path):
    """Each value of summary.json in turn is another or is left out; every metric, count and warm-up is missed."""
    folder = write(tmp_path / "run", workload(), EASY)
    whole = json.loads((folder / "summary.json").read_text())
    rng = random.Random(3)
    for path in list(places(whole))[1:]:
        for strange in (..., *rng.sample(STRANGE, 3)):
            said = copy.deepcopy(whole)
            inner = said
            for key in path[:-1]:
                inner = inner[key]
            old = inner.pop(path[-1])
            if strange is not ...:
                inner[path[-1]] = strange
            (folder / "summary.json").write_text(json.dumps(said))
            sign(folder, "summary.json")
            matters = path[0] == "metrics" or (path[0] == "jobs" and old != 0)
            assert check_run(folder) or not matters or strange == old, (path, strange)


@pytest.mark.parametrize("warmup", [math.nan, math.inf, -0.1, 1, 1e300, "half", None, True])
def test_a_warm_up_that_is_no_share_is_found(tmp_path, warmup):
    folder = write(tmp_path / "run", workload(), EASY)
    edit_summary(folder, lambda said: said.update({"warmup": warmup}))
    assert check_run(folder) == ["summary.json: 'warmup' is not a share of the jobs, 0 to below 1"]


@pytest.mark.parametrize(
    "column", ["job_id", "start_s", "state", "size", "lost_s", "attempts", "note", "nodes", "promised_s"]
)
def test_a_missing_column_is_an_input_error(tmp_path, column):
    folder = write(tmp_path / "run", workload(), EASY)
    table = pq.read_table(folder / "jobs.parquet")
    pq.write_table(table.drop_columns([column]), folder / "jobs.parquet")
    with pytest.raises(InputError):
        check_run(folder)
