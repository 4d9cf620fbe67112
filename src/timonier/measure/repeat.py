"""Repeats until the interval is narrow or the budget ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from timonier.kit.errors import InputError
from timonier.measure.conditions import Meter
from timonier.measure.events import Report
from timonier.measure.interval import LEAST, is_narrow

Draw = Callable[[], Mapping[str, float]]


class Budget:
    """Seconds that may be used, from now on."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._began = time.monotonic()

    @property
    def used_s(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    @property
    def left_s(self) -> float:
        """Seconds left, never below 0."""
        return max(0.0, self.seconds - self.used_s)

    def part(self, share: float) -> Budget:
        """A budget of a share of what is left."""
        return Budget(self.left_s * share)


def repeat(
    report: Report, budget: Budget, draw: Draw, *, most: int = 1000, meter: Meter | None = None
) -> str:
    """Call `draw` again and again and report its values, metric -> value.

    Ends when every metric's 95 % half-width is at most 2 % of its mean (`interval`), when another repeat would not
    fit the budget (`budget`), or after `most` repeats (`planned`).  Returns which, and reports it.
    Raises InputError where the budget is used up before the first repeat.
    """
    if budget.left_s <= 0:
        raise too_small(budget)
    meter = meter or Meter()
    values: dict[str, list[float]] = {}
    longest, why, count = 0.0, "planned", 0
    while count < most:
        meter.start()
        drawn = draw()
        read = meter.read()
        report.sample(drawn, read)
        count += 1
        longest = max(longest, read[0])
        for name, value in drawn.items():
            values.setdefault(name, []).append(value)
        report.progress(budget.used_s, budget.seconds, f"repeat {count}")
        if count >= LEAST and all(is_narrow(of) for of in values.values()):
            why = "interval"
            break
        if budget.left_s < longest:
            why = "budget"
            break
    report.say("stop", why=why)
    return why


def too_small(budget: Budget) -> InputError:
    """What to say when a budget ends before there is any figure."""
    need = max(1, round(2 * budget.used_s + 0.5))
    return InputError(
        f"the budget of {budget.seconds:.3g} s is too small: getting ready alone took {budget.used_s:.1f} s",
        where="--budget",
        fix=f"measure it alone with --budget {need}s or more, or a smaller problem with --set",
    )
