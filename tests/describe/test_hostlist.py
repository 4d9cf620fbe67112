"""Hostlists as Slurm writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timonier.describe import compress_hostlist, expand_hostlist
from timonier.kit.errors import InputError

NAMES = st.lists(st.from_regex(r"[a-z]{1,2}-?[0-9]{0,3}", fullmatch=True), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a", "a"),
        ("gpu[01-03]", "gpu01 gpu02 gpu03"),
        ("gpu[01-02],old[1-2]", "gpu01 gpu02 old1 old2"),
        ("n[1,3,8-9]", "n1 n3 n8 n9"),
        ("n[08-11]", "n08 n09 n10 n11"),
        ("r[1-2]n[01-02]-ib", "r1n01-ib r1n02-ib r2n01-ib r2n02-ib"),
    ],
)
def test_a_hostlist_is_expanded_as_scontrol_does(text, names):
    assert expand_hostlist(text) == tuple(names.split())


@pytest.mark.parametrize(
    "text", ["", ",", "a,", "a[", "a]", "a[]", "a[1-]", "a[x]", "a[[1]]", "a b", "a[2-1]"]
)
def test_what_is_no_hostlist_is_refused(text):
    with pytest.raises(InputError, match="not a hostlist"):
        expand_hostlist(text)


@pytest.mark.parametrize("text", ["a[1-9999999]", "a[1-999][1-999][1-999]", "a[1-99999999999999999999999]"])
def test_a_hostlist_too_long_to_be_meant_is_refused_at_once(text):
    with pytest.raises(InputError, match="more than"):
        expand_hostlist(text)


@given(NAMES)
def test_names_compressed_expand_to_the_same_names(names):
    assert list(expand_hostlist(compress_hostlist(names))) == names


def test_compressing_finds_the_ranges():
    assert compress_hostlist(expand_hostlist("gpu[01-12],old[1-2],login")) == "gpu[01-12],old[1-2],login"
