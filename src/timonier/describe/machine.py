"""The machine record: what an admin owns, as read from a machine file (CONTRACT: machine)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from timonier.describe.topology import Topology


@dataclass(frozen=True, slots=True)
class Gpus:
    """The GPUs of one type in each node of a group.

    sharing: "exclusive", "time-slice", "fraction" or "mig".  max_sharers: most jobs on one; None: no limit.
    layout: the fixed slices of each GPU under "mig"; None: slices are cut as jobs come.
    idle_w, busy_w: power of each, W, as the file says; None: as the device catalogue says.
    memory_bytes: of each; None: as its type's name says (a100-40gb), if it does.
    """

    type: str
    count: int = 1
    sharing: str = "exclusive"
    max_sharers: int | None = None
    layout: tuple[str, ...] | None = None
    idle_w: float | None = None
    busy_w: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Nodes:
    """A group of equal nodes; `core_thousandths` are of a core, so that sums are exact.

    idle_w, busy_w: power of each without its GPUs, W; None: as the catalogue says of `cpu`.
    price: what each cost; per_hour: what each costs an hour instead (rent); None: not known.
    product: what their maker calls them; kernel: of their operating system.
    """

    names: tuple[str, ...]
    core_thousandths: int = 1000
    memory_bytes: int = 0
    gpus: tuple[Gpus, ...] = ()
    cpu: str = ""
    rack: str = ""
    features: tuple[str, ...] = ()
    weight: int = 1
    resources: Mapping[str, int] = field(default_factory=dict)
    idle_w: float | None = None
    busy_w: float | None = None
    price: float | None = None
    per_hour: float | None = None
    product: str = ""
    kernel: str = ""

    @property
    def cores(self) -> float:
        """Cores of each node."""
        return self.core_thousandths / 1000


@dataclass(frozen=True, slots=True)
class Switch:
    """Nodes that share a switch; speed of each node's link to it."""

    name: str
    nodes: tuple[str, ...]
    speed_bytes_per_s: int | None = None


@dataclass(frozen=True, slots=True)
class Partition:
    """A part of the machine: a cap on processors in use (counted) or a list of nodes."""

    name: str
    processors: int | None = None
    nodes: tuple[str, ...] = ()
    default: bool = False
    max_time_s: int | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """What belongs to an account: nodes or, on a counted machine, processors."""

    account: str
    nodes: tuple[str, ...] = ()
    processors: int | None = None


@dataclass(frozen=True, slots=True)
class Prices:
    """What running the machine costs; None: not known.  lifetime_s: in which a node's price is written off."""

    currency: str = ""
    per_kwh: float | None = None
    lifetime_s: int = 1826 * 86400


@dataclass(frozen=True, slots=True)
class Machine:
    """A counted machine has `processors`; any other has `nodes`, in groups of equal ones."""

    name: str
    processors: int | None = None
    nodes: tuple[Nodes, ...] = ()
    switches: tuple[Switch, ...] = ()
    partitions: tuple[Partition, ...] = ()
    owners: tuple[Owner, ...] = ()
    licences: Mapping[str, int] = field(default_factory=dict)
    prices: Prices = field(default_factory=Prices)
    topology: Topology = field(default_factory=Topology)

    @property
    def is_counted(self) -> bool:
        """Is it a number of processors, without nodes?"""
        return self.processors is not None

    @property
    def total_nodes(self) -> int:
        """Nodes of all groups; 0 on a counted machine."""
        return sum(len(group.names) for group in self.nodes)

    @property
    def total_cores(self) -> int:
        """Whole cores of all nodes, or the processors of a counted machine."""
        if self.processors is not None:
            return self.processors
        return sum(len(group.names) * group.core_thousandths for group in self.nodes) // 1000

    @property
    def total_gpus(self) -> int:
        """GPUs of all nodes and types."""
        return sum(len(group.names) * gpus.count for group in self.nodes for gpus in group.gpus)
