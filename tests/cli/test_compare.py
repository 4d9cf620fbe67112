"""`timonier compare`: the same bytes on any number of workers, after kills, through any door; or one clear refusal."""

from __future__ import annotations

import csv
import filecmp
import json
import random
import shlex
import shutil
import signal
import subprocess
import time
import tomllib

import pyarrow.parquet as pq
import pytest
from tests.cli.command import LINE, TRACES, environment, timonier

PROFILES = "fcfs,easy,conservative,sjf"
WORDS = ["--machine", 64, "--profiles", PROFILES, "--repeats", 4]


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "lab.parquet"
    assert (
        timonier("workload", "make", "lab", "--jobs", 3000, "-m", 64, "--load", 0.9, "-o", path).returncode
        == 0
    )
    return path


@pytest.fixture(scope="module")
def results(log, tmp_path_factory):
    out = tmp_path_factory.mktemp("results") / "results"
    done = timonier("compare", log, *WORDS, "--workers", 1, "-o", out)
    assert done.returncode == 0, done.stderr
    return out


def same(a, b):
    """Are two folders the same, byte for byte?"""
    files = sorted(path.relative_to(a) for path in a.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(b) for path in b.rglob("*") if path.is_file())
    _, differing, odd = filecmp.cmpfiles(a, b, files, shallow=False)
    return not differing and not odd


def rows(path):
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_the_tables_are_those_of_the_contract(results):
    scores = rows(results / "scores.csv")
    assert list(scores[0]) == ["profile", "repeat", "objective", "value", "unit"]
    assert {row["profile"] for row in scores} == set(PROFILES.split(","))
    front = rows(results / "front.csv")
    assert any(row["on_front"] == "true" for row in front)
    assert all(0 <= float(row["probability"]) <= 1 for row in front)
    assert list(rows(results / "paired.csv")[0])[:3] == ["profile_a", "profile_b", "objective"]


def test_the_report_s_values_are_those_of_the_schedules(results):
    page = json.loads((results / "report.json").read_text())
    assert page["profiles"] == PROFILES.split(",")
    table = pq.read_table(results / "schedules" / "easy.0.parquet")
    wait = table.column("wait_s").to_numpy()
    assert page["worst"]["easy"]["wait_s"] == wait.max()
    assert page["distributions"]["wait_s"]["easy"][-1] == wait.max()
    work = (table.column("size").to_numpy() * table.column("run_s").to_numpy()).sum()
    step = page["timeline"]["t_s"][1] - page["timeline"]["t_s"][0]
    assert sum(page["timeline"]["used"]["easy"]) * 64 * step == pytest.approx(work, rel=0.01)
    for kind in ("size", "run time", "user"):
        assert sum(row["jobs"] for row in page["losers"][kind]) == len(table)
    assert 0 <= page["full"]["easy"]["share"] <= 1


def test_repeat_0_is_the_log_itself(log, results):
    alone = json.loads(timonier("simulate", log, "-m", 64, "-p", "easy", "--output", "json").stdout)
    found = {
        row["objective"]: row["value"]
        for row in rows(results / "scores.csv")
        if (row["profile"], row["repeat"]) == ("easy", "0")
    }
    assert float(found["bsld_mean"]) == alone["metrics"]["bsld_mean"]
    assert found["energy_kwh"] == ""


def test_two_workers_write_the_same_bytes(log, results, tmp_path):
    assert timonier("compare", log, *WORDS, "--workers", 2, "-o", tmp_path / "two").returncode == 0
    assert same(results, tmp_path / "two")


def test_kills_lose_nothing_and_finished_runs_are_not_computed_again(log, results, tmp_path):
    out = tmp_path / "killed"
    dice = random.Random(4)
    line = [*LINE, "compare", str(log), *map(str, WORDS), "-o", str(out)]
    for _ in range(10):
        with subprocess.Popen(
            line, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment()
        ) as process:
            time.sleep(dice.uniform(0.3, 2.5))
            process.send_signal(signal.SIGKILL)
    finished = len(list((out / "runs").glob("*.json"))) if out.exists() else 0
    assert timonier(*line[len(LINE) :]).returncode == 0
    assert same(results, out)
    last = (tmp_path / "killed.log").read_text().splitlines()[-1]
    assert f" {16 - finished} runs computed, {finished} found finished" in last


