"""The first GPU, if torch or cupy finds one."""

from __future__ import annotations

from importlib import import_module

from timonier.measure.packages import is_installed


def gpu_name() -> str | None:
    """What the first GPU calls itself, None where there is none."""
    if is_installed("torch"):
        torch = import_module("torch")
        if torch.cuda.is_available():
            return str(torch.cuda.get_device_name())
    if is_installed("cupy"):
        cupy = import_module("cupy")
        try:
            return str(cupy.cuda.runtime.getDeviceProperties(0)["name"].decode())
        except cupy.cuda.runtime.CUDARuntimeError:
            return None
    return None
