"""Whatever the bytes, a reader gives a job table or one of our errors."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
import fuzz_readers

NAMES = sorted(fuzz_readers.corpus())


@pytest.mark.parametrize("name", NAMES)
def test_the_corpus_itself_is_read(tmp_path, name) -> None:
    (tmp_path / name).write_bytes(fuzz_readers.corpus()[name])
    assert fuzz_readers.try_file(tmp_path / name) == "table"


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(["a.swf", "a.csv", "a.parquet", "a.swf.gz", "a"]), content=st.binary(max_size=200)
)
def test_random_bytes(tmp_path_factory, name, content) -> None:
    path = tmp_path_factory.mktemp("fuzz") / name
    path.write_bytes(content)
    fuzz_readers.try_file(path)


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(NAMES), seed=st.integers(0, 2**32))
def test_injured_files(tmp_path_factory, name, seed) -> None:
    path = tmp_path_factory.mktemp("fuzz") / name
    path.write_bytes(fuzz_readers.mutate(fuzz_readers.corpus()[name], random.Random(seed)))
    fuzz_readers.try_file(path)


@pytest.mark.parametrize("path", sorted(fuzz_readers.SEEDS.glob("*")), ids=lambda path: path.name)
def test_files_that_once_failed(path) -> None:
    """Kept by fuzz_readers.py: each of these once gave something else than a table or our error."""
    fuzz_readers.try_file(path)
