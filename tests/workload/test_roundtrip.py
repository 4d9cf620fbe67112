"""Reading what we wrote gives the same table."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from timonier.kit.errors import InputError
from timonier.workload import Jobs, StateHeader, read_workload, write_swf, write_table

PUBLISHED = [
    "swf-kth-sp2/*.swf.gz",
    "swf-cerit-wagap-2013/wagap-2013.swf",
    "gpu-philly-sia/philly.csv",
    "gpu-alibaba-2023/openb_pod_list_gpuspec33.csv",
]
# No control characters (a reader takes them for a binary file) and no blanks at the ends.
words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8)
times = st.one_of(st.integers(0, 2**53), st.floats(0, 1e9, allow_subnormal=False))


@st.composite
def tables(draw):
    """Small valid job tables with some optional and some unknown columns."""
    count = draw(st.integers(1, 6))

    def column(values, kind=None):
        return pa.array(draw(st.lists(values, min_size=count, max_size=count)), kind)

    table = {
        "job_id": pa.array(draw(st.lists(words, min_size=count, max_size=count, unique=True))),
        "submit_s": column(times, pa.float64()),
        "runtime_s": column(st.floats(1, 1e9) | st.just(float("inf")), pa.float64()),
    }
    choices = {
        "time_limit_s": (st.none() | st.integers(1, 10**9), pa.int64()),
        "tasks": (st.integers(1, 10**6), pa.int64()),
        "cores": (st.integers(1, 10**6).map(lambda milli: milli / 1000), pa.float64()),
        "gpus": (st.sampled_from([0, 0.25, 0.46, 1, 4]), pa.float64()),
        "memory_bytes": (st.none() | st.integers(0, 2**50), pa.int64()),
        "user": (st.none() | words, pa.string()),
        "gang": (st.none() | st.just(True), pa.bool_()),  # else: test_pods.py
        "note": (st.none() | words.map("n{}".format), pa.string()),
        "res.licence": (st.integers(0, 9), pa.int64()),
    }
    for name in draw(st.sets(st.sampled_from(sorted(choices)))):
        table[name] = column(*choices[name])
    return pa.table(table)


@settings(max_examples=60, deadline=None)
@given(tables())
def test_any_table_survives_being_written_and_read(table) -> None:
    """The first reading brings columns to their contract types; from then on nothing changes."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a.parquet", "a.csv"):
            write_table(Jobs(table, "drawn"), Path(folder) / name)
            first = read_workload(Path(folder) / name)
            assert table.to_pylist() == first.table.to_pylist()
            write_table(first, Path(folder) / name)
            assert first.table.equals(read_workload(Path(folder) / name).table)


@pytest.mark.parametrize("pattern", PUBLISHED)
@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_published_traces_survive(trace, tmp_path, pattern, name) -> None:
    jobs = read_workload(trace(pattern))
    write_table(jobs, tmp_path / name)
    again = read_workload(tmp_path / name)
    assert jobs.table.equals(again.table)
    assert (jobs.epoch, jobs.processors) == (again.epoch, again.processors) or name == "a.csv"


@pytest.mark.parametrize("name", ["a.swf", "a.swf.gz"])
def test_a_log_survives_swf(trace, tmp_path, name) -> None:
    jobs = read_workload(trace("swf-kth-sp2/*.swf.gz"))
    assert write_table(jobs, tmp_path / name) == {}
    again = read_workload(tmp_path / name)
    assert jobs.table.equals(again.table)
    assert (jobs.epoch, jobs.processors) == (again.epoch, again.processors)


def test_an_unsorted_table_becomes_a_sorted_swf(tmp_path) -> None:
    """In the order of submission, job numbers breaking ties, with all that belongs to each row."""
    table = pa.table(
        {
            "job_id": ["7", "9", "2"],
            "submit_s": [50, 5, 5],
            "runtime_s": [1, 2, 3],
            "user": ["70", "90", "20"],
            "swf_status": [1, None, 5],
            "dependency": ["afterany:2", None, None],
        }
    )
    losses = write_swf(Jobs(table, ""), tmp_path / "a.swf", np.array([0.5, 1, 2]))
    assert losses == {"order of the rows (SWF is in the order of submission)": 2}
    text = (tmp_path / "a.swf").read_text().splitlines()
    rows = [line.split() for line in text if not line.startswith(";")]
    assert [(r[0], float(r[2]), r[3], r[10], r[11], r[16]) for r in rows] == [
        ("2", 2.0, "3", "5", "20", "-1"),
        ("9", 1.0, "2", "-1", "90", "-1"),
        ("7", 0.5, "1", "1", "70", "2"),
    ]
    by_number = {row["job_id"]: row for row in table.to_pylist()}
    for row in read_workload(tmp_path / "a.swf").table.to_pylist():
        assert row.items() >= by_number[row["job_id"]].items()


