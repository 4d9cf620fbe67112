"""SWF logs become job tables by the rules of CONTRACT 6.1."""

from __future__ import annotations

import gzip

import pytest

from timonier.workload import read_swf, read_workload

ROW = "{0} {1} -1 {2} {3} -1 -1 {4} {5} {6} 1 {7} {8} -1 {9} {10} {11} {12}\n"


def row(number, submit=0, run=10, used=1, asked=-1, limit=-1, memory=-1, user=-1, group=-1, queue=-1, partition=-1,
        before=-1, think=-1):  # fmt: skip
    return ROW.format(
        number, submit, run, used, asked, limit, memory, user, group, queue, partition, before, think
    )


@pytest.mark.parametrize(
    ("pattern", "kept", "no_run", "no_size", "no_limit", "over"),
    [
        ("swf-ctc-sp2/*.swf.gz", 77205, 17, 0, 6, 7174),
        ("swf-kth-sp2/*.swf.gz", 28467, 8, 1, 0, 475),
        ("swf-sdsc-blue/*.swf.gz", 232536, 10770, 0, 0, 23434),
        ("swf-anl-intrepid/*.swf.gz", 68936, 0, 0, 0, 12241),
        ("swf-nasa-ipsc/*.swf.gz", 18066, 173, 0, 18066, 0),
    ],
)
def test_published_logs_give_the_expected_counts(
    trace, pattern, kept, no_run, no_size, no_limit, over
) -> None:
    cleaning = read_workload(trace(pattern)).cleaning
    assert kept == cleaning.kept
    assert {"no run time": no_run, "no size": no_size} == cleaning.dropped
    assert (no_limit, over) == (cleaning.noted["no time limit"], cleaning.noted["run time over the limit"])


def test_metacentrum_has_21_fields_and_no_dependencies(trace) -> None:
    jobs = read_workload(trace("swf-cerit-wagap-2013/wagap-2013.swf"))
    assert jobs.cleaning.dropped == {"no run time": 2, "no size": 0}
    assert (len(jobs), jobs.processors, jobs.epoch) == (17898, None, "1970-01-01T00:00:00Z")
    assert not jobs.has("dependency")
    first = jobs.table.slice(0, 1).to_pylist()[0]
    assert (first["queue"], first["nodespec"]) == ("q_1d", "1:ppn=64:x86_64:cl_zewura#excl")
    assert first["memory_bytes"] == 2**30  # 64 GiB over 64 processors


def test_a_job_larger_than_the_header_says_is_noted(trace) -> None:
    jobs = read_workload(trace("swf-anl-intrepid/*.swf.gz"))
    assert jobs.cleaning.noted["larger than the machine in the header"] == 1


def test_a_row_gives_every_column(put) -> None:
    jobs = read_swf(put("a.swf", row(7, 5, 20, 1, 2, 100, 64, 5, 6, 0, 3)))
    assert jobs.table.to_pylist() == [
        {
            "job_id": "7",
            "submit_s": 5,
            "runtime_s": 20,
            "time_limit_s": 100,
            "tasks": 2,
            "memory_bytes": 65536,
            "user": "5",
            "account": "6",
            "queue": "0",
            "partition": "3",
            "swf_status": 1,
        }
    ]


def test_unknown_is_null_never_minus_one(put) -> None:
    job = read_swf(put("a.swf", row(1))).table.to_pylist()[0]
    for name in ("time_limit_s", "memory_bytes", "user", "account", "queue", "partition"):
        assert job[name] is None


def test_rows_are_sorted_by_submission_then_number(put) -> None:
    jobs = read_swf(put("a.swf", row(3, 9) + row(2, 5) + row(1, 9)))
    assert jobs.table.column("job_id").to_pylist() == ["2", "1", "3"]


def test_no_run_time_is_counted_before_no_size(put) -> None:
    jobs = read_swf(put("a.swf", row(1) + row(2, run=0, used=0) + row(3, used=0) + row(4, run=-1)))
    assert jobs.cleaning.dropped == {"no run time": 2, "no size": 1}
    assert jobs.cleaning.kept == 1


def test_the_preceding_job_becomes_a_dependency(put) -> None:
    """Only backwards and only on jobs that are kept: anything else would wait for ever."""
    log = (
        row(1)
        + row(2, 1, before=1, think=30)
        + row(3, 2, before=3)
        + row(4, 3, before=5)
        + row(5, 4, think=9)
    )
    jobs = read_swf(put("a.swf", log + row(6, 5, before=99)))
    assert jobs.table.column("dependency").to_pylist() == [None, "afterany:1", None, None, None, None]
    assert jobs.table.column("think_s").to_pylist() == [0, 30, 0, 0, 0, 0]
    assert jobs.cleaning.noted["dependency on itself or a later job, ignored"] == 2
    assert jobs.cleaning.noted["dependency on a job that is not in the log, ignored"] == 1


@pytest.mark.parametrize(
    ("header", "processors"),
    [
        ("; MaxProcs: 338\n; MaxNodes: 10\n", 338),
        ("; MaxNodes: 338 (batch partition; 512 total)\n", 338),
        ("; MaxNodes: -1\n;  MaxProcs: 100\n", 100),
        ("; MaxProcs: -1\n; MaxNodes: 256\n", 256),
        ("; MaxProcs: unknown\n", None),
        ("", None),
    ],
)
def test_the_machine_is_maxprocs_else_maxnodes(put, header, processors) -> None:
    assert processors == read_swf(put("a.swf", header + row(1))).processors


def test_the_epoch_is_the_unix_start_time(put) -> None:
    assert read_swf(put("a.swf", "; UnixStartTime: 835823160\n" + row(1))).epoch == "1996-06-26T21:06:00Z"


def test_a_header_that_disagrees_with_its_jobs_is_noted(put) -> None:
    noted = read_swf(
        put("a.swf", "; MaxJobs: 5\n; MaxRecords: 1\n; MaxProcs: 3\n" + row(1, used=4))
    ).cleaning.noted
    assert noted["rows by which the header's MaxJobs is off"] == 4
    assert "rows by which the header's MaxRecords is off" not in noted
    assert noted["larger than the machine in the header"] == 1


@pytest.mark.parametrize("name", ["a.swf", "a.txt", "a.log", "a"])
def test_format_is_found_by_content_when_the_name_does_not_say(put, name) -> None:
    assert len(read_workload(put(name, "; Version: 2\n" + row(1)))) == 1


def test_tabs_blank_lines_windows_ends_and_late_comments_are_read(put) -> None:
    log = (
        "\n  \n; MaxProcs: 4\r\n"
        + row(1).replace(" ", "\t ").replace("\n", "  \r\n")
        + "\n; note\n \n  "
        + row(2, 3)
    )
    for name, data in (("a.swf", log.encode()), ("a.swf.gz", gzip.compress(log.encode()))):
        assert read_swf(put(name, data)).table.column("job_id").to_pylist() == ["1", "2"]


def test_fields_with_decimals_are_read(put) -> None:
    jobs = read_swf(put("a.swf", row(1, run="937.0", used="306.00") + row(2, run="1.5")))
    assert jobs.table.column("runtime_s").to_pylist() == [937.0, 1.5]
    assert jobs.table.column("tasks").to_pylist() == [306, 1]
