"""The device catalogue: every figure has a source, and names are found as devices say them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from timonier.describe import catalogue_page, find_type, known_types
from timonier.describe.catalogue import device_by_pci, gpu_by_gfx, recognise_cpu, recognise_gpu
from timonier.kit.errors import InputError

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "catalogue.md"
TYPES = list(known_types().values())


def test_the_page_is_fresh():
    """Make it again with: python -m timonier.describe.catalogue_page > docs/reference/catalogue.md."""
    assert PAGE.read_text() == catalogue_page.render_page()


@pytest.mark.parametrize("one", TYPES, ids=lambda one: one.name)
def test_every_row_has_a_source_with_its_year(one):
    assert re.search(r"\b20[12]\d\b", one.source)
    assert one.name == one.name.lower()
    if one.flops_per_cycle:
        assert one.peak_source


@pytest.mark.parametrize("one", [one for one in TYPES if one.kind == "gpu"], ids=lambda one: one.name)
def test_the_rates_of_a_gpu_fit_together(one):
    """A slip of the pen by a factor of ten, or with sparsity, breaks one of these."""
    if one.fp16_matrix and one.fp8_matrix:
        assert one.fp8_matrix == pytest.approx(2 * one.fp16_matrix, rel=0.02)
    if (
        one.fp16_matrix
        and one.tf32_matrix
        and one.maker == "NVIDIA"
        and not one.name.startswith(("rtx", "l40"))
    ):
        assert one.fp16_matrix == pytest.approx(2 * one.tf32_matrix, rel=0.02)
    if one.fp64 and one.fp64_matrix:
        assert one.fp64_matrix == pytest.approx(2 * one.fp64, rel=0.05)
    if one.fp64 and one.fp32:
        assert one.fp32 / one.fp64 == pytest.approx(round(one.fp32 / one.fp64), abs=0.05)
    assert one.memory_bytes
    assert one.memory_bytes_per_s is None or 1e11 < one.memory_bytes_per_s < 1e13
    assert one.power_w is None or 50 <= one.power_w <= 1400


@pytest.mark.parametrize("one", [one for one in TYPES if one.kind == "cpu"], ids=lambda one: one.name)
def test_the_figures_of_a_processor_fit_together(one):
    assert one.cores
    assert one.threads in (one.cores, 2 * one.cores, 4 * one.cores) or one.name.startswith("core-i9-1")
    if one.base_hz and one.boost_hz:
        assert 1e9 < one.base_hz < one.boost_hz < 7e9
    assert one.power_w is None or 50 <= one.power_w <= 600
    assert one.bandwidth_bytes_per_s
    assert 3e10 <= one.bandwidth_bytes_per_s <= 1.1e12


def test_pci_numbers_belong_to_one_type():
    numbers = [number for one in TYPES for number in one.pci]
    assert len(set(numbers)) == len(numbers)


def test_known_figures():
    """Read off the makers' pages by hand."""
    epyc, h100 = find_type("EPYC-9354"), find_type("H100-80GB")
    assert (epyc.cores, epyc.bandwidth_bytes_per_s, epyc.peak_fp64) == (32, 460.8e9, 1.664e12)
    assert (h100.memory_bytes_per_s, h100.fp64, h100.fp64_matrix, h100.power_w) == (
        3.35e12,
        34e12,
        67e12,
        700,
    )
    assert find_type("a100-40gb").bf16_matrix == 312e12
    assert find_type("gtx-1080-ti").fp64 is None, "its maker gives none: blank, not 0"


@pytest.mark.parametrize(
    ("says", "name"),
    [
        ("Intel(R) Xeon(R) Gold 6140 CPU @ 2.30GHz", "xeon-gold-6140"),
        ("Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", "xeon-e5-2680-v4"),
        ("Intel(R) Xeon(R) Platinum 8480+", "xeon-platinum-8480+"),
        ("AMD EPYC 9354 32-Core Processor", "epyc-9354"),
        ("AMD Ryzen Threadripper PRO 7965WX 24-Cores", "ryzen-threadripper-pro-7965wx"),
        ("AMD Ryzen 9 5950X 16-Core Processor", "ryzen-9-5950x"),
        ("AMD EPYC", ""),
        ("", ""),
    ],
)
def test_processors_are_recognised_by_what_they_say(says, name):
    assert recognise_cpu(says) == name


@pytest.mark.parametrize(
    ("says", "name"),
    [
        ("NVIDIA A100-SXM4-40GB", "a100-40gb"),
        ("NVIDIA A100 80GB PCIe", "a100-80gb-pcie"),
        ("NVIDIA H100 80GB HBM3", "h100-80gb"),
        ("Tesla V100-SXM2-16GB", "v100-16gb"),
        ("NVIDIA GeForce GTX 1080 Ti", "gtx-1080-ti"),
        ("NVIDIA TITAN X (Pascal)", "titan-x"),
        ("NVIDIA GeForce GTX TITAN X", "titan-x-maxwell"),
        ("NVIDIA RTX 6000 Ada Generation", "rtx-6000-ada"),
        ("NVIDIA L40S", "l40s"),
        ("AMD Instinct MI300X", "mi300x"),
        ("Some GPU", ""),
    ],
)
def test_gpus_are_recognised_by_what_they_say(says, name):
    assert recognise_gpu(says) == name


def test_gpus_are_recognised_by_their_numbers():
    assert device_by_pci(0x10DE, 0x20B0) == "a100-40gb"
    assert device_by_pci(0x10DE, 0xFFFF) == device_by_pci(None, 1) == ""
    assert gpu_by_gfx("908", 120) == "mi100"
    assert gpu_by_gfx("942", 304) == "mi300x"
    assert gpu_by_gfx("910", 104) == "", "MI210, or half an MI250"


def test_an_unknown_type_is_answered_with_the_nearest():
    with pytest.raises(InputError, match="has no 'h100-80'") as caught:
        find_type("h100-80")
    assert "h100-80gb" in caught.value.fix
    with pytest.raises(InputError) as caught:
        find_type("A100")
    assert {"a100-40gb", "a100-80gb"} <= set(caught.value.fix.rstrip("?").replace(",", "").split())
    with pytest.raises(InputError) as caught:
        find_type("zzzzzz")
    assert "timonier describe catalogue" in caught.value.fix
