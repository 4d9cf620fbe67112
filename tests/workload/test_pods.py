"""Independent pods: rows of their own, for every reader."""

from __future__ import annotations

import pyarrow as pa
import pytest

from timonier.describe import Gpus, Machine, Nodes
from timonier.kit.errors import InputError
from timonier.policy import read_profile
from timonier.simulate import simulate
from timonier.workload import Jobs, pods, read_workload, write_table

HEAD = "job_id,submit_s,runtime_s,tasks,gang"
LAB = Machine("lab", nodes=(Nodes(("n1", "n2"), 4000, 8 << 30, (Gpus("t4-16gb", 2),)),))


def rows_of(jobs: Jobs, *names: str) -> list[tuple[object, ...]]:
    return list(zip(*(jobs.table.column(name).to_pylist() for name in names), strict=True))


def test_a_job_of_independent_pods_is_so_many_jobs_of_one_task(put) -> None:
    jobs = read_workload(
        put("a.csv", f"{HEAD},user\n1,0,9,2,true,ana\n2,5,8,3,false,ben\n3,6,7,1,false,ana\n4,7,7,,false,\n")
    )
    assert rows_of(jobs, "job_id", "submit_s", "tasks", "user", "array_id") == [
        ("1", 0, 2, "ana", None),
        ("2_0", 5, 1, "ben", "2"),
        ("2_1", 5, 1, "ben", "2"),
        ("2_2", 5, 1, "ben", "2"),
        ("3", 6, 1, "ana", None),
        ("4", 7, 1, None, None),
    ]
    assert jobs.cleaning.kept == 6
    assert jobs.cleaning.noted["independent pods, each a row of its own"] == 1


def test_who_depends_on_such_a_job_depends_on_all_its_pods(put) -> None:
    text = (
        f'{HEAD},dependency\n1,0,9,2,false,\n2,5,8,1,true,"afterok:1:7,afterany:1"\n7,5,8,2,false,afterok:1\n'
    )
    found = rows_of(read_workload(put("a.csv", text)), "job_id", "dependency")
    assert found == [
        ("1_0", None),
        ("1_1", None),
        ("2", "afterok:1_0:1_1:7_0:7_1,afterany:1_0:1_1"),
        ("7_0", "afterok:1_0:1_1"),
        ("7_1", "afterok:1_0:1_1"),
    ]


def test_a_given_array_stays_and_reading_what_was_written_changes_nothing(put, tmp_path) -> None:
    jobs = read_workload(put("a.csv", f"{HEAD},array_id\n1,0,9,2,false,a\n"))
    assert rows_of(jobs, "job_id", "array_id") == [("1_0", "a"), ("1_1", "a")]
    write_table(jobs, tmp_path / "b.parquet")
    assert read_workload(tmp_path / "b.parquet").table.equals(jobs.table)


@pytest.mark.parametrize(
    ("more", "cell"), [("within", "node"), ("within", "switch"), ("tasks_per_node", "1")]
)
def test_pods_that_something_binds_are_refused(put, more: str, cell: str) -> None:
    with pytest.raises(InputError, match=r"independent \(gang = false\)") as error:
        read_workload(put("a.csv", f"{HEAD},{more}\n0,0,9,2,true,{cell}\n1,0,9,2,false,{cell}\n"))
    assert "row 2" in str(error.value)
    assert "gang = true" in error.value.fix


def test_pods_whose_names_are_those_of_other_jobs_are_refused(put) -> None:
    with pytest.raises(InputError, match="appears more than once"):
        read_workload(put("a.csv", f"{HEAD}\n1,0,9,2,false\n1_1,0,9,1,true\n"))


def test_so_many_pods_that_no_memory_holds_them_are_refused(put) -> None:
    with pytest.raises(InputError, match="at most 10,000,000"):
        read_workload(put("a.csv", f"{HEAD}\n1,0,9,900000000,false\n"))
    assert pods.MOST_PODS == 10_000_000


def test_pods_start_one_by_one_where_a_gang_waits_for_all(put) -> None:
    """Two of four GPUs are taken until 100."""
    text = "job_id,submit_s,runtime_s,tasks,gpus,gang\nfull,0,100,1,2,true\nmine,5,100,3,1,{gang}\n"
    starts = {}
    for gang in ("true", "false"):
        run = simulate(read_workload(put(f"{gang}.csv", text.format(gang=gang))), LAB, read_profile("fcfs"))
        starts[gang] = run.table.column("start_s").to_pylist()
    assert starts == {"true": [0, 100], "false": [0, 5, 5, 100]}


def test_running_pods_of_a_state_each_have_their_place(put) -> None:
    text = (
        f"{HEAD},state,start_s,gpus,placement\n"
        '1,0,50,2,false,running,0,1,"[[""n1"",[[1]]],[""n2"",[[0]]]]"\n'
        '2,0,50,2,false,running,0,1,"n[1-2]"\n'
    )
    jobs = read_workload(put("state.csv", text), now=10)
    assert jobs.table.column("placement").to_pylist() == ['[["n1",[[1]]]]', '[["n2",[[0]]]]', "n1", "n2"]
    run = simulate(jobs, LAB, read_profile("fcfs"))
    assert run.table.column("nodes").to_pylist() == ["n1", "n2", "n1", "n2"]
    assert pa.compute.all(pa.compute.equal(run.table.column("end_s"), 50)).as_py()
