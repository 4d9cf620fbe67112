"""gpu: the memory of a GPU and its link to the host, through torch or cupy; blank with the reason without one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from time import perf_counter
from typing import Any

from timonier.measure.events import Report, check
from timonier.measure.gemm.device import gpu_name
from timonier.measure.here import Here
from timonier.measure.packages import is_installed
from timonier.measure.recipe import Planned, Setup, Wanted
from timonier.measure.repeat import Budget, repeat

SETTINGS: Mapping[str, tuple[Any, str]] = {"mib": (256, "size of the arrays, MiB")}
METRICS = ("gpu.triad", "gpu.to_device", "gpu.from_device")
_ASK = "install torch (pip install torch) or cupy for this GPU's driver"


def plan(here: Here, wanted: Wanted) -> list[Planned]:
    """One task on the first GPU."""
    return [Planned("gpu", {"mib": int(wanted.settings.get("mib", 256))}, cpus=here.cpus[:1])]


def work(setup: Setup, report: Report) -> None:
    """Triad in its memory, copies to it and back from pinned memory."""
    size = int(setup.settings["mib"]) << 20
    moves = _torch(size) or _cupy(size)
    name = gpu_name()
    if name is not None:
        report.say("device", name=name)
    if moves is None:
        why = (
            "no GPU: torch and cupy find none"
            if is_installed("torch") or is_installed("cupy")
            else (f"no GPU was looked for: neither torch nor cupy is installed; {_ASK}")
        )
        for metric in METRICS:
            report.skip(metric, why)
        return
    for metric, (run, moved) in zip(METRICS, moves[0], strict=True):
        run()

        def draw(
            run: Callable[[], None] = run, moved: float = moved, metric: str = metric
        ) -> dict[str, float]:
            began = perf_counter()
            for _ in range(10):
                run()
            return {metric: 10 * moved / (perf_counter() - began)}

        repeat(report, Budget(setup.budget_s / len(METRICS)), draw)
    report.check(check("triad", moves[1](), "at most", 1e-13, "relative error of b + 3 c"))


Moves = tuple[list[tuple[Callable[[], None], float]], Callable[[], float]]


def _torch(size: int) -> Moves | None:
    if not is_installed("torch"):
        return None
    torch = import_module("torch")
    if not torch.cuda.is_available():
        return None
    n = size // 8
    a, b, c = (torch.full((n,), value, dtype=torch.float64, device="cuda") for value in (0.0, 1.0, 2.0))
    host = torch.empty(n, dtype=torch.float64).pin_memory()

    def triad() -> None:
        torch.add(b, c, alpha=3.0, out=a)
        torch.cuda.synchronize()

    def copy(to: Any, of: Any) -> Callable[[], None]:
        def run() -> None:
            to.copy_(of, non_blocking=True)
            torch.cuda.synchronize()

        return run

    runs: list[tuple[Callable[[], None], float]] = [
        (triad, 24.0 * n),
        (copy(c, host), 8.0 * n),
        (copy(host, b), 8.0 * n),
    ]
    return runs, lambda: float((a - 7.0).abs().max()) / 7.0


def _cupy(size: int) -> Moves | None:
    if not is_installed("cupy"):
        return None
    cupy = import_module("cupy")
    try:
        if not cupy.cuda.runtime.getDeviceCount():
            return None
    except cupy.cuda.runtime.CUDARuntimeError:
        return None
    n = size // 8
    a, b, c = (cupy.full(n, value) for value in (0.0, 1.0, 2.0))
    pinned = cupy.cuda.alloc_pinned_memory(8 * n)
    import numpy as np

    host = np.frombuffer(pinned, np.float64, n)
    fused = cupy.ElementwiseKernel("float64 x, float64 y", "float64 z", "z = x + 3.0 * y", "timonier_triad")

    def wait(what: Callable[[], Any]) -> Callable[[], None]:
        def run() -> None:
            what()
            cupy.cuda.Device().synchronize()

        return run

    moves = [
        (wait(lambda: fused(b, c, a)), 24.0 * n),
        (wait(lambda: c.set(host)), 8.0 * n),
        (wait(lambda: b.get(out=host)), 8.0 * n),
    ]
    return moves, lambda: float(cupy.abs(a - 7.0).max()) / 7.0
