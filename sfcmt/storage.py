"""Where a store is: a folder, or a prefix of an object store, which every machine reaches through `pyarrow.fs`.

s3://BUCKET/PREFIX?endpoint_override=http://HOST:PORT, gs://BUCKET/PREFIX, abfs://CONTAINER/PREFIX and whatever else
pyarrow knows. Credentials come from the environment or the machine's role, as the vendor's own tools find them; a URI
holds none. A file is complete or absent.
"""

from __future__ import annotations

import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sfcmt.errors import StoreError, StoreOutageError
from sfcmt.identity import digest

_URI = re.compile(r"[a-z][a-z0-9+.-]+://")
_PATIENCE = 60.0
"""Seconds for which a write that fails is tried again: a training should survive a short outage."""


def is_remote(store: str) -> bool:
    """Whether a store is an object store, rather than a folder."""
    return bool(_URI.match(store)) and urlsplit(store).scheme != "file"


def local_folder(store: str) -> Path:
    """The folder that a store is; of an object store, this machine's copy, under SFCMT_CACHE or ~/.cache/sfcmt."""
    if is_remote(store):
        return Path(os.environ.get("SFCMT_CACHE", "~/.cache/sfcmt")).expanduser() / digest(store.rstrip("/"))
    return Path(unquote(urlsplit(store).path) if _URI.match(store) else store).expanduser()


def absolute_store(store: str) -> str:
    """The same store from any working directory."""
    return store if is_remote(store) else str(local_folder(store).resolve())


class Storage:
    """Files and folders under a URI, by names such as `stages/source-1a2b/artifact.json`.

    Making one connects to nothing. All else raises `StoreOutageError` where the storage cannot be reached or refuses.
    """

    def __init__(self, uri: str) -> None:
        if urlsplit(uri).password is not None:
            where = f"{urlsplit(uri).scheme}://{urlsplit(uri).hostname}"
            raise StoreError(f"{where}...: a store's URI must not hold a password; set the vendor's variables instead")
        self.uri = uri

    def place(self, name: str) -> str:
        """What a file or folder is called outside."""
        parts = urlsplit(self.uri)
        return parts._replace(path=f"{parts.path.rstrip('/')}/{name}", query="").geturl()

    def check(self) -> None:
        """Write a file and remove it again."""
        name = f"probe-{uuid.uuid4().hex}"
        with self._errors("be written"):
            with self._files.open_output_stream(name) as stream:
                stream.write(b"probe")
            self._files.delete_file(name)

    def exists(self, name: str) -> bool:
        """Whether there is a file."""
        with self._errors("be read"):
            return bool(self._files.get_file_info(name).is_file)

    def names(self, folder: str) -> list[str]:
        """What is in a folder: names of files and folders, sorted; none if there is no such folder."""
        from pyarrow.fs import FileSelector

        with self._errors("be listed"):
            found = self._files.get_file_info(FileSelector(folder, allow_not_found=True))
            return sorted(info.base_name for info in found)

    def read(self, name: str) -> bytes | None:
        """A file's content; None if it is absent."""
        if not self.exists(name):
            return None
        with self._errors("be read"), self._files.open_input_stream(name) as stream:
            return bytes(stream.read())

    def write(self, content: bytes, name: str) -> None:
        """Write a file whole."""

        def write() -> None:
            with self._files.open_output_stream(name) as stream:
                stream.write(content)

        self._patiently(write)

    def get(self, name: str, path: Path) -> None:
        """Fetch a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
        with self._errors("be read"):
            self._copy(name, temporary)
        temporary.rename(path)

    def get_folder(self, name: str, folder: Path) -> None:
        """Fetch a folder, in place of what is there."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        with self._errors("be read"):
            self._copy(name, folder)

    def put(self, path: Path, name: str) -> None:
        """Publish a file."""
        from pyarrow.fs import LocalFileSystem, copy_files

        def put() -> None:
            copy_files(str(path), name, source_filesystem=LocalFileSystem(), destination_filesystem=self._files)

        self._patiently(put)

    def put_folder(self, folder: Path, name: str, last: str) -> None:
        """Publish a folder's files, that which is called `last` when all others are there."""
        for path in sorted(folder.iterdir(), key=lambda path: path.name == last):
            self.put(path, f"{name}/{path.name}")

    def remove_folder(self, name: str) -> None:
        """Remove a folder, if there is one."""
        with self._errors("be written"):
            if self.names(name):
                self._files.delete_dir(name)

    def remove(self, name: str) -> None:
        """Remove a file, if there is one."""
        with self._errors("be written"):
            if self.exists(name):
                self._files.delete_file(name)

    @cached_property
    def _files(self) -> Any:
        from pyarrow.fs import FileSystem, SubTreeFileSystem

        base, path = FileSystem.from_uri(self.uri)
        return SubTreeFileSystem(path, base)

    def _copy(self, name: str, path: Path) -> None:
        from pyarrow.fs import LocalFileSystem, copy_files

        copy_files(name, str(path), source_filesystem=self._files, destination_filesystem=LocalFileSystem())

    def _patiently(self, write: Callable[[], None]) -> None:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                with self._errors("be written"):
                    return write()
            except StoreOutageError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(1)

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        from pyarrow import ArrowException

        try:
            yield
        except (OSError, ArrowException) as error:
            reason = " ".join(str(error).split())
            raise StoreOutageError(f"{self.uri}: the store cannot {what}: {reason}") from error
