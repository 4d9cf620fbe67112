"""Hand a tuple of arrays from function to function as one pointer.

Numba passes a NamedTuple as all the words of all its arrays: a thousand for a Cluster, at every call, and most of
the time of compilation goes into them.  `by_ref` puts it on the stack of the loop once; what gets the result reads
the arrays that it names, as from the tuple itself.  Without the JIT it is the tuple itself.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, TypeVar

import numba
from llvmlite import ir
from numba.core import cgutils as untyped_cgutils
from numba.core import types
from numba.core.datamodel import models
from numba.core.datamodel.registry import register_default
from numba.core.imputils import lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, intrinsic

T = TypeVar("T")
cgutils: Any = untyped_cgutils  # numba's own types do not know their arguments
POINTER = ir.IntType(8).as_pointer()


class Ref(types.Type):
    """Where a named tuple of arrays and of such tuples lies."""

    def __init__(self, of: Any) -> None:
        self.of = of
        digest = hashlib.sha256(str(of).encode()).hexdigest()[:12]
        super().__init__(name=f"ref_{of.instance_class.__name__}_{digest}")


@register_default(Ref)
class RefModel(models.PrimitiveModel):
    """A pointer without a type."""

    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, POINTER)  # type: ignore[no-untyped-call]


def _is_named(kind: Any) -> bool:
    return isinstance(kind, types.BaseNamedTuple)


@infer_getattr
class RefAttributes(AttributeTemplate):
    """A reference has the fields of its tuple; fields that are tuples are references again."""

    key = Ref

    def generic_resolve(self, ref: Any, name: str) -> Any:  # type: ignore[override]
        """The type of a field, None: there is none of that name."""
        if name not in ref.of.fields:
            return None
        kind = ref.of.types[ref.of.fields.index(name)]
        return Ref(kind) if _is_named(kind) else kind


@lower_getattr_generic(Ref)  # type: ignore[no-untyped-call]
def _get(context: Any, builder: Any, ref: Any, value: Any, name: str) -> Any:
    at = ref.of.fields.index(name)
    kind = ref.of.types[at]
    tuple_at = builder.bitcast(value, context.get_value_type(ref.of).as_pointer())
    field_at = cgutils.gep_inbounds(builder, tuple_at, 0, at)
    return builder.bitcast(field_at, POINTER) if _is_named(kind) else _load(builder, field_at)


def _load(builder: Any, at: Any) -> Any:
    """Load a value word by word; what a reference points to never changes."""
    kind = at.type.pointee
    if isinstance(kind, ir.LiteralStructType | ir.ArrayType):
        value = ir.Constant(kind, ir.Undefined)
        for i in range(len(kind)):
            value = builder.insert_value(value, _load(builder, cgutils.gep_inbounds(builder, at, 0, i)), i)
        return value
    word = builder.load(at)
    word.set_metadata("invariant.load", builder.module.add_metadata([]))
    return word


@intrinsic
def _by_ref(_: Any, value: Any) -> Any:
    def generate(__: Any, builder: Any, ___: Any, args: Any) -> Any:
        return builder.bitcast(cgutils.alloca_once_value(builder, args[0]), POINTER)

    return Ref(value)(value), generate


if TYPE_CHECKING or numba.config.DISABLE_JIT:

    def by_ref(value: T) -> T:
        """A reference to a named tuple, to be used like the tuple."""
        return value

else:
    by_ref = _by_ref
