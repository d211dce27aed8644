"""Files that are made once per machine: by one process, whole or not at all, and within the bounds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import BinaryIO

import pytest

from sfcmt.data import cache_folder
from sfcmt.data.cache_folder import CacheFolder

Write = Callable[[BinaryIO], object]


def writing(content: bytes) -> Write:
    return lambda file: file.write(content)


def forbidden(file: BinaryIO) -> None:
    raise AssertionError(file)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


def opened(folder: CacheFolder, name: str, size: int = 4, write: Write | None = None) -> BinaryIO:
    file = folder.open(name, size, write or writing(b"x" * size))
    assert file is not None
    return file


def content(file: BinaryIO) -> bytes:
    return os.pread(file.fileno(), 100, 0)


def test_a_file_is_made_once_and_found_by_others(tmp_path: Path) -> None:
    first = opened(CacheFolder(tmp_path, 10), "a", write=writing(b"made"))
    again = opened(CacheFolder(tmp_path, 10), "a", write=forbidden)
    assert content(first) == content(again) == b"made"


@pytest.mark.parametrize("guessed", [1, 9])
def test_the_size_may_be_a_guess(tmp_path: Path, guessed: int) -> None:
    opened(CacheFolder(tmp_path, 10), "a", guessed, writing(b"made"))
    assert (tmp_path / "a").read_bytes() == b"made"


def test_whoever_needs_it_waits_for_its_maker(tmp_path: Path) -> None:
    begun, go_on = Event(), Event()

    def slowly(file: BinaryIO) -> None:
        begun.set()
        assert go_on.wait(60)
        file.write(b"made")

    with ThreadPoolExecutor(2) as pool:
        maker = pool.submit(opened, CacheFolder(tmp_path, 10), "a", 4, slowly)
        assert begun.wait(60)
        waiter = pool.submit(opened, CacheFolder(tmp_path, 10), "a", 4, forbidden)
        assert not waiter.done()
        go_on.set()
        assert content(waiter.result()) == content(maker.result()) == b"made"


def test_the_least_recently_used_go_first_and_those_in_use_never(tmp_path: Path) -> None:
    folder = CacheFolder(tmp_path, 10)
    for age, name in enumerate(("new", "old", "older")):
        opened(folder, name, 3).close()
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    used = opened(folder, "older", 3)  # and so it is the newest
    opened(folder, "more", 3).close()
    assert names(tmp_path) == ["more", "new", "older"]
    assert folder.open("large", 8, forbidden) is None
    assert names(tmp_path) == ["older"]
    assert content(used) == b"xxx"


def test_the_disk_keeps_a_reserve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_folder, "_RESERVE", 2**60)
    assert CacheFolder(tmp_path, 10).open("a", 1, forbidden) is None
    assert names(tmp_path) == []


@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt()])
def test_what_fails_leaves_nothing_and_can_be_made_again(tmp_path: Path, error: BaseException) -> None:
    def failing(file: BinaryIO) -> None:
        file.write(b"half")
        raise error

    with pytest.raises(type(error)):
        CacheFolder(tmp_path, 10).open("a", 4, failing)
    assert names(tmp_path) == []
    assert content(opened(CacheFolder(tmp_path, 10), "a")) == b"xxxx"


_KILLED = """
import os, pathlib, signal, sys
from sfcmt.data.cache_folder import CacheFolder
def write(file):
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
CacheFolder(pathlib.Path(sys.argv[1]), 10).open(sys.argv[2], 4, write)
"""


def test_a_maker_that_is_killed_is_followed_by_another(tmp_path: Path) -> None:
    for name in ("a", "b"):
        killed = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path), name], check=False)
        assert killed.returncode == -signal.SIGKILL
    assert names(tmp_path) == ["a.tmp", "b.tmp"]
    assert content(opened(CacheFolder(tmp_path, 8), "a")) == b"xxxx"
    opened(CacheFolder(tmp_path, 8), "c")
    assert names(tmp_path) == ["a", "c"]  # what nobody made any more gave way
