"""Whatever a file says: a profile or a machine, or one clear error; never a traceback."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from timonier.describe import known_keys, parse_machine
from timonier.kit.errors import InputError
from timonier.policy import known_knobs, parse_profile, profile_to_toml, read_profile


def words_of(tables):
    """Names and values that come near to what a file says."""
    keys = [key for section in tables.values() for key in section.values()]
    names = sorted({key.name for key in keys})
    values = sorted({word for key in keys for word in (*key.allowed, *key.allowed_later)})
    return names, [*values, "30s", "2h", "512GiB", "200Gbit/s", "gpu[1-3]", "gpu[", "a,b", ""]


def contents(tables):
    names, words = words_of(tables)
    leaves = st.one_of(
        st.sampled_from(words), st.integers(), st.floats(), st.booleans(), st.text(max_size=8), st.dates()
    )
    values = st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(names), inner, max_size=4)
        ),
        max_leaves=12,
    )
    return st.dictionaries(st.sampled_from(names), values, max_size=5)


@given(contents(known_knobs()))
@settings(max_examples=400, deadline=None)
def test_any_profile_content_is_read_or_refused(content):
    with suppress(InputError):
        parse_profile(content | {"schema": "timonier/profile/1"})


@given(contents(known_keys()))
@settings(max_examples=400, deadline=None)
def test_any_machine_content_is_read_or_refused(content):
    with suppress(InputError):
        parse_machine(content | {"schema": "timonier/machine/1"})


@given(
    st.lists(st.text(max_size=20) | st.from_regex(r"(queue|cycle|order)\.\w+(\.\w+)?=\S*", fullmatch=True))
)
@settings(max_examples=300, deadline=None)
def test_any_setting_is_taken_or_refused(given_settings):
    with suppress(InputError):
        profile_to_toml(read_profile("easy", given_settings))
