"""Files that grow, published in segments: what is on the store at any time, and how little is sent for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfcmt.storage import Storage
from sfcmt.tuning.search import segments
from sfcmt.tuning.search.segments import Segments, read_segments, whole_names

pytestmark = pytest.mark.slow


@pytest.fixture
def remote(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Storage:
    monkeypatch.setattr(segments, "_FULL", 10)
    return Storage(f"s3://bucket/{tmp_path.name}?endpoint_override={endpoint}")


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_what_is_full_is_never_sent_again(remote: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, bytes]] = []
    write = remote.write

    def noted(content: bytes, name: str) -> None:
        sent.append((name, content))
        write(content, name)

    monkeypatch.setattr(remote, "write", noted)
    path = tmp_path / "journal.log"
    path.touch()
    published = Segments(remote, "a/journal.log", path)
    for text in ("", "one\n", "two\nthr", "ee\n", "", "four\nfive\nsix\nseven\n", "eight\n"):
        append(path, text)
        published.publish()
    assert sent == [
        ("a/journal.log", b"one\n"),
        ("a/journal.log", b"one\ntwo\n"),
        ("a/journal.log", b"one\ntwo\nthree\n"),
        ("a/journal.log.000001", b"four\nfive\nsix\nseven\n"),
        ("a/journal.log.000002", b"eight\n"),
    ]
    assert b"".join(read_segments(remote, "a/journal.log")) == path.read_bytes()
    assert whole_names(["b", *remote.names("a")]) == ["b", "journal.log"]


def test_another_goes_on_behind_what_is_there_however_it_was_written(remote: Storage, tmp_path: Path) -> None:
    remote.write(b"written whole by an older release\n", "log")
    path = tmp_path / "log"
    path.write_bytes(b"written whole by an older release\nnew\n")
    for _ in range(2):
        Segments(remote, "log", path).publish()
    append(path, "more\n")
    Segments(remote, "log", path).publish()
    assert remote.names("") == ["log", "log.000001", "log.000002"]
    assert b"".join(read_segments(remote, "log")) == path.read_bytes()
    assert read_segments(remote, "none") == []
