"""The MIG table allows exactly the layouts that NVIDIA publishes."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest

from timonier.describe import parse_machine
from timonier.describe.mig import mig_geometries, mig_geometry
from timonier.kit.errors import InputError

DEVICES = sorted(mig_geometries())
SEVEN = ["a100-40gb", "a100-80gb", "h100-80gb", "h100-94gb", "h200-141gb"]
# The figure of valid combinations in NVIDIA's MIG user guide (A100), as compute slices: 19 rows in it,
# some of which differ by their order alone.
PUBLISHED_SEVEN = ["7", "43", "421", "4111", "33", "321", "3111", "223", "2113", "11113", "2221", "22111",
                   "211111", "1111111"]  # fmt: skip
PUBLISHED_A30 = ["4", "22", "211", "1111"]


def layouts(device, without=()):
    """Every maximal layout by exhaustive search: (start, profile) pairs, no two on one memory slice.

    It goes through all choices of "nothing or a profile" at each start, and keeps what no further slice fits.
    """
    profiles = [one for one in mig_geometries()[device].profiles.values() if one.name not in without]
    width = mig_geometries()[device].memory_slices
    choices = [[None, *(one for one in profiles if start in one.starts)] for start in range(width)]
    legal = set()
    for picked in product(*choices):
        slices = [(start, one) for start, one in enumerate(picked) if one is not None]
        cells = [cell for start, one in slices for cell in range(start, start + one.memory_slices)]
        if len(cells) == len(set(cells)) and max(cells, default=0) < width:
            legal.add(frozenset((start, one.name) for start, one in slices))
    return {one for one in legal if not any(one < other for other in legal)}


def by_compute(device, layout):
    sizes = [mig_geometries()[device].profiles[name].compute_slices for _, name in sorted(layout)]
    return tuple(sizes)


def large_memory(device):
    """The profile of one compute slice and two memory slices: it came after the figure was drawn."""
    profiles = mig_geometries()[device].profiles.values()
    return [one.name for one in profiles if one.memory_slices == 2 and one.compute_slices == 1]


@pytest.mark.parametrize("device", SEVEN)
def test_the_layouts_are_those_of_the_figure(device):
    """19 layouts in order, as NVIDIA counts them; the same combinations of slices."""
    found = {by_compute(device, one) for one in layouts(device, large_memory(device))}
    assert len(found) == 19
    expected = {tuple(sorted(Counter(combination).elements())) for combination in PUBLISHED_SEVEN}
    assert {tuple(sorted(str(size) for size in one)) for one in found} == expected


def test_the_layouts_of_an_a30_are_those_of_its_figure():
    found = [by_compute("a30", one) for one in layouts("a30")]
    assert len(found) == 5
    expected = {tuple(sorted(combination)) for combination in PUBLISHED_A30}
    assert {tuple(sorted(str(size) for size in one)) for one in found} == expected


@pytest.mark.parametrize("device", DEVICES)
def test_no_layout_needs_more_compute_slices_than_the_gpu_has(device):
    """So that an engine may look at memory slices alone."""
    most = mig_geometries()[device].compute_slices
    assert max(sum(by_compute(device, one)) for one in layouts(device)) == most


@pytest.mark.parametrize(
    ("device", "counts"),
    [
        ("a100-40gb", {"1g.5gb": 7, "1g.10gb": 4, "2g.10gb": 3, "3g.20gb": 2, "4g.20gb": 1, "7g.40gb": 1}),
        ("a100-80gb", {"1g.10gb": 7, "1g.20gb": 4, "2g.20gb": 3, "3g.40gb": 2, "4g.40gb": 1, "7g.80gb": 1}),
        ("a30", {"1g.6gb": 4, "2g.12gb": 2, "4g.24gb": 1}),
        ("h100-80gb", {"1g.10gb": 7, "1g.20gb": 4, "2g.20gb": 3, "3g.40gb": 2, "4g.40gb": 1, "7g.80gb": 1}),
        ("h100-94gb", {"1g.12gb": 7, "1g.24gb": 4, "2g.24gb": 3, "3g.47gb": 2, "4g.47gb": 1, "7g.94gb": 1}),
        ("h200-141gb", {"1g.18gb": 7, "1g.35gb": 4, "2g.35gb": 3, "3g.71gb": 2, "4g.71gb": 1, "7g.141gb": 1}),
    ],
)
def test_as_many_of_each_slice_fit_as_the_guide_says(device, counts):
    """Column "number of instances available" of the guide's tables."""
    found = dict.fromkeys(mig_geometries()[device].profiles, 0)
    for layout in layouts(device):
        for name, count in Counter(name for _, name in layout).items():
            found[name] = max(found[name], count)
    assert found == counts


@pytest.mark.parametrize("device", DEVICES)
def test_every_row_makes_sense(device):
    geometry = mig_geometries()[device]
    assert device == device.lower()
    for name, profile in geometry.profiles.items():
        assert name.startswith(f"{profile.compute_slices}g.")
        assert profile.starts == tuple(sorted(set(profile.starts)))
        assert max(profile.starts) + profile.memory_slices <= geometry.memory_slices + (
            profile.starts == (0,)
        )
        nominal = int(name.split(".")[1].removesuffix("gb")) * 10**9
        assert 0.85 * nominal < profile.memory_bytes < 1.1 * nominal
        assert profile.source


def test_slices_are_fitted_by_looking_ahead():
    """Two slices of 1g and one of 4g fit, although 1g could also begin where 4g must."""
    geometry = mig_geometry("A100-40GB")
    starts = geometry.fit(["1g.5gb", "1g.5gb", "4g.20gb"])
    assert starts is not None
    assert starts[2] == 0
    assert min(starts[:2]) >= 4
    assert geometry.fit(["4g.20gb", "4g.20gb"]) is None


def test_a_device_that_cannot_be_cut_has_no_geometry():
    assert mig_geometry("titan-x") is None


def with_slices(device, layout):
    gpus = {"type": device, "sharing": "mig"} | ({} if layout is None else {"layout": layout})
    return {"schema": "timonier/machine/1", "node": [{"names": "n1", "gpus": [gpus]}]}


@pytest.mark.parametrize(
    ("device", "layout", "said"),
    [
        ("titan-x", None, "cannot be cut"),
        ("a100-40gb", ["1g.10gg"], "did you mean '1g.10gb'"),
        ("a100-40gb", ["4g.20gb", "4g.20gb"], "no room for all"),
        ("a30", ["1g.5gb"], "has no MIG profile '1g.5gb'"),
    ],
)
def test_a_machine_file_with_impossible_slices_is_refused(device, layout, said):
    with pytest.raises(InputError) as caught:
        parse_machine(with_slices(device, layout))
    assert said in str(caught.value)


@pytest.mark.parametrize("layout", [None, "dynamic", ["3g.20gb", "3g.20gb"], ["1g.5gb", "4g.20gb"], []])
def test_legal_slices_are_accepted(layout):
    assert parse_machine(with_slices("A100-40GB", layout)).total_gpus == 1
