"""pyarrow's functions without its type stubs, which refuse calls that the library takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
from numpy.typing import NDArray

pc: Any = pyarrow.compute
pa_csv: Any = pyarrow.csv
Values = Any  # one column: pa.ChunkedArray or pa.Array


def row_numbers(rows: NDArray[np.int64]) -> Values:
    """Row numbers as `take` wants them."""
    return pa.array(rows)