def test_the_same_log_through_another_door(log, tmp_path):
    swf = tmp_path / "lab.swf"
    assert timonier("workload", "convert", log, swf).returncode == 0
    doors = [swf, tmp_path / "lab.csv", tmp_path / "lab.parquet"]
    for door in doors[1:]:
        assert timonier("workload", "convert", swf, door).returncode == 0
    words = ["--machine", 64, "--profiles", "fcfs,easy", "--repeats", 3]
    for door in doors:
        done = timonier("compare", door, *words, "-o", tmp_path / door.suffix[1:])
        assert done.returncode == 0, done.stderr
    for name in ("scores.csv", "front.csv", "paired.csv"):
        assert len({(tmp_path / door.suffix[1:] / name).read_bytes() for door in doors}) == 1


def test_a_profile_against_itself_differs_by_nothing(log, tmp_path):
    assert (
        timonier("compare", log, "-m", 64, "-p", "easy,easy", "--repeats", 3, "-o", tmp_path / "r").returncode
        == 0
    )
    paired = rows(tmp_path / "r" / "paired.csv")
    assert {row["profile_b"] for row in paired} == {"easy#2"}
    assert {(row["median"], row["low"], row["high"]) for row in paired} == {("0", "0", "0")}


def test_an_idle_machine_is_not_ranked(log, tmp_path):
    done = timonier("compare", log, "-m", 6400, "-p", "fcfs,easy", "--repeats", 2, "-o", tmp_path / "r")
    assert done.returncode == 2
    assert "no ranking" in done.stderr
    assert (tmp_path / "r" / "scores.csv").exists()
    assert not (tmp_path / "r" / "front.csv").exists()


@pytest.mark.skipif(not TRACES.exists(), reason="the shared traces are not here")
def test_kth_at_a_tenth_of_its_load_is_idle(tmp_path):
    kth = next((TRACES / "swf-kth-sp2").rglob("*.swf*"))
    done = timonier("compare", kth, "-m", 1000, "-p", "fcfs,easy", "--repeats", 2, "-o", tmp_path / "r")
    assert done.returncode == 2
    assert "no ranking" in done.stderr


@pytest.mark.skipif(not TRACES.exists(), reason="the shared traces are not here")
def test_openb_on_its_own_nodes_is_idle(tmp_path):
    pods = next((TRACES / "gpu-alibaba-2023").rglob("*default*.csv"))
    done = timonier("compare", pods, "-m", 1523 * 64, "-p", "fcfs,easy", "--repeats", 1, "-o", tmp_path / "r")
    assert done.returncode == 2
    assert "no ranking" in done.stderr


