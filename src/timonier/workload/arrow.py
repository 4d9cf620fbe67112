"""pyarrow's functions without its type stubs, which refuse calls that the library takes."""

from __future__ import annotations

from typing import Any

import pyarrow.compute
import pyarrow.csv

pc: Any = pyarrow.compute
pa_csv: Any = pyarrow.csv
Values = Any  # one column: pa.ChunkedArray or pa.Array
