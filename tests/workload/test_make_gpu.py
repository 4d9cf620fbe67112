"""Workloads of GPU clusters have the load that was asked for, and the shapes of the trace that was named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from timonier.describe import read_machine
from timonier.kit.errors import InputError
from timonier.workload import read_workload
from timonier.workload.make.gpu import gpu_work, longest_s, openb_shapes
from timonier.workload.make.load import offered_load
from timonier.workload.make.workload import GPU_MODELS, make_workload

TRACES = Path(__file__).parents[3] / "shared" / "traces"
OPENB = TRACES / "gpu-alibaba-2023" / "openb_pod_list_default.csv"
PHILLY = TRACES / "gpu-philly-sia" / "philly.csv"
real = pytest.mark.skipif(not OPENB.is_file(), reason="needs the public logs in ../shared/traces")


def made(model, jobs=3000, gpus=100, load=0.95, seed=1, sample=None):
    return make_workload(model, jobs, seed=seed, processors=1, load=load, gpus=gpus, sample=sample)


def shapes_of(jobs):
    return {tuple(row.values()) for row in jobs.table.select(["cores", "memory_bytes", "gpus"]).to_pylist()}


@pytest.mark.parametrize("model", GPU_MODELS)
@pytest.mark.parametrize(("gpus", "load"), [(38, 0.5), (6212, 0.95), (6212, 1.3)])
def test_the_offered_gpu_load_is_what_was_asked_for(model, gpus, load):
    jobs = made(model, gpus=gpus, load=load)
    submit = jobs.numbers("submit_s", 0)
    assert offered_load(submit, gpu_work(jobs), gpus) == pytest.approx(load, rel=0.01)
    assert (np.diff(submit) >= 0).all()


@pytest.mark.parametrize("model", GPU_MODELS)
def test_the_same_seed_gives_the_same_jobs_and_another_one_others(model):
    assert made(model).table.equals(made(model).table)
    assert not made(model).table.equals(made(model, seed=2).table)


def test_the_shipped_shapes_look_like_openb():
    """Shares as published: 38 % of the pods take a part of a GPU, 48 % one, 0.5 % eight, 13 % none (within 5 points)."""
    shapes = openb_shapes()
    weight = shapes["weight"] / shapes["weight"].sum()
    gpus = shapes["gpus"]
    assert weight[(gpus > 0) & (gpus < 1)].sum() == pytest.approx(0.38, abs=0.05)
    assert weight[gpus == 1].sum() == pytest.approx(0.48, abs=0.05)
    assert weight[gpus == 8].sum() == pytest.approx(0.005, abs=0.002)
    assert weight[gpus == 0].sum() == pytest.approx(0.14, abs=0.05)


def test_every_shipped_shape_fits_on_openb():
    from timonier.simulate.impossible import impossible_jobs

    assert impossible_jobs(made("openb-like"), read_machine("openb")) == {}


@real
def test_a_pod_list_gives_its_shapes_and_the_run_times_of_its_kind():
    pods = read_workload(OPENB)
    jobs = made("openb-like", jobs=20_000, sample=pods)
    assert shapes_of(jobs) <= shapes_of(pods)
    assert set(jobs.numbers("runtime_s", 0).tolist()) <= set(pods.numbers("runtime_s", 0).tolist())
    assert jobs.numbers("runtime_s", 0).max() <= longest_s("openb-like")
    for gpus in (0.0, 0.81, 1.0):
        theirs = np.mean(pods.numbers("gpus", 0.0)[pods.numbers("runtime_s", 0) <= 86_400] == gpus)
        assert np.mean(jobs.numbers("gpus", 0.0) == gpus) == pytest.approx(theirs, abs=0.02)


@real
def test_gpu_types_of_a_pod_list_are_kept():
    pods = read_workload(OPENB.with_name("openb_pod_list_gpuspec33.csv"))
    jobs = made("openb-like", sample=pods)
    kinds = set(pods.texts("gpu_types").drop_null().to_pylist())
    assert set(jobs.texts("gpu_types").drop_null().to_pylist()) <= kinds
    assert jobs.texts("gpu_types").null_count < len(jobs)


@real
def test_phillys_trace_gives_its_gangs():
    jobs = made("philly-like", jobs=20_000, sample=read_workload(PHILLY))
    assert set(jobs.numbers("tasks", 1).tolist()) <= {1, 2, 4, 8, 12, 16, 24, 32, 64, 128}
    assert np.mean(jobs.numbers("tasks", 1) == 1) == pytest.approx(0.94, abs=0.02)


def test_a_sample_without_gpus_is_refused():
    with pytest.raises(InputError, match="no job with GPUs"):
        made("openb-like", sample=make_workload("lublin", 50, seed=1, processors=64))


def test_a_model_of_processors_takes_no_sample_and_one_of_gpus_needs_gpus():
    with pytest.raises(InputError, match="draws from no trace"):
        make_workload("lab", 50, seed=1, processors=64, sample=made("openb-like", jobs=20))
    with pytest.raises(InputError, match="needs a machine with GPUs"):
        make_workload("openb-like", 50, seed=1, processors=64)
