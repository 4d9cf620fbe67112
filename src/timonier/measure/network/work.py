"""What messages cost, by compiled loops that call the MPI library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from timonier.measure.events import Report, check
from timonier.measure.interval import LEAST
from timonier.measure.kernels.messages import build
from timonier.measure.network.library import Library
from timonier.measure.ranks import Ranks, load_mpi, meter_of, open_ranks
from timonier.measure.recipe import Setup

SIZES = (0, 8, 64, 512, 4096, 8192, 65_536, 524_288, 4 << 20)
LARGE = SIZES[-1]
_BATCH_S = 0.02
_MOST = 100


class Wire:
    """The loops, and buffers large enough for every size."""

    def __init__(self, ranks: Ranks) -> None:
        mpi = load_mpi()
        self.ranks, self.library = ranks, Library(mpi)
        self._loops = build(self.library.send, self.library.receive, self.library.reduce_all)
        self._buffer = np.zeros(LARGE, np.uint8)
        self._out, self._into = np.ones(1), np.zeros(1)
        self.handle = mpi._handleof(ranks.comm)  # noqa: SLF001

    def pingpong(self, size: int, times: int, first: int, second: int) -> float:
        """Seconds of a one-way trip between two ranks; the others do nothing and get 0."""
        rank = self.ranks.rank
        if rank not in (first, second):
            return 0.0
        other = second if rank == first else first
        began = perf_counter()
        self._loops[0](
            self._buffer.ctypes.data, size, times, rank == first, other, self.handle, self.library.byte
        )
        return (perf_counter() - began) / (2 * times)

    def sums(self, times: int) -> float:
        """Seconds of a sum of one float64 over all ranks."""
        began = perf_counter()
        self._loops[1](
            self._out.ctypes.data,
            self._into.ctypes.data,
            times,
            self.handle,
            self.library.real,
            self.library.plus,
        )
        return (perf_counter() - began) / times

    @property
    def total(self) -> float:
        """What the last sum gave."""
        return float(self._into[0])


def work(setup: Setup, report: Report) -> None:
    """Sizes between ranks 0 and 1, pairs, sums, and both halves against each other."""
    ranks = open_ranks(setup.ranks)
    wire = Wire(ranks)
    names = ranks.comm.allgather(load_mpi().Get_processor_name())
    last = next((r for r, name in enumerate(names) if name != names[0]), 1)
    place = "between two nodes" if names[last] != names[0] else "inside one node: shared memory, no network"
    least, budget = int(setup.settings["batches"]), setup.budget()
    part = budget.seconds / (len(SIZES) + 3)
    trials = [
        Trial(f"network.half_trip_{size}", lambda n, size=size: wire.pingpong(size, n, 0, last))  # type: ignore[misc]
        for size in SIZES
    ]
    trials += [
        Trial("network.sum", wire.sums),
        Trial("network.bandwidth", lambda n: wire.pingpong(LARGE, n, 0, last), LARGE),
        Trial("network.bisection", _exchange(ranks), LARGE * (ranks.size // 2) * 2),
    ]
    for trial in trials:
        _batches(ranks, report, trial, least, part)
    report.check(check("sum", wire.total, "equal", float(ranks.size), "a sum of ones over all ranks"))
    _pairs(wire, names, report)
    report.note(place, "network")
    report.note(f"by {wire.library.name}", "network.half_trip_0")
    report.say("stop", why="planned")


def _exchange(ranks: Ranks) -> Callable[[int], float]:
    """Every rank of the lower half sends to and receives from its partner in the upper half, all at once."""
    half = ranks.size // 2
    out, into = np.zeros(LARGE, np.uint8), np.zeros(LARGE, np.uint8)
    partner = (ranks.rank + half) % (2 * half) if ranks.rank < 2 * half else None

    def run(times: int) -> float:
        ranks.barrier()
        began = perf_counter()
        if partner is not None:
            for _ in range(times):
                ranks.comm.Sendrecv(out, partner, 1, into, partner, 1)
        ranks.barrier()
        return (perf_counter() - began) / times

    return run


@dataclass(frozen=True, slots=True)
class Trial:
    """What is timed.  size: bytes moved, then the figure is a rate; 0: it is the time itself."""

    metric: str
    trip: Callable[[int], float]
    size: float = 0.0


def _batches(ranks: Ranks, report: Report, trial: Trial, least: int, part_s: float) -> None:
    """Batches of trips, each long enough for the clock, `least` of them and until the part of the budget ends.

    Where the least take more than twice the part (ranks that share cores), three have to do.
    """
    times = _times(ranks, trial.trip)
    meter, began, count = meter_of(ranks), perf_counter(), 0
    while True:
        ranks.barrier()
        seconds = ranks.max(trial.trip(times))
        count += 1
        report.sample({trial.metric: trial.size / seconds if trial.size else seconds}, meter.read())
        report.progress(count, least, trial.metric)
        used_s = ranks.max(perf_counter() - began)
        if count >= least and (used_s > part_s or count >= _MOST):
            return
        if count >= LEAST and used_s > 2 * part_s:
            return


def _times(ranks: Ranks, trip: Callable[[int], float]) -> int:
    """How many trips make a batch; warms up on the way."""
    trip(1)
    times = 1
    while times < 1 << 20:
        ranks.barrier()
        took = ranks.max(trip(times)) * times * 2
        if took > _BATCH_S:
            break
        times *= 4
    return times


def _pairs(wire: Wire, names: list[str], report: Report) -> None:
    """The slowest pair of ranks at 8 bytes and which it is: far ranks show the topology."""
    ranks = wire.ranks
    worst, who = 0.0, ""
    for first in range(ranks.size):
        for second in range(first + 1, ranks.size):
            ranks.barrier()
            wire.pingpong(8, 10, first, second)
            seconds = min(ranks.max(wire.pingpong(8, 100, first, second)) for _ in range(3))
            if seconds > worst:
                worst, who = seconds, f"ranks {first} ({names[first]}) and {second} ({names[second]})"
    report.single("network.slowest_pair", worst)
    report.note(who, "network.slowest_pair")
