"""Comparisons of many neighbours at once: the compiled functions say what the plain ones say."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from timonier.simulate.kernel import bits

LENGTH = 200
CASES = {
    "at_least": (bits.at_least, bits.WIDTH, ">="),
    "below": (bits.below, bits.WIDTH, "<"),
    "few_below": (bits.few_below, bits.FEW, "<"),
}


@njit
def first_and_last(number):  # type: ignore[no-untyped-def]
    return bits.first_bit(number), bits.last_bit(number)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
@pytest.mark.parametrize("name", CASES)
def test_every_place_and_bound_gives_the_plain_answer(name: str, dtype: type) -> None:
    test, width, operator = CASES[name]

    @njit
    def compiled(values, first, bound):  # type: ignore[no-untyped-def]
        return test(values, first, bound)

    plain = bits._plain(width, operator)
    rng = np.random.default_rng(5)
    least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
    values = rng.choice(np.array([least, -1, 0, 1, 2, 3, most], dtype=dtype), LENGTH)
    for first in (0, 1, 7, 63, LENGTH - width):
        for bound in (least, 0, 2, 3, most):
            assert compiled(values, first, bound) == plain(values, first, bound)


@pytest.mark.parametrize("number", [0, 1, 2, 6, 1 << 40, (1 << 63) - 1, -1, -2, -(1 << 63)])
def test_the_first_and_the_last_bit(number: int) -> None:
    assert first_and_last(number) == (bits._plain_first(number), bits._plain_last(number))
    assert bits._plain_first(0) == 64
    assert bits._plain_last(0) == -1
    assert bits._plain_last(-1) == 63
