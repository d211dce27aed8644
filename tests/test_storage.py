"""Storage behind a URI: files and folders of a real S3-compatible server, and one clear error where there is none."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from sfcmt import storage
from sfcmt.conditional_puts import ConditionalPuts
from sfcmt.errors import StoreError, StoreOutageError
from sfcmt.storage import Storage, absolute_store, is_remote, local_folder
from tests.s3 import VARIABLES, s3_permissions, s3_server
from tests.server import free_port

pytestmark = pytest.mark.slow


@pytest.fixture
def remote(endpoint: str, request: pytest.FixtureRequest) -> Storage:
    return Storage(f"s3://bucket/{request.node.name}?endpoint_override={endpoint}")


class TestPlaces:
    @pytest.mark.parametrize("store", ["s3://bucket/a", "gs://bucket", "abfs://container/a"])
    def test_an_object_store_has_a_copy_of_its_own(
        self, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SFCMT_CACHE", str(tmp_path))
        assert is_remote(store)
        assert local_folder(store).parent == tmp_path
        assert local_folder(f"{store}/") == local_folder(store) != local_folder(f"{store}b")
        assert absolute_store(store) == store

    @pytest.mark.parametrize(
        ("store", "folder"), [("/a/b", "/a/b"), ("file:///a/b%20c", "/a/b c"), ("~/a", "HOME/a"), ("a", "HERE/a")]
    )
    def test_a_folder_is_itself(self, store: str, folder: str) -> None:
        expected = folder.replace("HOME", str(Path.home())).replace("HERE", str(Path.cwd()))
        assert not is_remote(store)
        assert local_folder(store).absolute() == Path(expected)
        assert absolute_store(store) == expected


class TestFiles:
    def test_come_back_as_they_were(self, remote: Storage, tmp_path: Path) -> None:
        assert remote.read("a/b.txt") is None
        remote.write(b"first", "a/b.txt")
        remote.write(b"second", "a/b.txt")
        assert remote.exists("a/b.txt")
        assert not remote.exists("a")
        assert remote.read("a/b.txt") == b"second"
        remote.get("a/b.txt", tmp_path / "new" / "here.txt")
        assert (tmp_path / "new" / "here.txt").read_bytes() == b"second"
        assert len(list((tmp_path / "new").iterdir())) == 1
        remote.remove("a/b.txt")
        remote.remove("a/b.txt")
        assert remote.read("a/b.txt") is None

    def test_folders_replace_what_was_there(self, remote: Storage, tmp_path: Path) -> None:
        before, after = tmp_path / "before", tmp_path / "after"
        for folder, name in ((before, "one"), (before, "two"), (after, "old")):
            folder.mkdir(exist_ok=True)
            (folder / name).write_bytes(os.urandom(100))
        remote.put_folder(before, "a/b", last="one")
        assert (remote.names("a"), remote.names("a/b"), remote.names("c")) == (["b"], ["one", "two"], [])
        remote.get_folder("a/b", after)
        assert {path.name: path.read_bytes() for path in after.iterdir()} == {
            path.name: path.read_bytes() for path in before.iterdir()
        }
        remote.remove_folder("a/b")
        remote.remove_folder("a/b")
        assert remote.names("a/b") == []

    def test_of_a_folder_the_last_is_put_when_the_others_are_there(
        self, remote: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "z").write_text("z")
        (tmp_path / "broken").symlink_to("nowhere")
        (tmp_path / "a").write_text("a")
        monkeypatch.setattr(storage, "_PATIENCE", 0)
        with pytest.raises(StoreError):
            remote.put_folder(tmp_path, "a", last="a")
        assert not remote.exists("a/a")

    def test_of_two_who_publish_a_folder_the_first_counts(self, remote: Storage, tmp_path: Path) -> None:
        for name, content in (("one", b"1"), ("two", b"2")):
            (tmp_path / name).mkdir()
            (tmp_path / name / "record").write_bytes(content)
        assert remote.put_new_folder(tmp_path / "one", "a", last="record")
        assert not remote.put_new_folder(tmp_path / "two", "a", last="record")
        assert remote.put_new_folder(tmp_path / "one", "a", last="record")  # the answer was lost
        assert remote.read("a/record") == b"1"

    def test_their_places_are_what_other_tools_call_them(self, endpoint: str) -> None:
        found = Storage(f"s3://bucket/a/?endpoint_override={endpoint}").place("stages/b")
        assert found == "s3://bucket/a/stages/b"


class TestErrors:
    def test_a_store_that_can_be_written_passes_and_is_left_as_it_was(self, remote: Storage) -> None:
        remote.write(b"", "a/b.txt")
        remote.check()
        assert remote.names("") == ["a"]

    def test_one_that_lets_two_create_a_file_is_refused(self, remote: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ConditionalPuts, "create", lambda *_: {"e_tag": "1"})
        with pytest.raises(StoreError, match="ignores conditional writes"):
            remote.check()
        assert remote.names("") == []

    def test_no_such_bucket(self, endpoint: str) -> None:
        with pytest.raises(StoreError, match=r"s3://none.*cannot be written.*bucket does not exist"):
            Storage(f"s3://none/a?endpoint_override={endpoint}").check()

    def test_no_permission(self, endpoint: str, remote: Storage) -> None:
        with s3_permissions(endpoint), pytest.raises(StoreError, match=r"cannot be written.*ACCESS_KEY"):
            remote.check()
        remote.check()

    def test_no_server(self, endpoint: str) -> None:
        nowhere = Storage(f"s3://bucket/a?endpoint_override=http://127.0.0.1:{free_port()}")
        with pytest.raises(StoreError, match=r"cannot be read: .*connect") as error:
            nowhere.exists("a")
        assert "\n" not in str(error.value)

    def test_no_such_kind_of_store(self) -> None:
        with pytest.raises(StoreError, match=r"ftp://host/a.*Unrecognized filesystem"):
            Storage("ftp://host/a").check()

    def test_a_password_in_the_uri_is_refused_and_not_repeated(self) -> None:
        with pytest.raises(StoreError, match=r"s3://bucket\.\.\.: .*password") as error:
            Storage("s3://key:geheim@bucket/a")
        assert "geheim" not in str(error.value)

    def test_a_write_outlasts_a_short_outage(self) -> None:
        port, back = free_port(), threading.Event()
        with s3_server(port) as endpoint:
            remote = Storage(f"s3://bucket/outage?endpoint_override={endpoint}")
            remote.check()

        def write() -> None:
            remote.write(b"kept", "a")
            back.set()

        writer = threading.Thread(target=write)
        writer.start()
        assert not back.wait(7)  # pyarrow itself gives up after 6 s
        with s3_server(port):
            assert back.wait(30)
            assert remote.read("a") == b"kept"
        writer.join()


def test_a_server_that_never_answers_is_an_error_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    for name, limit in (("_CONNECT", 1.0), ("_ANSWER", 1.0), ("_ATTEMPTS", 1)):  # without them it takes two minutes
        monkeypatch.setattr(f"sfcmt.storage.{name}", limit)
    with socket.create_server(("127.0.0.1", 0)) as server:
        uri = f"s3://bucket/a?scheme=http&endpoint_override=127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(StoreOutageError, match=r"cannot be listed: .*Timeout"):
            Storage(uri).names("stages")