def test_named_jobs_are_numbered_in_the_order_of_their_submission(tmp_path) -> None:
    table = pa.table({"job_id": ["x", "y", "z"], "submit_s": [9, 5, 5], "runtime_s": [1, 2, 3]})
    write_swf(Jobs(table, ""), tmp_path / "a.swf")
    again = read_workload(tmp_path / "a.swf").table
    assert again.column("job_id").to_pylist() == ["1", "2", "3"]
    assert again.column("runtime_s").to_pylist() == [2, 3, 1]


def test_a_dependency_survives_swf(tmp_path) -> None:
    table = pa.table(
        {
            "job_id": ["1", "2"],
            "submit_s": [0, 1],
            "runtime_s": [5, 5],
            "dependency": [None, "afterany:1"],
            "think_s": [0, 30],
        }
    )
    assert write_swf(Jobs(table, ""), tmp_path / "a.swf") == {}
    again = read_workload(tmp_path / "a.swf").table
    assert again.column("dependency").to_pylist() == [None, "afterany:1"]
    assert again.column("think_s").to_pylist() == [0, 30]


def test_what_swf_cannot_hold_is_counted(tmp_path) -> None:
    table = pa.table(
        {
            "job_id": ["a", "b", "c"],
            "submit_s": [0, 1, 2],
            "runtime_s": [5.0, float("inf"), 7.5],
            "cores": [2.5, 1.0, 1.0],
            "gpus": [0, 0, 1],
            "user": ["ana", "ben", "ana"],
            "gang": [True, True, False],
            "dependency": [None, "afterok:a", "afterok:a:b"],
        }
    )
    losses = write_swf(Jobs(table, "", processors=8), tmp_path / "a.swf", wait_s=None)
    assert losses == {
        "jobs that never leave, left out": 1,
        "job_id (jobs are numbered in row order)": 3,
        "user (numbered; the header lists the names)": 3,
        "dependency (more than one job, or of another kind)": 1,
        "dependency (afterok becomes afterany)": 1,
        "gpus": 1,
        "gang": 1,
    }
    text = (tmp_path / "a.swf").read_text()
    assert "; User: 1 ana\n; User: 2 ben\n" in text
    assert read_workload(tmp_path / "a.swf").table.column("tasks").to_pylist() == [3, 1]


def test_a_state_survives_parquet(tmp_path) -> None:
    table = pa.table(
        {"job_id": ["1"], "submit_s": [0], "runtime_s": [5], "state": ["running"], "start_s": [2]}
    )
    state = StateHeader(3, True, ({"account": "a", "user": "u", "usage": 1.5},), {"clock_s": 1})
    write_table(
        Jobs(table, "", epoch="2020-01-01T00:00:00Z", processors=4, state=state), tmp_path / "s.parquet"
    )
    again = read_workload(tmp_path / "s.parquet")
    assert (state, "2020-01-01T00:00:00Z", 4) == (again.state, again.epoch, again.processors)
    assert table.equals(again.table)


def test_an_unknown_extension_is_refused_before_anything_is_written(tmp_path) -> None:
    with pytest.raises(InputError, match="in which format"):
        write_table(Jobs(pa.table({"job_id": ["1"]}), ""), tmp_path / "a.xlsx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())], ids=str
)
def test_text_of_every_kind_can_be_written_as_csv(tmp_path, kind) -> None:
    """pandas writes categoricals and large strings."""
    words = ["x,1", None, 'q"z', "plain"]
    told = pa.array(words) if pa.types.is_dictionary(kind) else pa.array(words, kind)
    told = told.dictionary_encode() if pa.types.is_dictionary(kind) else told
    numbers = pa.array([7, 7, 8, None]).dictionary_encode()
    table = pa.table({"job_id": ["a", "b", "c", "d"], "submit_s": [0] * 4, "runtime_s": [5] * 4})
    table = table.append_column("label", told).append_column("number", numbers)
    write_table(Jobs(table, "here"), tmp_path / "a.csv")
    again = read_workload(tmp_path / "a.csv").table
    assert again.column("label").to_pylist() == words
    assert again.column("number").to_pylist() == [7, 7, 8, None]


def test_columns_for_which_csv_has_no_cell_are_refused_by_name(tmp_path) -> None:
    table = pa.table({"job_id": ["a"], "submit_s": [0], "runtime_s": [5], "when": pa.array([0], pa.date32())})
    for name, value in (("list", [1]), ("struct", {"x": 1}), ("bytes", b"a")):
        table = table.append_column(name, pa.array([value]))
    with pytest.raises(InputError) as error:
        write_table(Jobs(table, "here"), tmp_path / "a.csv")
    assert "'list' holds list<" in str(error.value)
    assert "'struct' holds struct<" in str(error.value)
    assert "'bytes' holds binary" in str(error.value)
    assert "'when'" not in str(error.value)
    assert not list(tmp_path.iterdir())
