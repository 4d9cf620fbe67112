"""A file of any known kind as a machine: told by what stands in it, not by its name."""

from __future__ import annotations

from pathlib import Path

from timonier.describe.discover.found import Found, machine_of, node_name
from timonier.describe.discover.hwloc import parse_hwloc
from timonier.describe.discover.xml import parse_xml
from timonier.describe.machine import Machine
from timonier.describe.read import read_machine
from timonier.kit.errors import InputError
from timonier.kit.files import read_bytes

KINDS = "a machine file (.toml), XML of hwloc or NCCL/RCCL, or the text of nvidia-smi topo -m"


def is_discovered(path: str | Path) -> bool:
    """Is it anything but a machine file, a machine that ships, or a number?"""
    if not Path(path).suffix and not Path(path).exists() and Path(path).parent == Path():
        return False  # a bare word: the name of one that ships, or a mistake
    return not str(path).lstrip("+-").isdecimal() and Path(path).suffix.lower() != ".toml"


def read_any(path: str | Path) -> Machine:
    """The machine of a machine file, of a number, or of another program's file.  Raises InputError."""
    return read_found(path) if is_discovered(path) else read_machine(path)


def read_found(path: str | Path) -> Machine:
    """The machine that a file of another program describes.  Raises InputError."""
    content = read_bytes(path)
    where = str(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("this is not a text file", where=where, fix=f"name {KINDS}") from error
    return machine_of(parse_found(text, where, node_name(Path(path).stem)))


def parse_found(text: str, where: str, fallback: str) -> Found:
    """The node in a text of any known kind; `fallback` names it where the text does not."""
    from timonier.describe.discover.nccl import ROOTS, parse_nccl
    from timonier.describe.discover.nvidia_topo import holds_matrix, parse_nvidia_topo

    if text.lstrip().startswith("<"):
        tag = parse_xml(text, where).tag
        if tag == "topology":
            return parse_hwloc(text, where, fallback)
        if tag in ROOTS:
            return parse_nccl(text, where, fallback)
        raise InputError(f"<{tag}> is the XML of neither hwloc nor NCCL", where=where, fix=f"name {KINDS}")
    if holds_matrix(text):
        return parse_nvidia_topo(text, where, fallback)
    raise InputError("nothing in it is known", where=where, fix=f"name {KINDS}")
