"""Locks of an object store among machines: one holder, told who must wait, and free when the holder is dead."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sfcmt import lease
from sfcmt.conditional_puts import ConditionalPuts
from sfcmt.errors import StoreOutageError
from sfcmt.lease import Lease
from sfcmt.store import Store
from sfcmt.testing.tiny import Recorder, contents, recipe_of, tiny_experiment
from tests.groups import in_processes
from tests.s3 import s3_permissions

pytestmark = pytest.mark.slow


@pytest.fixture
def uri(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(lease, "SECONDS", 0.1)
    return f"s3://bucket/{tmp_path.name}?endpoint_override={endpoint}"


class TestConditionalPuts:
    def test_only_the_first_creates_and_only_the_version_that_was_read_is_replaced(self, uri: str) -> None:
        puts = ConditionalPuts(uri)
        assert puts.read("a/b") is None
        assert puts.replace("a/b", b"0", {"e_tag": '"none"'}) is None
        first = puts.create("a/b", b"1")
        assert first is not None
        assert puts.create("a/b", b"2") is None
        second = puts.replace("a/b", b"3", first)
        assert second is not None
        assert puts.replace("a/b", b"4", first) is None
        assert puts.read("a/b") == (b"3", second)

    def test_of_many_at_a_time_one_succeeds(self, uri: str) -> None:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda number: ConditionalPuts(uri).create("one", b"%d" % number), range(8)))
        assert sum(version is not None for version in found) == 1

    def test_what_goes_wrong_is_one_line(self, uri: str, endpoint: str) -> None:
        with pytest.raises(StoreOutageError, match=r"^s3://absent.*cannot be written: .*NoSuchBucket[^\n]*$"):
            ConditionalPuts(f"s3://absent/a?endpoint_override={endpoint}").create("a", b"")
        with s3_permissions(endpoint), pytest.raises(StoreOutageError, match=r"^s3://bucket.*be read: [^\n]*$"):
            ConditionalPuts(uri).read("a")

    def test_an_endpoint_without_a_scheme_is_as_the_uri_says(self, uri: str, endpoint: str) -> None:
        bare = endpoint.removeprefix("http://")
        puts = ConditionalPuts(f"s3://bucket/bare?scheme=http&endpoint_override={bare}&region=us-east-1")
        assert puts.create("a", b"")


class TestLease:
    def test_has_one_holder_at_a_time_and_tells_the_others_once(self, uri: str, tmp_path: Path) -> None:
        held, waited, most = threading.Semaphore(1), list[int](), list[bool]()

        def hold(number: int) -> None:
            with Lease(uri, "shared", tmp_path / f"note {number}", lambda: waited.append(number)):
                most.append(held.acquire(blocking=False))
                time.sleep(0.2)
                held.release()

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(hold, range(3)))
        assert most == [True] * 3
        assert sorted(waited) == sorted(set(waited))
        assert len(waited) == 2

    def test_outlives_the_patience_of_those_who_wait_while_its_holder_lives(self, uri: str, tmp_path: Path) -> None:
        with Lease(uri, "long", tmp_path / "one"):
            found = ConditionalPuts(uri).read("long")
            time.sleep(1)
            assert ConditionalPuts(uri).read("long") != found
            assert b'"id"' in (found or (b"",))[0]
        assert (ConditionalPuts(uri).read("long") or (None,))[0] == b""

    @pytest.mark.parametrize("machine", ["same", "other"])
    def test_of_a_dead_holder_is_taken_over(self, uri: str, tmp_path: Path, machine: str) -> None:
        dead = Lease(uri, "dead", tmp_path / "same")
        dead.__enter__()
        dead.stop()
        begun = time.monotonic()
        with Lease(uri, "dead", tmp_path / machine):
            assert (time.monotonic() - begun > 0.4) == (machine == "other")

    def test_a_holder_that_was_taken_for_dead_hears_of_it(self, uri: str, tmp_path: Path) -> None:
        heard = threading.Event()

        class Mine(Lease):
            def taken(self, host: str) -> None:
                assert host == "elsewhere"
                heard.set()

        with Mine(uri, "mine", tmp_path / "mine"):
            puts = ConditionalPuts(uri)
            while (found := puts.read("mine")) and not puts.replace(
                "mine", b'{"id": "x", "host": "elsewhere"}', found.version
            ):
                pass
            assert heard.wait(10)
        assert b"elsewhere" in (puts.read("mine") or (b"",))[0]  # what is another's is not given away

    def test_that_was_cleared_away_is_taken_again(self, uri: str, tmp_path: Path) -> None:
        with Lease(uri, "locks/cleared", tmp_path / "note"):
            found = Store(uri).remote
            assert found is not None
            found.remove_folder("locks")
            deadline = time.monotonic() + 10
            while not found.exists("locks/cleared") and time.monotonic() < deadline:
                time.sleep(0.05)
            assert found.exists("locks/cleared")


def trained(store: str, data: Path, cache: Path) -> tuple[list[str], dict[str, bytes]]:
    """On a machine of its own: which stages were trained here, and the bridge."""
    os.environ["SFCMT_CACHE"] = str(cache)
    recorder, experiment = Recorder(), tiny_experiment(data, store)
    found = Store(store).get_or_train(recipe_of("bridge", experiment), experiment.runtime, recorder)
    return recorder.started, dict(contents(found.path))


def test_two_machines_that_need_the_same_stages_train_each_once(endpoint: str, tiny_data: Path, tmp_path: Path) -> None:
    store = f"s3://bucket/machines?endpoint_override={endpoint}"
    (first, one), (second, two) = in_processes(
        trained, [(store, tiny_data, tmp_path / name) for name in ("one", "two")]
    )
    assert sorted(first + second) == ["bridge", "source"]
    assert one == two != {}
    assert len(list(tmp_path.glob("*/*/stages/*"))) == 4
