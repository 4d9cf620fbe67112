"""The table of machine keys is complete."""

from __future__ import annotations

import pytest

from timonier.describe import known_keys
from timonier.kit.keys import _READERS

KEYS = [key for section in known_keys().values() for key in section.values()]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: f"{key.section}.{key.name}")
def test_every_key_says_what_it_means_and_whence_it_comes(key):
    assert key.meaning
    assert key.source
    assert key.status in ("now", "later")
    assert key.kind in {*_READERS, "table", "tables"}
