"""The reference page of machine files, made from `keys.csv`."""

from __future__ import annotations

from timonier.describe.keys import known_keys
from timonier.kit.page import render_keys

_TITLE = """# Machines

<!-- made by `python -m timonier.describe.document`; do not edit, a test compares it -->

A machine is counted or has nodes.
A counted machine is a number of equal processors: `--machine 338`, or a file.
`timonier describe ships` lists the machines that ship; `timonier describe school-lab --toml > my-lab.toml` prints one to edit.
An unknown key is an error that offers the nearest known one, and all wrong entries are named at once.

```toml
schema = "timonier/machine/1"
name = "kth-sp2"
processors = 100
[[partition]]
name = "interactive"
processors = 20
```

```toml
schema = "timonier/machine/1"
name = "lab"
[[node]]
names = "gpu[01-04]"
cores = 64
memory = "512GiB"
gpus = [{ type = "a100-40gb", count = 4, sharing = "mig" }]
[[partition]]
name = "gpu"
nodes = "gpu[01-04]"
default = true
```

The inside of nodes is optional; `timonier describe --from here -o machine.toml` writes it.

```toml
schema = "timonier/machine/1"
name = "desk"
[[node]]
names = "desk"
cpu = "epyc-7763"
cores = 64
memory = "512GiB"
gpus = [{ type = "a100-40gb", count = 2 }]
[[package]]
nodes = "desk"
name = "package0"
cores = 64
threads = 128
chiplets = [{ count = 8, cores = 8, threads = 16, l3 = "32MiB", numa = 0 }]
[[memory]]
nodes = "desk"
name = "numa0"
package = "package0"
size = "512GiB"
[[device]]
nodes = "desk"
name = "gpu0"
kind = "gpu"
type = "a100-40gb"
parent = "package0"
lanes = 16
speed = "31.5GB/s"
[[device]]
nodes = "desk"
name = "gpu1"
kind = "gpu"
type = "a100-40gb"
parent = "package0"
[[link]]
nodes = "desk"
from = "gpu0"
to = "gpu1"
kind = "nvlink"
count = 12
speed = "300GB/s"
[unknown]
power = "the system has no energy counter"
```

Node names are Slurm hostlists: `gpu[01-04,07],old[1-2]`.
Sizes and speeds are texts with a unit (`"512GiB"`, `"200Gbit/s"`), or numbers of bytes and bytes per second.
On a counted machine a job takes ceil(tasks x cores) processors, and a partition is a cap on processors in use.
"""
_TITLES = {
    "": "Top of the file",
    "node": "`[[node]]`",
    "node.gpus": "`gpus` of a node",
    "switch": "`[[switch]]`",
    "partition": "`[[partition]]`",
    "owner": "`[[owner]]`",
    "prices": "`[prices]`",
    "package": "`[[package]]`",
    "package.chiplets": "`chiplets` of a package",
    "package.caches": "`caches` of a package",
    "memory": "`[[memory]]`",
    "device": "`[[device]]`",
    "link": "`[[link]]`",
}


def render_page() -> str:
    """The page as Markdown."""
    return "\n".join([_TITLE, render_keys(known_keys(), _TITLES)])


if __name__ == "__main__":
    print(render_page(), end="")  # noqa: T201 - this is the program's output
