"""Digests are remembered while a file stays as it is, and never believed when it does not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from sfcmt import file_digests
from sfcmt.file_digests import remembered_sha256, sha256_of


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where they are kept. Every file counts as settled."""
    monkeypatch.setenv("SFCMT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(file_digests, "_SETTLED", -(10**9))
    monkeypatch.setattr(file_digests, "_here", {})
    return tmp_path / "cache" / "digests"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"a" * 1000)
    return path


def forbid_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: Path) -> str:
        raise AssertionError(path)

    monkeypatch.setattr(file_digests, "sha256_of", read)


def test_a_file_is_read_once(notes: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = remembered_sha256(file)
    forbid_reading(monkeypatch)
    assert remembered_sha256(file) == found
    file_digests._here.clear()  # as another process
    assert remembered_sha256(file) == found
    assert len([*notes.iterdir()]) == 1


def _same_size_and_time(path: Path) -> None:
    status = path.stat()
    path.write_bytes(b"b" * 1000)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _replaced(path: Path) -> None:
    status, other = path.stat(), path.with_name("other")
    other.write_bytes(b"b" * 1000)
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.rename(path)


@pytest.mark.parametrize("change", [_same_size_and_time, _replaced, lambda path: path.write_bytes(b"b")])
@pytest.mark.usefixtures("notes")
def test_a_change_is_noticed(change: object, file: Path) -> None:
    remembered_sha256(file)
    assert callable(change)
    change(file)
    assert remembered_sha256(file) == sha256_of(file)


@pytest.mark.parametrize("content", [b"", b"0" * 64, b"\xff\xfe", b"0" * 64 + b" " + b"1" * 20])
def test_damaged_notes_are_passed_over_and_made_anew(notes: Path, file: Path, content: bytes) -> None:
    found = remembered_sha256(file)
    (note,) = notes.iterdir()
    whole = note.read_bytes()
    note.write_bytes(content)
    file_digests._here.clear()
    assert remembered_sha256(file) == found
    assert note.read_bytes() == whole


def test_a_note_says_nothing_of_another_file(notes: Path, file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"b" * 1000)
    remembered_sha256(file)
    (note,) = notes.iterdir()
    remembered_sha256(other)
    (second,) = set(notes.iterdir()) - {note}
    shutil.copy(note, second)
    file_digests._here.clear()
    assert remembered_sha256(other) == sha256_of(other)


def test_what_has_just_been_written_is_not_remembered(notes: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_digests, "_SETTLED", 3600 * 10**9)
    assert remembered_sha256(file) == sha256_of(file)
    assert not notes.exists()


def test_where_nothing_can_be_kept_files_are_read(
    notes: Path, file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file, no folder")
    assert remembered_sha256(file) == sha256_of(file)
    assert not notes.exists()
