"""Renames that survive a power loss: what is named has been written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sfcmt.durable import rename_durably


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is done to the disk, in order."""
    done: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def settle(descriptor: int) -> None:
        done.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    def move(self: Path, target: Path) -> Path:
        done.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", settle)
    monkeypatch.setattr(Path, "rename", move)
    return done


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors have names on Linux only")
def test_contents_are_on_the_disk_before_the_name_and_the_name_is_too(tmp_path: Path, moves: list[str]) -> None:
    (tmp_path / "new" / "deep").mkdir(parents=True)
    (tmp_path / "new" / "deep" / "file").write_text("one")
    rename_durably(tmp_path / "new", tmp_path / "old")
    assert moves == ["file", "deep", "new", "rename", tmp_path.name]
    assert (tmp_path / "old" / "deep" / "file").read_text() == "one"


def test_a_file_replaces_another(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("two")
    (tmp_path / "old").write_text("one")
    rename_durably(tmp_path / "new", tmp_path / "old")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["two"]