def test_a_log_without_users_is_repeated_by_its_weeks(tmp_path):
    log = tmp_path / "lublin.swf"
    words = ["--jobs", 3000, "-m", 64, "--load", 0.9]
    assert timonier("workload", "make", "lublin", *words, "-o", log).returncode == 0
    words = ["compare", log, "-m", 64, "-p", "fcfs,easy", "--repeats", 6, "--workers", 1]
    out = tmp_path / "r"
    assert timonier(*words, "-o", out).returncode == 0
    page = json.loads((out / "report.json").read_text())
    assert "names no users" in page["repeated_by"]
    assert page["rejected"] > 0
    (out / "report.json").unlink()
    for name in ("fcfs.1", "easy.1", "fcfs.3", "easy.5"):  # these are drawn again, the others are not
        (out / "runs" / f"{name}.json").unlink()
    assert timonier(*words, "-o", out).returncode == 0
    assert json.loads((out / "report.json").read_text()) == page
    short = timonier("workload", "make", "lublin", "--jobs", 100, "--days", 2, "-o", tmp_path / "short.swf")
    assert short.returncode == 0
    assert "--repeats 1" in wrong(tmp_path / "short.swf", "-m", 8, "--repeats", 2, "-o", tmp_path / "s")
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("model", ["lublin", "lab"])
def test_a_model_gives_another_workload_for_every_repeat(model, tmp_path):
    words = [
        "--machine",
        "64",
        "--profiles",
        "fcfs,easy",
        "--set",
        "estimate.missing=exact",
        "--repeats",
        "3",
    ]
    words = [model, *words, "--jobs", "2000", "--load", "0.9", "--keep", "all", "--seed", "5"]
    out = tmp_path / "r"
    done = timonier("compare", *words, "-o", out)
    assert done.returncode == 0, done.stderr
    manifest = tomllib.loads((out / "manifest.toml").read_text())
    asked = {"model": model, "jobs": 2000, "processors": 64, "load": 0.9}
    assert {key: manifest["input"][key] for key in asked} == asked
    assert "numpy" in manifest["versions"]
    schedules = [pq.read_table(out / "schedules" / f"easy.{repeat}.parquet") for repeat in range(3)]
    assert len({table.column("submit_s")[-1].as_py() for table in schedules}) == 3
    for repeat, seed in enumerate(manifest["input"]["seeds"]):  # the same as `workload make` with this seed
        made = tmp_path / f"{repeat}.parquet"
        more = ["--jobs", 2000, "--seed", seed, "-m", 64, "--load", 0.9]
        assert timonier("workload", "make", model, *more, "-o", made).returncode == 0
        assert schedules[repeat].column("submit_s").to_pylist() == pq.read_table(made)["submit_s"].to_pylist()
    page = json.loads((out / "report.json").read_text())
    assert "seed of its own" in page["repeated_by"]
    line = shlex.split(page["command"])
    assert line[:2] == ["timonier", "compare"]
    again = tmp_path / "again"
    assert timonier(*line[1:-1], again, "--workers", 1).returncode == 0
    assert same(out, again)


def test_models_and_logs_are_told_apart(log, tmp_path):
    out = ["-o", tmp_path / "r"]
    assert "add --machine" in wrong("lublin", *out)
    assert "'lublin'" in wrong("lublim", "-m", 64, *out)
    assert "no such file" in wrong("lublin.swf", "-m", 64, *out)
    assert "--load 0.5 is for models" in wrong(log, "-m", 64, "--load", 0.5, *out)
    assert "not both" in wrong("lab", "-m", 64, "--load", 0.5, "--days", 3, *out)
    assert "--jobs 0" in wrong("lab", "-m", 64, "--jobs", 0, *out)
    assert not (tmp_path / "r").exists()


def wrong(*words):
    done = timonier("compare", *words)
    assert done.returncode == 2
    assert done.stderr.count("error:") == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_one_clear_message_for_each_mistake(log, results, tmp_path):
    assert "repeats differ" in wrong(log, *WORDS[:-1], 5, "-o", results)
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.txt").write_text("mine")
    assert "did not write" in wrong(log, *WORDS, "-o", other)
    assert (other / "mine.txt").read_text() == "mine"
    assert "'bsld_mean'" in wrong(log, *WORDS, "--objectives", "bsld_maen", "-o", tmp_path / "r")
    assert "'easy'" in wrong(log, "-m", 64, "-p", "easi", "-o", tmp_path / "r")
    assert not (tmp_path / "r").exists()
    assert "owners cannot share" in wrong(log, "-m", 3, "-p", "private", "--repeats", 1, "-o", tmp_path / "s")


def test_two_compares_do_not_share_a_folder(log, tmp_path):
    line = [*LINE, "compare", str(log), *map(str, WORDS[:-1]), "40", "-o", str(tmp_path / "r")]
    with subprocess.Popen(
        line, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment()
    ) as first:
        while not (tmp_path / "r" / "manifest.toml").exists():
            time.sleep(0.05)
        assert "another compare" in wrong(*line[len(LINE) + 1 :])
        first.kill()


