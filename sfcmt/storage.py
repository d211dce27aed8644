"""Where a store is: a folder, or a prefix of an object store, which every machine reaches through `pyarrow.fs`.

s3://BUCKET/PREFIX?endpoint_override=http://HOST:PORT, gs://BUCKET/PREFIX, abfs://CONTAINER/PREFIX and whatever else
pyarrow knows. Credentials come from the environment or the machine's role, as the vendor's own tools find them; a URI
holds none. A file is complete or absent.
"""

from __future__ import annotations

import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from sfcmt.conditional_puts import ConditionalPuts
from sfcmt.errors import StoreError, StoreOutageError
from sfcmt.identity import digest
from sfcmt.machine_cache import machine_cache

_URI = re.compile(r"[a-z][a-z0-9+.-]+://")
_CONNECT, _ANSWER, _ATTEMPTS = 3.0, 10.0, 3
"""Seconds to connect to S3 and for an answer to begin, and how often: without them a call may take two minutes."""
_PATIENCE = 60.0
"""Seconds for which a write that fails is tried again: a training should survive a short outage."""


def is_remote(store: str) -> bool:
    """Whether a store is an object store, rather than a folder."""
    return bool(_URI.match(store)) and urlsplit(store).scheme != "file"


def local_folder(store: str) -> Path:
    """The folder that a store is; of an object store, this machine's copy, under SFCMT_CACHE or ~/.cache/sfcmt."""
    if is_remote(store):
        return machine_cache() / digest(store.rstrip("/"))
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
        """Write a file and remove it again. Raises `StoreError` if the storage lets two create the same file."""
        name = f"probe-{uuid.uuid4().hex}"
        with self._errors("be written"):
            self._write(b"probe", name)
        was_created = ConditionalPuts(self.uri).create(name, b"probe")
        with self._errors("be written"):
            self._files.delete_file(name)
        if was_created:
            raise StoreError(f"{self.uri}: it ignores conditional writes (If-None-Match), of which locks are made")

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

    def sizes(self, folder: str) -> dict[str, int]:
        """Bytes of all files below a folder, by their names in it; none if there is no such folder."""
        from pyarrow.fs import FileSelector

        with self._errors("be listed"):
            found = self._files.get_file_info(FileSelector(folder, allow_not_found=True, recursive=True))
        return {str(PurePosixPath(info.path).relative_to(folder)): info.size for info in found if info.is_file}

    def read(self, name: str) -> bytes | None:
        """A file's content; None if it is absent."""
        if not self.exists(name):
            return None
        with self._errors("be read"), self._files.open_input_stream(name) as stream:
            return bytes(stream.read())

    def write(self, content: bytes, name: str) -> None:
        """Write a file whole."""
        self._patiently(lambda: self._write(content, name))

    def write_now(self, content: bytes, name: str) -> None:
        """The same, without a second try."""
        with self._errors("be written"):
            self._write(content, name)

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

    def put_new_folder(self, folder: Path, name: str, last: str) -> bool:
        """The same, unless somebody else has put a file called `last`; whether it is this one's."""
        for path in folder.iterdir():
            if path.name != last:
                self.put(path, f"{name}/{path.name}")
        return self._put_new((folder / last).read_bytes(), f"{name}/{last}")

    def _put_new(self, content: bytes, name: str) -> bool:
        puts = ConditionalPuts(self.uri)
        self._patiently(lambda: puts.create(name, content))
        found = puts.read(name)
        return found is not None and found.content == content

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
        return SubTreeFileSystem(path, _impatient(base) if base.type_name == "s3" else base)

    def _write(self, content: bytes, name: str) -> None:
        with self._files.open_output_stream(name) as stream:
            stream.write(content)

    def _copy(self, name: str, path: Path) -> None:
        from pyarrow.fs import LocalFileSystem, copy_files

        copy_files(name, str(path), source_filesystem=self._files, destination_filesystem=LocalFileSystem())

    def _patiently(self, write: Callable[[], object]) -> None:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                with self._errors("be written"):
                    write()
                return
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


def _impatient(files: Any) -> Any:
    """The same S3 file system with limits, which a URI cannot give: its options are those that it is pickled with."""
    from pyarrow.fs import AwsStandardS3RetryStrategy

    make, (options, *_) = files.__reduce__()
    limits = {"connect_timeout": _CONNECT, "request_timeout": _ANSWER}
    return make(options | limits | {"retry_strategy": AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS)})
