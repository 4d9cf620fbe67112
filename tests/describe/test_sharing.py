"""The table of sharing modes says something about every word that a machine file may use."""

from __future__ import annotations

from timonier.describe.keys import known_keys
from timonier.describe.sharing import ISOLATES, sharing_modes


def test_every_word_of_a_machine_file_is_described_and_no_other():
    assert set(sharing_modes()) == set(known_keys()["node.gpus"]["sharing"].allowed)


def test_every_cell_says_how_far_and_why():
    for mode in sharing_modes().values():
        assert mode.meaning
        assert mode.request
        assert all(mode.software)
        assert all(mode.source)
        for name in ISOLATES:
            assert mode.isolates[name].degree in ("yes", "partly", "no")
            assert len(mode.isolates[name].how) > 5


def test_only_whole_gpus_and_slices_keep_memory_and_faults_apart():
    """The reason why a teacher buys MIG cards for a class of strangers."""
    safe = {
        name
        for name, mode in sharing_modes().items()
        if mode.isolates["memory"].degree == mode.isolates["faults"].degree == "yes"
    }
    assert safe == {"exclusive", "mig"}
