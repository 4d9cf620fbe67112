"""A damaged log gives one message that says file, line, field and how to fix it."""

from __future__ import annotations

import gzip

import pytest

from timonier.kit.errors import InputError
from timonier.workload import read_workload

GOOD = "1 0 -1 10 1 -1 -1 -1 -1 -1 1 -1 -1 -1 -1 -1 -1 -1\n"
HEADER = "; Version: 2\n;\n"


def refused(path) -> InputError:
    with pytest.raises(InputError) as error:
        read_workload(path)
    assert str(path) in error.value.where
    assert error.value.fix
    return error.value


@pytest.mark.parametrize(
    ("line", "what", "where"),
    [
        (
            "2 0 -1 ten 1 -1 -1 -1 -1 -1 1 -1 -1 -1 -1 -1 -1 -1",
            "(run time) is not a number: 'ten'",
            "line 4, field 4",
        ),
        ("2 0 -1 nan 1 -1 -1 -1 -1 -1 1 -1 -1 -1 -1 -1 -1 -1", "is not a number: 'nan'", "line 4, field 4"),
        ("2 0 -1 10 inf -1 -1 -1 -1 -1 1 -1 -1 -1 -1 -1 -1 -1", "is not a number: 'inf'", "line 4, field 5"),
        ("2 0 -1 10 1 -1 -1 -1 -1 -1 1-2 -1 -1 -1 -1 -1 -1 -1", "is not a number: '1-2'", "line 4, field 11"),
        ("2 0 -1 1e300 1 -1 -1 -1 -1 -1 1 -1 -1 -1 -1 -1 -1 -1", "is too large", "line 4, field 4"),
        ("2 0 -1 10 1 -1 -1", "line 4 has 7 fields; an SWF line has 18", "line 4"),
        ("2 0 -1 10 1 -1 -1 -1 -1 -1 1 -1 -1 -1 -1 -1 -1 -1 -1", "line 4 has 19 fields", "line 4"),
        (
            "2 -5 -1 10 1 -1 -1 -1 -1 -1 1 -1 -1 -1 -1 -1 -1 -1",
            "a submit time cannot be negative",
            "line 4, field 2",
        ),
        (
            "2 0 -1 10 1.5 -1 -1 -1 -1 -1 1 -1 -1 -1 -1 -1 -1 -1",
            "processors must be whole",
            "line 4, field 8",
        ),
        (
            "2.5 0 -1 10 1 -1 -1 -1 -1 -1 1 -1 -1 -1 -1 -1 -1 -1",
            "a job number must be whole",
            "line 4, field 1",
        ),
    ],
)
def test_a_bad_line_is_named_with_its_field(put, line, what, where) -> None:
    error = refused(put("a.swf", HEADER + GOOD + line + "\n"))
    assert what in error.what
    assert where in error.where


def test_job_numbers_must_differ(put) -> None:
    assert "1 job numbers appear more than once: 1" in refused(put("a.swf", GOOD + GOOD)).what


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_an_empty_file_says_so(put, content) -> None:
    assert "empty" in refused(put("a.swf", content)).what


def test_a_log_of_comments_has_no_job(put) -> None:
    assert "no job" in refused(put("a.swf", HEADER)).what


def test_a_binary_file_is_no_log(put) -> None:
    for name in ("a.swf", "a.csv", "a"):
        assert "binary" in refused(put(name, bytes(range(256)) * 9)).what


def test_a_cut_gz_says_that_its_end_is_missing(put) -> None:
    whole = gzip.compress((GOOD * 1000).encode())
    assert "cut off" in refused(put("a.swf.gz", whole[:-20])).what


def test_a_damaged_gz_says_so(put) -> None:
    whole = bytearray(gzip.compress(("".join(f"{k} {GOOD}" for k in range(999))).encode()))
    whole[len(whole) // 2 :] = whole[len(whole) // 2 :][::-1]
    assert "damaged" in refused(put("a.swf.gz", bytes(whole))).what


def test_a_missing_file_is_your_mistake(tmp_path) -> None:
    assert "no such file" in refused(tmp_path / "none.swf").what


def test_a_folder_is_not_a_log(tmp_path) -> None:
    assert "folder" in refused(tmp_path).what


def test_now_needs_a_state(put) -> None:
    with pytest.raises(InputError, match="--now needs a state"):
        read_workload(put("a.swf", GOOD), now=5)
