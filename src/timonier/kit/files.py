"""Reading whole files, and writing them so that nothing is ever left half-written.

A file is written under a temporary name in its own folder, flushed to the disk and renamed.
Whatever goes wrong, Ctrl-C included, the old content stays and the temporary file goes.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from timonier.kit.errors import InputError, MachineFailure


def read_bytes(path: str | Path) -> bytes:
    """The whole file; a missing one is your mistake, an unreadable one the machine's."""
    with reading(path):
        return Path(path).read_bytes()


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Turn the operating system's complaints about reading `path` into our two errors."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError("no such file", where=str(path), fix="check the path") from error
    except IsADirectoryError as error:
        raise InputError("this is a folder, not a file", where=str(path), fix="name a file in it") from error
    except OSError as error:
        raise _failure("read", path, error) from error
    except ValueError as error:  # a NUL byte in the path
        if "null" not in str(error):
            raise
        raise InputError("not a path", where=repr(str(path)), fix="check the path") from error


@contextmanager
def writing(path: str | Path) -> Iterator[IO[bytes]]:
    """An open binary file that becomes `path`, whole, when the block ends well."""
    target = Path(path)
    if _is_stream(target):
        with _failing("write", target), target.open("wb") as stream:
            yield stream
        return
    with _failing("write", target):
        handle, name = tempfile.mkstemp(prefix=f".{target.name[:40]}.", suffix=".part", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            _take_place(name, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise


@contextmanager
def writing_folder(path: str | Path) -> Iterator[Path]:
    """A folder to fill that becomes `path`, whole, when the block ends well.

    An existing folder of that name is replaced only if it is empty or was written by us
    (it holds a manifest.toml): a mistyped -o must not delete anybody's files.
    """
    target = Path(path)
    _refuse_foreign(target)
    with _failing("write", target):
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{target.name[:40]}.", suffix=".part", dir=target.parent))
        try:
            yield fresh
            fresh.chmod(0o777 & ~_umask())
            _swap_folder(fresh, target)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a whole file at once, or leave what was there."""
    with writing(path) as file:
        file.write(content)


def write_text(path: str | Path, content: str) -> None:
    """Write a whole UTF-8 file at once, or leave what was there."""
    write_bytes(path, content.encode())


def make_folder(path: str | Path) -> None:
    """Make a folder where there is none; its parent must be there."""
    with _failing("make", Path(path)):
        Path(path).mkdir(exist_ok=True)


def add_line(path: str | Path, line: str) -> None:
    """Add a line to a log; where the disk has no room for it, the log stays as it was."""
    target = Path(path)
    with _failing("write", target), target.open("ab") as log:
        log.write(f"{line}\n".encode())


def _take_place(name: str, target: Path) -> None:
    """Give the temporary file the rights a plain new file would have, and the name."""
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask()
    os.chmod(name, mode)
    os.replace(name, target)


def _refuse_foreign(target: Path) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise InputError("this is a file, not a folder", where=str(target), fix="name another folder")
    if any(target.iterdir()) and not (target / "manifest.toml").exists():
        raise InputError(
            "the folder holds files that timonier did not write (it has no manifest.toml)",
            where=str(target),
            fix="name a new folder",
        )


def _swap_folder(fresh: Path, target: Path) -> None:
    if not target.exists():
        fresh.rename(target)
        return
    old = fresh.with_suffix(".old")
    target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _is_stream(target: Path) -> bool:
    """Is it a pipe or a terminal, such as /dev/stdout?"""
    with suppress(OSError):
        return target.exists() and not target.is_file() and not target.is_dir()
    return False


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def _failing(verb: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if verb == "write" and not path.parent.exists():
            folder = str(path.parent)
            raise InputError("no such folder", where=folder, fix=f"mkdir -p {folder}") from error
        if isinstance(error, IsADirectoryError):
            raise InputError("this is a folder, not a file", where=str(path), fix="name a file") from error
        raise _failure(verb, path, error) from error


def _failure(verb: str, path: str | Path, error: OSError) -> MachineFailure:
    """One sentence for what the operating system said, with what to do about it."""
    reasons = {
        errno.ENOSPC: ("the disk is full", "free some space, or write to another disk"),
        errno.EDQUOT: ("your disk quota is used up", "free some space, or write to another disk"),
        errno.EACCES: ("no permission", "check who owns the file and its folder"),
        errno.EPERM: ("no permission", "check who owns the file and its folder"),
        errno.EROFS: ("the disk is read-only", "write to another disk"),
        errno.EFBIG: ("the file grew too large for this disk", "write to another disk"),
        errno.ENAMETOOLONG: ("the name is too long", "choose a shorter one"),
    }
    said = error.strerror or str(error)
    reason, fix = reasons.get(error.errno or 0, (said, "check the disk"))
    kept = "; nothing was written" if verb == "write" else ""
    what = "folder" if verb == "make" else "file"
    return MachineFailure(f"cannot {verb} the {what}: {reason}{kept}", where=str(path), fix=fix)
