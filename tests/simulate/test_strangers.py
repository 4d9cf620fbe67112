"""A typo in one of several words is told, though the job runs on the others."""

from __future__ import annotations

import pyarrow as pa
import pytest

from timonier.describe import Gpus, Machine, Nodes
from timonier.policy import read_profile
from timonier.simulate import simulate
from timonier.simulate.strangers import strange_words
from timonier.workload import Jobs

GIB = 2**30
LAB = Machine(
    "lab",
    nodes=(
        Nodes(("big",), 64_000, 512 * GIB, (Gpus("A100-40gb", 8),), features=("ib", "ampere")),
        Nodes(("new",), 64_000, 512 * GIB, (Gpus("h100-80gb", 4),), features=("ib", "hopper")),
    ),
)


def jobs_of(*rows):
    names = sorted({name for row in rows for name in row})
    columns = {name: [row.get(name) for row in rows] for name in names}
    count = len(rows)
    base = {"job_id": [str(k) for k in range(count)], "submit_s": [0] * count, "runtime_s": [1] * count}
    return Jobs(pa.table(base | columns), "test")


@pytest.mark.parametrize("types", ["a100-40bg|h100-80gb", "a100-40bg>h100-80gb", "h100-80gb | A100-40BG"])
def test_a_wrong_type_among_several_is_told_with_the_nearest_one_and_its_jobs(types):
    jobs = jobs_of({"gpus": 1, "gpu_types": types}, {"gpus": 1, "gpu_types": types}, {"gpus": 1})
    told = []
    run = simulate(jobs, LAB, read_profile("fcfs"), tell=told.append)
    assert run.table.column("state").to_pylist() == ["completed"] * 3
    fact = "no GPU of type 'a100-40bg' here, the other words taken; did you mean 'a100-40gb'?"
    assert f"perhaps a mistake: {fact} (2 jobs)" in told
    assert run.assumed[fact] == 2


@pytest.mark.parametrize("features", ["ib|ampeer", "ampeer|hopper", "ib&ampeer|hopper"])
def test_a_wrong_feature_among_several_is_told(features):
    assert strange_words(jobs_of({"features": features}), LAB, []) == {
        "no node with the feature 'ampeer' here, the other words taken; did you mean 'ampere'?": 1
    }


def test_a_word_with_nothing_near_comes_with_all_that_there_are():
    (fact,) = strange_words(jobs_of({"features": "ib|xyz"}), LAB, [])
    assert fact.endswith("known: ampere, hopper, ib")


def test_known_words_and_jobs_that_cannot_run_anyway_are_not_told():
    rows = [{"gpus": 1, "gpu_types": "a100-40GB|h100-80gb", "features": "ib&hopper|ampere"}]
    rows += [{"gpus": 1, "gpu_types": "a100-40bg", "features": "ampeer|ib"}]
    assert strange_words(jobs_of(*rows), LAB, [1]) == {}


def test_demands_on_gpus_that_are_not_asked_for_are_told():
    rows = [{"gpu_types": "h100-80gb", "gpu_memory_bytes": GIB}, {"gpu_memory_bytes": GIB}, {"gpus": 1}]
    assert strange_words(jobs_of(*rows), LAB, []) == {
        "gpu_types without GPUs (gpus = 0) means nothing": 1,
        "gpu_memory_bytes without GPUs (gpus = 0) means nothing": 2,
    }


def test_a_slice_is_a_gpu_asked_for():
    assert strange_words(jobs_of({"mig": "1g.5gb", "gpu_types": "a100-40gb"}), LAB, []) == {}


def test_of_many_strange_words_the_most_frequent_are_told_before_the_run():
    rows = [{"features": f"ib|word{k}"} for k in range(7)] + [{"features": "ib|word6"}]
    told = []
    simulate(jobs_of(*rows), LAB, read_profile("fcfs"), tell=told.append)
    told = [sentence for sentence in told if sentence.startswith("perhaps a mistake")]
    assert "'word6'" in told[0]
    assert told[-1] == "perhaps a mistake: 2 more; the summary lists them under assumed"
    assert len(told) == 6


def test_a_log_without_jobs_is_told():
    told = []
    empty = Jobs(jobs_of({"gpus": 1}).table.slice(0, 0), "empty.csv")
    assert len(simulate(empty, LAB, read_profile("fcfs"), tell=told.append).table) == 0
    assert told[0] == "perhaps a mistake: empty.csv has no job to run"
