"""The device catalogue says what is known, and where from."""

from __future__ import annotations

from timonier.describe.devices import device, known_devices
from timonier.describe.mig import mig_geometries


def test_every_device_that_can_be_cut_is_in_the_catalogue():
    assert set(mig_geometries()) <= set(known_devices())


def test_rows_make_sense():
    for word, one in known_devices().items():
        assert word == word.lower()
        assert one.source
        assert (one.kind == "gpu") == (one.memory_bytes is not None)
        assert (one.kind == "cpu") == (one.cores is not None)
        if one.idle_w is not None and one.busy_w is not None:
            assert 0 < one.idle_w < one.busy_w


def test_a_slice_has_less_memory_than_its_gpu():
    for geometry in mig_geometries().values():
        whole = device(geometry.device)
        assert max(one.memory_bytes for one in geometry.profiles.values()) <= whole.memory_bytes


def test_words_are_compared_without_case_and_strangers_are_unknown():
    assert device("A100-40GB") == device("a100-40gb")
    assert device("g2") is None
