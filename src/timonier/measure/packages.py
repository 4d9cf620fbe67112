"""Which optional packages are installed, without loading them."""

from __future__ import annotations

from importlib.machinery import PathFinder

from timonier.kit.errors import InputError


def is_installed(name: str) -> bool:
    """Is there a package of this name?  Also where the command line keeps it from being loaded."""
    return PathFinder.find_spec(name) is not None


def need(name: str, extra: str) -> None:
    """Raise InputError with the exact line to install a package that is missing."""
    if not is_installed(name):
        raise InputError(
            f"the package {name} is missing", where="python", fix=f"pip install 'timonier[{extra}]'"
        )
