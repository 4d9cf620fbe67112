"""The products, each by the library that does it best, and why one that is missing is missing."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from time import perf_counter
from typing import Any

import numpy as np

from timonier.kit.errors import InputError, nearest
from timonier.measure.events import Report, check
from timonier.measure.gemm import KINDS, onednn
from timonier.measure.gemm.device import gpu_name
from timonier.measure.measurement import Check
from timonier.measure.packages import is_installed
from timonier.measure.recipe import Setup
from timonier.measure.repeat import Budget, repeat

_ROWS = 32  # sampled for the check
# by how much a product of n terms may be off, as a share of the largest entry: unit roundoff of the result
_ROUNDOFF = {"float64": 2.0**-53, "float32": 2.0**-24, "bfloat16": 2.0**-8, "float16": 2.0**-11}
NO_TORCH = "the package torch is missing (pip install torch)"
NO_GPU = "no GPU: torch and cupy find none"
NOT_LOOKED = (
    "no GPU was looked for: neither torch nor cupy is installed (pip install torch, or cupy for its driver)"
)


class Product:
    """A product that can be timed.  run: once, to its end.  result: float64 or int64 rows.  by: library."""

    def __init__(self, run: Callable[[], Any], rows: Callable[[], Any], by: str) -> None:
        self.run, self.rows, self.by = run, rows, by


Maker = Callable[[str, int], Product | str]  # the reason, where there is none


def work(setup: Setup, report: Report) -> None:
    """Every kind on the place that the label names."""
    n = int(setup.settings["n"])
    kinds = kinds_of(setup.settings["kinds"])
    make: Maker = _gpu if setup.label == "gpu" else _cpu
    if setup.label == "gpu":
        name = gpu_name()
        if name is not None:
            report.say("device", name=name)
    missing = {kind: why for kind in kinds if isinstance(why := make(kind, 8), str)}
    for kind, why in missing.items():
        report.skip(f"gemm.{kind}", why)
    for kind in kinds:
        product = make(kind, n)
        if not isinstance(product, str):
            _measure(kind, n, product, report, setup.budget_s / (len(kinds) - len(missing)))


def kinds_of(text: str) -> list[str]:
    """Precisions by name.  Raises InputError for an unknown one."""
    kinds = list(KINDS) if text == "all" else text.split(",")
    for kind in kinds:
        if kind not in KINDS:
            raise InputError(f"there is no precision {kind!r}", where="--set kinds", fix=nearest(kind, KINDS))
    return kinds


def _measure(kind: str, n: int, product: Product, report: Report, budget_s: float) -> None:
    product.run()
    before = perf_counter()
    product.run()
    times = max(1, round(0.2 / (perf_counter() - before)))  # long enough for the conditions to be seen

    def draw() -> dict[str, float]:
        began = perf_counter()
        for _ in range(times):
            product.run()
        return {f"gemm.{kind}": 2.0 * n**3 * times / (perf_counter() - began)}

    repeat(report, Budget(budget_s), draw)
    report.check(verify(kind, n, product.rows()))
    report.note(f"by {product.by}", f"gemm.{kind}")


def factors(kind: str, n: int) -> tuple[Any, Any]:
    """The two matrices: int8 over its whole range, else float64 in (-1, 1)."""
    rng = np.random.default_rng(8)
    if kind == "int8":
        a, b = (rng.integers(-128, 128, (n, n), dtype=np.int8) for _ in range(2))
        return a, b
    return rng.uniform(-1, 1, (n, n)), rng.uniform(-1, 1, (n, n))


def verify(kind: str, n: int, rows: Any) -> Check:
    """The first rows of the result against float64; for int8 every bit counts (float64 holds these sums exactly)."""
    a, b = factors(kind, n)
    a, b = (_rounded(kind, one) for one in (a, b))
    reference = a[:_ROWS].astype(np.float64) @ b.astype(np.float64)
    found = np.asarray(rows, np.float64)[:_ROWS]
    if kind == "int8":
        wrong = int(np.count_nonzero(found != reference))
        return check("gemm, int8", wrong, "equal", 0, "entries that differ from the exact product")
    worst = float(np.abs(found - reference).max()) / (_ROUNDOFF[kind] * float(np.abs(reference).max()))
    limit = 4 + 4 * np.sqrt(n) if kind in ("float64", "float32") else 8.0
    return check(f"gemm, {kind}", worst, "at most", limit, "largest error in units of the roundoff")


def _rounded(kind: str, matrix: Any) -> Any:
    """What the narrow format holds of the matrix."""
    if kind == "float32":
        return matrix.astype(np.float32)
    if kind == "float16":
        return matrix.astype(np.float16)
    if kind == "bfloat16":
        bits = matrix.astype(np.float32).view(np.uint32)
        even = (bits >> np.uint32(16)) & np.uint32(1)  # ties go to the even neighbour
        return ((bits + np.uint32(0x7FFF) + even) & np.uint32(0xFFFF0000)).view(np.float32)
    return matrix


def _cpu(kind: str, n: int) -> Product | str:
    a, b = factors(kind, n)
    if kind in ("float64", "float32"):
        a, b = a.astype(kind), b.astype(kind)
        c = np.empty_like(a)
        return Product(lambda: np.matmul(a, b, out=c), lambda: c[:_ROWS], "numpy's BLAS")
    if kind == "int8":
        library = onednn.load()
        if library is None:
            return f"no oneDNN library ({onednn.INSTALL}); numpy multiplies integers without BLAS, which says nothing"
        c = np.empty((n, n), np.int32)
        return Product(lambda: library.multiply(a, b, c), lambda: c[:_ROWS], f"oneDNN {library.version}")
    if kind == "float8":
        return "no CPU library multiplies 8-bit floating point"
    if not is_installed("torch"):
        return NO_TORCH
    return _torch(kind, n, "cpu")


def _gpu(kind: str, n: int) -> Product | str:
    if is_installed("torch"):
        torch = import_module("torch")
        if torch.cuda.is_available():
            return _torch(kind, n, "cuda")
    if is_installed("cupy"):
        product = _cupy(kind, n)
        if product is not None:
            return product
    return NO_GPU if is_installed("torch") or is_installed("cupy") else NOT_LOOKED


def _torch(kind: str, n: int, device: str) -> Product | str:
    torch = import_module("torch")
    a, b = factors(kind, n)
    by = f"torch {torch.__version__}" + (f" on {torch.cuda.get_device_name()}" if device == "cuda" else "")
    if kind == "float8":
        return "8-bit floating point needs scaling factors and is not measured yet"
    x, y = torch.from_numpy(a).to(device), torch.from_numpy(b).to(device)
    if kind == "int8":
        multiply: Callable[[], Any] = lambda: torch._int_mm(x, y)  # noqa: E731, SLF001  torch has no public one
    else:
        x, y = x.to(getattr(torch, kind)), y.to(getattr(torch, kind))
        multiply = lambda: x @ y  # noqa: E731

    def run() -> Any:
        product = multiply()
        if device == "cuda":
            torch.cuda.synchronize()
        return product

    wide = torch.int64 if kind == "int8" else torch.float64
    return Product(run, lambda: multiply()[:_ROWS].to(wide).cpu().numpy(), by)


def _cupy(kind: str, n: int) -> Product | str | None:
    cupy = import_module("cupy")
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError:
        return None
    if not count:
        return None
    if kind not in ("float64", "float32", "float16"):
        return "cupy multiplies no such matrices; torch does (pip install torch)"
    a, b = factors(kind, n)
    x, y = cupy.asarray(a.astype(kind)), cupy.asarray(b.astype(kind))

    def run() -> Any:
        product = x @ y
        cupy.cuda.Device().synchronize()
        return product

    return Product(run, lambda: cupy.asnumpy((x @ y)[:_ROWS]).astype(np.float64), f"cupy {cupy.__version__}")
