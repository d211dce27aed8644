"""A study's folder on an object store, seen from several machines, and its one driver."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from sfcmt import lease
from sfcmt.store import Store
from sfcmt.tuning.search.optuna_study import SearchError
from sfcmt.tuning.search.study_folder import SPEC, StudyFolder, study_names, write_json

pytestmark = pytest.mark.slow

NAME = "mine-1a2b"


class Machines:
    """Copies of one store."""

    def __init__(self, uri: str, copies: Path, patch: pytest.MonkeyPatch) -> None:
        self._uri, self._copies, self._patch = uri, copies, patch

    def store(self, machine: str) -> Store:
        """The store from one machine."""
        self._patch.setenv("SFCMT_CACHE", str(self._copies / machine))
        return Store(self._uri)

    def folder(self, machine: str) -> StudyFolder:
        """The study's folder there."""
        folder = StudyFolder(self.store(machine), NAME)
        write_json(folder.path / SPEC, {"from": machine})
        return folder

    def published(self, name: str) -> str:
        """A file of the folder on the object store."""
        remote = self.store("outside").remote
        assert remote is not None
        return (remote.read(f"studies/{NAME}/{name}") or b"").decode()

    def publish(self, name: str, content: str) -> None:
        """Write it there."""
        remote = self.store("outside").remote
        assert remote is not None
        remote.write(content.encode(), f"studies/{NAME}/{name}")


@pytest.fixture
def machines(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machines:
    monkeypatch.setattr(lease, "SECONDS", 0.2)
    return Machines(f"s3://bucket/{tmp_path.name}?endpoint_override={endpoint}", tmp_path, monkeypatch)


def append(folder: StudyFolder, name: str, text: str) -> None:
    path = folder.path / name
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        file.write(text)


class TestDriver:
    def test_publishes_whole_lines_as_they_come_and_another_machine_goes_on_from_them(self, machines: Machines) -> None:
        one = machines.folder("one")
        with one.driving():
            append(one, "journal.log", "a\nhal")
            append(one, "reports/x.jsonl", "r\n")
            deadline = time.monotonic() + 10
            while machines.published("reports/x.jsonl") != "r\n" and time.monotonic() < deadline:
                time.sleep(0.1)
            assert machines.published("journal.log") == "a\n"
            append(one, "journal.log", "f\n")
        assert machines.published("journal.log") == "a\nhalf\n"
        assert machines.published("driver.json") == ""
        two = machines.folder("two")
        assert (two.path / "journal.log").read_text() == "a\nhalf\n"
        assert (two.path / "reports" / "x.jsonl").read_text() == "r\n"
        with two.driving():
            append(two, "journal.log", "b\n")
        one.fetch()
        assert (one.path / "journal.log").read_text() == "a\nhalf\nb\n"
        assert study_names(machines.store("three")) == [NAME]
        assert json.loads(machines.published(SPEC)) == {"from": "two"}

    @pytest.mark.parametrize("other", ["one", "two"])
    def test_is_alone(self, machines: Machines, other: str) -> None:
        with (
            machines.folder("one").driving(),
            pytest.raises(SearchError, match=rf"s3://bucket/.*/studies/{NAME}: a driver on .* runs this study"),
            machines.folder(other).driving(),
        ):
            pytest.fail("two drivers at a time")

    @pytest.mark.parametrize("other", ["one", "two"])
    def test_of_a_dead_machine_is_succeeded(self, machines: Machines, other: str) -> None:
        mine = machines.folder("one")
        (mine.path / "driver").write_text("dead")
        machines.publish("driver.json", '{"id": "dead", "host": "gone", "signs": 7}')
        begun = time.monotonic()
        with machines.folder(other).driving():
            waited = time.monotonic() - begun
        assert (waited > 0.8) == (other == "two")  # that its own is dead, a machine knows at once

    def test_that_is_taken_over_stops_and_publishes_nothing_more(self, machines: Machines) -> None:
        heard: list[int] = []
        before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))

        def drive(folder: StudyFolder) -> None:
            with folder.driving():
                deadline = time.monotonic() + 10
                while not heard and time.monotonic() < deadline:  # one sign can be written over
                    machines.publish("driver.json", '{"id": "another", "host": "elsewhere", "signs": 1}')
                    time.sleep(0.1)
                append(folder, "journal.log", "late\n")

        try:
            with pytest.raises(SearchError, match="a driver on elsewhere runs this study"):
                drive(machines.folder("one"))
        finally:
            signal.signal(signal.SIGTERM, before)
        assert heard == [signal.SIGTERM]
        assert machines.published("journal.log") == ""
        assert "elsewhere" in machines.published("driver.json")

    def test_does_not_go_on_from_what_is_outdated(self, machines: Machines) -> None:
        one = machines.folder("one")
        machines.publish("journal.log", "a\n")
        with pytest.raises(SearchError, match="run the same command again"), one.driving():
            pytest.fail("it went on elsewhere since it was opened")
        with one.driving():
            pass


class TestFetch:
    def test_keeps_what_was_not_published_before_the_driver_died_here(self, machines: Machines) -> None:
        machines.publish("journal.log", "a\n")
        one = machines.folder("one")
        append(one, "journal.log", "b\n")
        assert not one.fetch()
        assert (one.path / "journal.log").read_text() == "a\nb\n"

    def test_drops_it_when_another_machine_has_gone_on(self, machines: Machines) -> None:
        machines.publish("journal.log", "a\n")
        one = machines.folder("one")
        append(one, "journal.log", "b\n")
        machines.publish("journal.log", "a\nc\n")
        assert one.fetch()
        assert (one.path / "journal.log").read_text() == "a\nc\n"

    def test_takes_results_from_wherever_they_were_written(self, machines: Machines) -> None:
        one, two = machines.folder("one"), machines.folder("two")
        write_json(two.path / "scores.json", {"score": 1})
        two.publish("scores.json")
        assert not one.fetch()
        assert json.loads((one.path / "scores.json").read_text()) == {"score": 1}
