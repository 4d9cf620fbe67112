"""The Philly trace and Alibaba's openb pods."""

from __future__ import annotations

import pytest

from timonier.kit.errors import InputError
from timonier.workload import read_workload

OPENB = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n"


def test_philly_has_82247_jobs_from_its_first_submission(trace) -> None:
    jobs = read_workload(trace("gpu-philly-sia/philly.csv"))
    assert (len(jobs), jobs.epoch) == (82247, "2017-09-04T10:30:41Z")
    submit = jobs.numbers("submit_s", 0)
    assert submit[0] == 0
    assert (submit[1:] >= submit[:-1]).all()


def test_a_philly_job_of_four_gpus_is_four_tasks(put) -> None:
    header = "timestamp,duration,num_gpus,gpu_time,cluster\n"
    rows = "2017-10-09 07:01:55,66.0,1,66.0,aa\n2017-10-09 07:01:50,9.5,4,38.0,bb\n2017-10-09 08:00:00,5,0,0,bb\n\n"
    jobs = read_workload(put("philly.csv", header + rows))
    first, second = jobs.table.to_pylist()
    assert tuple(
        first[name] for name in ("job_id", "submit_s", "runtime_s", "tasks", "gpus", "account", "queue")
    ) == ("2", 0, 9.5, 4, 1, "bb", "bb")
    assert (second["job_id"], second["submit_s"]) == ("1", 5)
    assert jobs.cleaning.dropped == {"no run time": 0, "no size": 1}


@pytest.mark.parametrize("row", ["yesterday,66.0,1,66.0,aa", "2017-10-09 07:01:55,66.0,1,66.0", "2017-10-09 07:01:55,x,1,1,a"])  # fmt: skip
def test_a_damaged_philly_trace_is_refused(put, row) -> None:
    with pytest.raises(InputError, match="Philly"):
        read_workload(put("philly.csv", f"timestamp,duration,num_gpus,gpu_time,cluster\n{row}\n"))


@pytest.mark.parametrize(
    ("name", "kept", "never"),
    [("default", 7255, 897), ("gpuspec33", 7255, 897), ("cpu200", 7905, 927), ("gpushare40", 7171, 981)],
)
def test_openb_drops_the_pods_that_never_started(trace, name, kept, never) -> None:
    jobs = read_workload(trace(f"gpu-alibaba-2023/openb_pod_list_{name}.csv"))
    assert (kept, {"no run time": 0, "never started": never}) == (len(jobs), jobs.cleaning.dropped)


def test_openb_gpus_are_shares_or_whole(put) -> None:
    rows = (
        "p0,12000,16384,1,460,A|B,LS,Running,5,100,10\np1,6500,1,4,1000,,BE,Failed,7,20,8\n"
        "p2,100,1,0,0,,BE,Pending,9,99,\np3,100,1,0,0,,BE,Succeeded,9,9,9\n"
    )
    jobs = read_workload(put("pods.csv", OPENB + rows))
    first, second = jobs.table.to_pylist()
    assert tuple(
        first[name] for name in ("submit_s", "runtime_s", "cores", "memory_bytes", "gpus", "gpu_types", "qos")
    ) == (5, 90, 12.0, 16384 * 2**20, 0.46, "A|B", "LS")
    assert (second["cores"], second["gpus"]) == (6.5, 4)
    assert jobs.cleaning.dropped == {"no run time": 1, "never started": 1}


def test_a_pod_list_without_times_says_which_to_take(put) -> None:
    with pytest.raises(InputError, match="openb_pod_list_default"):
        read_workload(put("pods.csv", "name,cpu_milli,memory_mib,num_gpu,gpu_milli\np,1,1,1,1000\n"))
