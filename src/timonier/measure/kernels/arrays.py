"""The arrays that kernels take, by what is in them."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Singles: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int64]
Indices: TypeAlias = NDArray[np.int32]
Words: TypeAlias = NDArray[np.uint64]
Bytes: TypeAlias = NDArray[np.uint8]
# one number of a width that Python has not: unsigned 64-bit or float32
Number: TypeAlias = Any
# of any kind, the kernel does not care
Array: TypeAlias = NDArray[Any]