def test_a_full_disk_loses_nothing(log, results, tiny_disk, tmp_path):
    """What was finished before the disk was full is found again when there is room."""
    out = tiny_disk / "results"
    filler = tiny_disk / "filler"
    filler.write_bytes(bytes(700_000))
    done = timonier("compare", log, *WORDS, "-o", out)
    assert done.returncode == 1
    assert done.stderr.count("error:") == 1
    assert "the disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    finished = len(list((out / "runs").glob("*.json")))
    assert 0 < finished < 16
    shutil.copytree(out, tmp_path / "results")
    assert timonier("compare", log, *WORDS, "-o", tmp_path / "results").returncode == 0
    assert same(results, tmp_path / "results")
    assert f"{finished} found finished" in (tmp_path / "results.log").read_text()


def test_a_folder_of_another_version_is_left_alone(log, results, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(results, old)
    manifest = (old / "manifest.toml").read_text()
    ours = tomllib.loads(manifest)["timonier"]
    (old / "manifest.toml").write_text(manifest.replace(f'timonier = "{ours}"', 'timonier = "0.0.1"'))
    assert "timonier differ" in wrong(log, *WORDS, "-o", old)
    assert (old / "scores.csv").read_bytes() == (results / "scores.csv").read_bytes()


def test_a_damaged_run_is_computed_again(log, results, tmp_path):
    out = tmp_path / "r"
    shutil.copytree(results, out)
    (out / "runs" / "easy.1.json").write_text('{"scores": 3}')
    (out / "runs" / "easy.2.json").write_text("{")
    (out / "runs" / "sjf.1.json").write_text(
        (out / "runs" / "sjf.1.json").read_text().replace(": 0", ': "0"')
    )
    (out / "schedules" / "fcfs.0.parquet").write_bytes(b"PAR1")
    assert timonier("compare", log, *WORDS, "-o", out).returncode == 0
    assert same(results, out)
    assert "4 runs computed, 12 found finished" in (tmp_path / "r.log").read_text()


def test_other_objectives_are_asked_of_the_finished_runs(log, results, tmp_path):
    out, fresh = tmp_path / "r", tmp_path / "fresh"
    shutil.copytree(results, out)
    words = [*WORDS, "--objectives", "wait_p99_s,utilisation"]
    assert timonier("compare", log, *words, "-o", out).returncode == 0
    assert "0 runs computed, 16 found finished" in (tmp_path / "r.log").read_text()
    assert timonier("compare", log, *words, "-o", fresh).returncode == 0
    assert same(out, fresh)
    pairs = [set(row["objectives"].split("+")) for row in rows(out / "front.csv") if row["profile"] == "easy"]
    assert {"wait_p99_s", "bsld_mean"} in pairs  # every pair that the page lets one choose
    assert len({frozenset(pair) for pair in pairs}) == len(pairs)


def test_an_objective_that_nobody_knows_is_refused_with_the_reason(log, tmp_path):
    words = [log, "-m", 64, "-p", "fcfs,easy", "--repeats", 1, "-o", tmp_path / "r"]
    assert "the machine says no watts" in wrong(*words, "--objectives", "energy_kwh,bsld_mean")
    assert "private is not among them" in wrong(*words, "--objectives", "pool_gain_share")
    done = timonier("compare", *words, "--output", "quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_names_of_profiles_do_not_collide(log, tmp_path):
    easy = 'schema = "timonier/profile/1"\nname = "{}"\n[backfill]\nrule = "easy"\n'
    for file, name in (("p", "private"), ("a", "x#1"), ("c", "easy")):
        (tmp_path / f"{file}.toml").write_text(easy.format(name))
    words = [log, "-m", 64, "--repeats", 1, "-o", tmp_path / "r", "-p"]
    assert "named twice" in wrong(*words, "private,easy,private")
    assert "cannot be called 'private'" in wrong(*words, f"easy,{tmp_path / 'p.toml'}")
    assert "cannot be called 'x#1'" in wrong(*words, f"easy,{tmp_path / 'a.toml'}")
    done = timonier("compare", *words, f"easy,{tmp_path / 'c.toml'},easy", "--output", "json")
    assert [row["profile"] for row in json.loads(done.stdout)["profiles"]] == ["easy", "easy#2", "easy#3"]


def test_what_cannot_be_written_is_one_sentence(log, tmp_path):
    words = [log, "-m", 64, "-p", "fcfs,easy", "--repeats", 1]
    done = timonier("compare", *words, "-o", "/proc/results")
    assert done.returncode == 1
    assert "cannot make the folder" in done.stderr
    assert "Traceback" not in done.stderr
    (tmp_path / "r.log").mkdir()  # the line in the log is lost, the results are not
    done = timonier("compare", *words, "-o", tmp_path / "r")
    assert done.returncode == 0
    assert "no line in" in done.stderr
    assert (tmp_path / "r" / "report.html").exists()


def test_pooling_gain_is_told_and_private_gains_nothing_over_itself(log, tmp_path):
    words = [log, "-m", 128, "-p", "easy,private", "--repeats", 1, "-o", tmp_path / "r"]
    assert "pool_gain_share" in timonier("compare", *words).stdout
    found = {(row["profile"], row["objective"]): row["value"] for row in rows(tmp_path / "r" / "scores.csv")}
    assert 0 < float(found["easy", "pool_gain_share"]) < 1
    assert found["private", "pool_gain_share"] == ""


def test_who_turns_jobs_away_is_told_beside_the_waits(tmp_path):
    """Such a scheduler makes nobody wait, and would look best."""
    out = tmp_path / "results"
    model = ("openb-like", "-m", "school-lab", "--load", 0.95, "--jobs", 1500)
    done = timonier("compare", *model, "-p", "fcfs,fgd", "--repeats", 1, "-o", out)
    assert done.returncode == 0, done.stderr
    left = [
        float(value)
        for profile, objective, value, *_ in csv.reader((out / "summary.csv").read_text().splitlines())
        if (profile, objective) == ("fgd", "jobs_dropped")
    ]
    assert left[0] > 0
    told = f"turned away, which count in no wait, mean of the repeats: fgd {left[0]:,.0f}\n"
    assert told in done.stdout
    assert ", of GPUs 0.9" in done.stdout.splitlines()[0]
    assert f"mean of the repeats: fgd {left[0]:,.0f}." in (out / "report.html").read_text()


def test_on_nodes_what_private_held_is_not_known(tmp_path):
    """Its slices are simulated one by one: the page says that it does not know when the machine was full."""
    machine = tmp_path / "two.toml"
    owners = "".join(f'[[owner]]\naccount = "{name}"\nnodes = "n{k}"\n' for k, name in ((1, "a"), (2, "b")))
    node = 'schema = "timonier/machine/1"\nname = "two"\n[[node]]\nnames = "n[1-2]"\ncores = 4\n'
    machine.write_text(f'{node}gpus = [{{ type = "t4", count = 2 }}]\n{owners}')
    jobs = [f"{k},u{k % 20},{'ab'[k % 2]},{k * 500},{100 + k * 37 % 3000},{k % 3}" for k in range(200)]
    (tmp_path / "log.csv").write_text(
        "\n".join(["job_id,user,account,submit_s,runtime_s,gpus", *jobs]) + "\n"
    )
    words = [tmp_path / "log.csv", "-m", machine, "-p", "easy,private", "--repeats", 1, "-o", tmp_path / "r"]
    done = timonier("compare", *words)
    assert done.returncode == 0, done.stderr
    page = json.loads((tmp_path / "r" / "report.json").read_text())
    assert page["full"]["easy"]["of"]["gpus"] > 0
    assert page["full"]["private"]["share"] is None
    assert page["timeline"]["used"]["private"] == []
    assert "processors" not in page["worst"]["private"]["why"]
    assert "in use" not in page["worst"]["private"]["why"]
    assert "not known: who ran on which node is not" in (tmp_path / "r" / "report.html").read_text()
