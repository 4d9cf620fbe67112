"""Nothing is ever left half-written."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from timonier.kit import files
from timonier.kit.errors import InputError, MachineFailure
from timonier.kit.files import read_bytes, write_bytes, write_text, writing, writing_folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_whole_with_ordinary_rights(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "hé")
    (tmp_path / "plain").touch()
    assert (tmp_path / "a.txt").read_bytes() == "hé".encode()
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert names(tmp_path) == ["a.txt", "plain"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("no")])
def test_an_interruption_keeps_the_old_file_and_removes_the_new_one(tmp_path: Path, error) -> None:
    write_bytes(tmp_path / "a", b"old")
    with pytest.raises(type(error)), writing(tmp_path / "a") as file:  # noqa: PT012 (the block is the test)
        file.write(b"new")
        raise error
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path, monkeypatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(MachineFailure, match="the disk is full; nothing was written"):
        write_bytes(tmp_path / "a", b"x")
    assert names(tmp_path) == []


def test_a_write_that_dies_of_a_full_disk_is_a_machine_failure() -> None:
    """/dev/full refuses every byte, as a full disk does."""
    if not Path("/dev/full").exists():
        pytest.skip("/dev/full is not here")
    with pytest.raises(MachineFailure, match="the disk is full"):
        write_bytes("/dev/full", b"x" * 100_000)


def test_no_permission_is_a_machine_failure(tmp_path: Path, monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(files.tempfile, "mkstemp", refuse)
    with pytest.raises(MachineFailure, match="no permission"):
        write_bytes(tmp_path / "a", b"x")


def test_a_missing_file_or_folder_is_your_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_bytes(tmp_path / "none")
    with pytest.raises(InputError, match="folder, not a file"):
        read_bytes(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        write_bytes(tmp_path / "none" / "a", b"")
    with pytest.raises(InputError, match="folder, not a file"):
        write_bytes(tmp_path, b"")


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    with writing_folder(tmp_path / "run") as folder:
        write_text(folder / "manifest.toml", "x = 1")
    assert names(tmp_path / "run") == ["manifest.toml"]
    with pytest.raises(KeyboardInterrupt), writing_folder(tmp_path / "run") as folder:  # noqa: PT012
        write_text(folder / "other", "")
        raise KeyboardInterrupt
    assert names(tmp_path / "run") == ["manifest.toml"]
    assert names(tmp_path) == ["run"]


def test_a_folder_of_somebody_else_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1").touch()
    with pytest.raises(InputError, match="did not write"), writing_folder(tmp_path / "thesis"):
        pass
    assert names(tmp_path / "thesis") == ["chapter1"]


def test_a_folder_that_we_wrote_is_replaced(tmp_path: Path) -> None:
    for content in ("1", "2"):
        with writing_folder(tmp_path / "run") as folder:
            write_text(folder / "manifest.toml", content)
    assert (tmp_path / "run" / "manifest.toml").read_text() == "2"
    assert names(tmp_path) == ["run"]
