"""Many comparisons at once: which of some neighbours pass a test, as the bits of one number.

A search that looks at one element after the other guesses wrong where it ends, and that costs more than
sixty-four comparisons. Bit i of an answer, an int64, is the answer for values[first + i]; all of them must lie
in the array. The language has no way to say it that compiles to compare instructions alone: hence LLVM by hand.
Without the JIT the same functions are plain Python.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from timonier.simulate.kernel.state import Array

WIDTH = 64  # compared at once where the end may be far
FEW = 16  # where it mostly is near
Test = Callable[[Array, int, int], int]
Search = Callable[[int], int]


def _plain(width: int, operator: str) -> Test:
    def test(values: Array, first: int, bound: int) -> int:
        if not 0 <= first <= len(values) - width:
            raise IndexError(first)
        bits = 0
        for i in range(width):
            enough = bool(values[first + i] >= bound)
            bits |= int(enough == (operator == ">=")) << i
        return bits - (1 << 64) if bits >> 63 else bits

    return test


def _compiled(width: int, operator: str) -> Test:
    @intrinsic
    def test(typing_context: Any, values: Any, first: Any, bound: Any) -> Any:  # noqa: ARG001
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = signature.args[0]
            array = context.make_array(kind)(context, builder, arguments[0])
            element = context.get_value_type(kind.dtype)
            vector = ir.VectorType(element, width)
            begin = builder.gep(array.data, [arguments[1]])
            there = builder.load(builder.bitcast(begin, vector.as_pointer()))
            there.align = element.width // 8
            lane = ir.IntType(32)
            one = builder.insert_element(
                ir.Constant(vector, ir.Undefined), arguments[2], ir.Constant(lane, 0)
            )
            every = ir.Constant(ir.VectorType(lane, width), [0] * width)
            bounds = builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), every)
            passed = builder.bitcast(builder.icmp_signed(operator, there, bounds), ir.IntType(width))
            return builder.zext(passed, ir.IntType(64)) if width < 64 else passed

        return types.int64(values, types.int64, values.dtype), generate

    return cast(Test, test)


def _plain_first(bits: int) -> int:
    bits = int(bits)
    return (bits & -bits).bit_length() - 1 if bits else 64


def _plain_last(bits: int) -> int:
    return (int(bits) & ((1 << 64) - 1)).bit_length() - 1


@intrinsic
def _compiled_first(typing_context: Any, bits: Any) -> Any:  # noqa: ARG001
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.int64), generate


@intrinsic
def _compiled_last(typing_context: Any, bits: Any) -> Any:  # noqa: ARG001
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        above = builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0))
        return builder.sub(ir.Constant(ir.IntType(64), 63), above)

    return types.int64(types.int64), generate


_jit = not numba.config.DISABLE_JIT  # type: ignore[attr-defined]
_test = _compiled if _jit else _plain

# at_least(values, first, bound): which of WIDTH are bound or more.  below: which are less.  few_*: of FEW.
at_least: Test = _test(WIDTH, ">=")
below: Test = _test(WIDTH, "<")
few_below: Test = _test(FEW, "<")
# first_bit(bits): the lowest bit that is set, 64 when none is.  last_bit: the highest, -1 when none is.
first_bit = cast(Search, _compiled_first if _jit else _plain_first)
last_bit = cast(Search, _compiled_last if _jit else _plain_last)
