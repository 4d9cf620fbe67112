"""Job tables in CSV and Parquet: checked cell by cell, unknown columns passed through."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from timonier.kit.errors import InputError
from timonier.workload import StateHeader, read_table, read_workload

CONTRACT = """job_id,user,submit_s,runtime_s,time_limit_s,tasks,cores,memory_bytes,gpus,gpu_types,mig,features,dependency
1,ana,0,3600,7200,1,8,68719476736,1,a100-40gb|h100-80gb,,,
2,ben,5,600,,1,2.5,,0.46,,,,
3,ben,9,86400,172800,16,8,,4,h100-80gb>a100-40gb,,ib&nvlink,
4,ana,60,900,,1,1,,1,,1g.5gb,,afterok:1
"""
HEAD = "job_id,submit_s,runtime_s"


def refused(path, **more) -> str:
    with pytest.raises(InputError) as error:
        read_workload(path, **more)
    assert error.value.fix
    return str(error.value)


def parquet(path, columns, metadata=None):
    table = pa.table(columns)
    if metadata is not None:
        raw = metadata if isinstance(metadata, bytes) else json.dumps(metadata).encode()
        table = table.replace_schema_metadata({b"timonier": raw})
    pq.write_table(table, path)
    return path


def test_the_example_of_the_contract_is_read(put) -> None:
    jobs = read_workload(put("jobs.csv", CONTRACT))
    assert jobs.table.column("job_id").to_pylist() == ["1", "2", "3", "4"]
    assert jobs.table.column("cores").to_pylist() == [8.0, 2.5, 8.0, 1.0]
    assert jobs.table.column("gpus").to_pylist() == [1.0, 0.46, 4.0, 1.0]
    assert jobs.table.column("time_limit_s").to_pylist() == [7200, None, 172800, None]
    assert pa.int64() == jobs.table.column("runtime_s").type
    assert jobs.cleaning.noted["no time limit"] == 2


def test_unknown_columns_pass_through_exactly(put) -> None:
    jobs = read_workload(put("a.csv", f"{HEAD},badge,score,rank\n1,0,9,007,1.50,3\n2,0,9,008,2.25,4\n"))
    assert jobs.table.column("badge").to_pylist() == ["007", "008"]
    assert jobs.table.column("score").to_pylist() == ["1.50", "2.25"]
    assert jobs.table.column("rank").to_pylist() == [3, 4]


def test_blanks_around_the_words_of_a_request_mean_nothing(put) -> None:
    head = f"{HEAD},mig,gpu_types,features,within,partition"
    jobs = read_workload(put("a.csv", f"{head}\n1,0,9, 1g.5gb , a30 | t4 , ib , node ,  \n"))
    words = [jobs.table.column(name)[0].as_py() for name in head.split(",")[3:]]
    assert words == ["1g.5gb", "a30 | t4", "ib", "node", None]


def test_job_ids_and_names_are_text(put) -> None:
    jobs = read_workload(put("a.csv", f"{HEAD},user\n007,0,9,12\n7,0,9,\n"))
    assert jobs.table.column("job_id").to_pylist() == ["007", "7"]
    assert jobs.table.column("user").to_pylist() == ["12", None]


def test_whole_numbers_are_integers_and_others_floats(put) -> None:
    jobs = read_workload(put("a.csv", f"{HEAD}\n1,0.0,inf\n2,3.0,9.5\n"))
    assert pa.int64() == jobs.table.column("submit_s").type
    assert [float("inf"), 9.5] == jobs.table.column("runtime_s").to_pylist()


def test_jobs_without_a_run_time_are_dropped_and_counted(put) -> None:
    jobs = read_workload(put("a.csv", f"{HEAD},time_limit_s\n1,0,0,5\n2,0,,5\n3,0,7,0\n4,0,7,5\n"))
    assert jobs.cleaning.dropped == {"no run time": 2}
    assert jobs.cleaning.noted == {"no time limit": 1, "run time over the limit": 1}
    assert jobs.table.column("time_limit_s").to_pylist() == [None, 5]


def test_row_order_is_kept(put) -> None:
    assert read_workload(put("a.csv", f"{HEAD}\nb,9,1\na,0,1\n")).table.column("job_id").to_pylist() == [
        "b",
        "a",
    ]


def test_a_missing_column_is_named_with_the_nearest_one_present(put) -> None:
    said = refused(put("a.csv", "job_id,submit_time,runtime_s\n1,0,5\n"))
    assert "'submit_s' is missing" in said
    assert "did you mean 'submit_time'?" in said


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("submit_s", "-1", "row 2, submit_s = -1: must be at least 0"),
        ("submit_s", "", "row 2, submit_s = empty: must not be empty"),
        ("submit_s", "nan", "row 2, submit_s = nan: is not a number"),
        ("submit_s", "inf", "row 2, submit_s = inf: must be finite"),
        ("submit_s", "soon", "row 2, submit_s = 'soon': must be a number"),
        ("submit_s", "1e30", "beyond 2^53"),
        ("runtime_s", "-5", "row 2, runtime_s = -5: must be at least 0"),
        ("time_limit_s", "-1", "leave it empty when unknown"),
        ("tasks", "0", "row 2, tasks = 0: must be at least 1"),
        ("tasks", "1.5", "row 2, tasks = 1.5: must be a whole number"),
        ("cores", "0", "row 2, cores = 0: must be at least 0.001"),
        ("cores", "1.2345", "at most three decimals"),
        ("gpus", "1.5", "row 2, gpus = 1.5: must be whole GPUs, or one share below 1"),
        ("gpus", "0.0005", "at most three decimals"),
        ("memory_bytes", "1.5", "must be a whole number"),
        ("memory_bytes", "512GiB", "must be a number"),
        ("gang", "maybe", "must be true or false"),
        ("within", "room", "must be one of node, switch, rack"),
        ("features", "ib&", "a word is missing beside `&` or `|`; write a&b or a|b"),
        ("features", "ib& |nvlink", "a word is missing beside"),
        ("gpu_types", "h100-80gb|", "a type is missing beside `|` or `>`; write A|B or A>B"),
        ("gpu_types", ">h100-80gb", "a type is missing"),
        ("gpu_types", "a30> |h100-80gb", "a type is missing"),
        ("dependency", "17", "must look like afterok:17:18,afterany:19"),
        ("dependency", "afterok:1?afterok:2", "`?` (any one of them) is not modelled; `,` means all of them"),
        ("dependency", "afterok:1+30", "`+` (minutes after a start) is not modelled"),
        ("dependency", "after:1", "`after` (a start) is not modelled; afterok, afterany and afternotok are"),
        ("res.nvme_bytes", "-1", "must be at least 0"),
        ("job_id", "", "must not be empty"),
        ("job_id", "1", "row 1, job_id = '1': appears more than once"),
    ],
)
def test_a_wrong_cell_is_named_with_its_row(put, column, value, said) -> None:
    cells = {"job_id": ["1", "2"], "submit_s": ["0", "0"], "runtime_s": ["5", "5"]}
    usual = {"dependency": "", "gang": "true", "within": "node"}.get(column, "1")
    cells.setdefault(column, [usual, usual])[1] = value
    rows = "\n".join(",".join(column[k] for column in cells.values()) for k in (0, 1))
    assert said in refused(put("a.csv", ",".join(cells) + "\n" + rows + "\n"))


def test_every_wrong_row_is_listed_up_to_ten(put) -> None:
    said = refused(put("a.csv", f"{HEAD},cores\n" + "".join(f"{k},0,5,0\n" for k in range(1, 26))))
    assert "25 cells are wrong" in said
    assert "row 10, cores = 0" in said
    assert "row 11" not in said
    assert "... and 15 more" in said


def test_wrong_cells_of_several_columns_come_at_once(put) -> None:
    said = refused(put("a.csv", f"{HEAD},cores,gpus\n1,-1,5,0,1.5\n"))
    for column in ("submit_s", "cores", "gpus"):
        assert f"row 1, {column}" in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"{HEAD}\n1,0\n", "line 2 has 2 cells, the header has 3"),
        (f"{HEAD},submit_s\n1,0,5,0\n", "'submit_s' appears twice"),
        (f"{HEAD},user\n1,0,5,\xff\n".encode("latin-1"), "not UTF-8"),
        ("", "empty"),
    ],
)
def test_a_crooked_file_is_refused(put, content, said) -> None:
    assert said in refused(put("a.csv", content))


def test_numbers_as_text_and_names_as_numbers_are_read_from_parquet(tmp_path) -> None:
    columns = {
        "job_id": [1, 2],
        "submit_s": ["0", "1"],
        "runtime_s": pa.array([5, 6], pa.int32()),
        "user": [12, None],
    }
    jobs = read_workload(parquet(tmp_path / "a.parquet", columns))
    assert jobs.table.column("job_id").to_pylist() == ["1", "2"]
    assert jobs.table.column("submit_s").to_pylist() == [0, 1]
    assert jobs.table.column("user").to_pylist() == ["12", None]


def test_a_column_of_the_wrong_type_is_refused(tmp_path) -> None:
    columns = {"job_id": ["1"], "submit_s": pa.array([0], pa.timestamp("s")), "runtime_s": [5]}
    assert "it must hold number" in refused(parquet(tmp_path / "a.parquet", columns))


def test_a_damaged_parquet_file_says_so(tmp_path) -> None:
    path = parquet(tmp_path / "a.parquet", {"job_id": ["1"], "submit_s": [0], "runtime_s": [5]})
    path.write_bytes(path.read_bytes()[:-30])
    assert "damaged or cut off" in refused(path)


GOOD = {"job_id": ["1", "2"], "submit_s": [0, 9], "runtime_s": [5, 5], "state": ["running", "pending"], "start_s": [1, None]}  # fmt: skip


def test_a_state_carries_its_instant(tmp_path) -> None:
    said = {
        "schema": "timonier/state/1",
        "now_s": 3,
        "settled": True,
        "usage": [{"user": "ana"}],
        "processors": 8,
    }
    jobs = read_table(parquet(tmp_path / "s.parquet", GOOD, said))
    assert StateHeader(3, True, ({"user": "ana"},), {}) == jobs.state
    assert jobs.processors == 8


def test_a_state_in_csv_needs_now(put) -> None:
    path = put("s.csv", f"{HEAD},state,start_s\n1,0,5,running,1\n2,9,5,pending,\n")
    assert "--now" in refused(path)
    usage = put("usage.csv", "account,user,usage\nphys,ana,12.5\n")
    state = read_workload(path, now=3, usage=usage).state
    assert StateHeader(3, usage=({"account": "phys", "user": "ana", "usage": 12.5},)) == state


@pytest.mark.parametrize("start", ["", "7"])
def test_a_running_job_has_started_before_now(put, start) -> None:
    path = put("s.csv", f"{HEAD},state,start_s\n1,0,5,running,{start}\n")
    assert "1 running jobs have no start_s, or one after 3 s: 1" in refused(path, now=3)


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        ({"schema": "timonier/jobs/9"}, "this version reads timonier/jobs/1"),
        ({"schema": "timonier/jobs/1", "proccessors": 3}, "did you mean 'processors'?"),
        ({"schema": "timonier/jobs/1", "processors": 0}, "processors is 0"),
        ({"schema": "timonier/jobs/1", "epoch": "yesterday"}, "epoch is 'yesterday'"),
        ({"schema": "timonier/state/1"}, "now_s must be a number"),
        ({"schema": "timonier/state/1", "now_s": 1, "usage": 3}, "malformed"),
    ],
)
def test_wrong_metadata_is_refused(tmp_path, metadata, said) -> None:
    columns = {"job_id": ["1"], "submit_s": [0], "runtime_s": [5]}
    assert said in refused(parquet(tmp_path / "a.parquet", columns, metadata))


def test_now_must_not_contradict_the_state(tmp_path) -> None:
    path = parquet(tmp_path / "s.parquet", GOOD, {"schema": "timonier/state/1", "now_s": 3})
    assert "taken at 3 s, not at 4 s" in refused(path, now=4)
