"""Journals with torn and merged lines, relative databases, missing drivers, and servers that are not there."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from sfcmt.callbacks import Callback
from sfcmt.errors import ConfigError, DiskError
from sfcmt.tuning.search.run import run_study
from sfcmt.tuning.search.study import Study
from sfcmt.tuning.search.study_storage import JOURNAL, Journal, StudyStorageError, open_storage, storage_problem
from tests.server import free_port
from tests.tuning.search.storages import postgres
from tests.tuning.search.test_optuna_study import ask, open_study
from tests.tuning.search.test_study import study_of

TRIALS = 3  # of the 4 that are asked for
WHOLE = [("COMPLETE", [number / 10]) for number in range(TRIALS)]
Lines = list[bytes]
HALF = b'{"op_code": 6, "trial'


@pytest.fixture
def lines(tmp_path: Path) -> Lines:
    """The journal of a study of some completed trials, line by line."""
    study = open_study(tmp_path, None)
    for number in range(TRIALS):
        study.complete(ask(study)[0], [number / 10])
    return (tmp_path / JOURNAL).read_bytes().splitlines(keepends=True)


def found(folder: Path) -> list[tuple[str, list[float] | None]]:
    return [(trial.state.name, trial.values) for trial in open_study(folder, None).study.trials]


def creation(lines: Lines, trial: int) -> int:
    """The place of the line that makes a trial."""
    return [place for place, line in enumerate(lines) if json.loads(line)["op_code"] == 4][trial]


@pytest.mark.parametrize(
    ("damage", "lost", "ended"),
    [
        (
            lambda lines, _: [line if n % 3 else line.rstrip() for n, line in enumerate(lines[:-1])] + lines[-1:],
            0,
            WHOLE,
        ),
        (lambda lines, _: [*lines, HALF], 0, WHOLE),  # it may still be written
        (lambda lines, _: [*lines[:5], HALF, *lines[5:]], 1, WHOLE),
        (lambda lines, _: [*lines[:5], b"\0\0\0\n", *lines[5:]], 1, WHOLE),
        (lambda lines, one: [*lines[:one], lines[one][:40] + b"\n", *lines[one + 1 :]], 1, WHOLE),
        (lambda lines, one: [*lines[:one], lines[one][:40], *lines[one + 1 :]], 1, WHOLE),
        (lambda lines, _: [*lines[:-1], lines[-1][:-9] + b"\n"], 1, [*WHOLE[:-1], ("RUNNING", None)]),
        (lambda lines, _: lines[1:], 0, WHOLE),
        (lambda lines, _: [lines[0][:20] + b"\n", *lines[1:]], 1, WHOLE),
        (lambda lines, _: [lines[0][:20], *lines[1:]], 1, WHOLE),
    ],
    ids=[
        *("merged", "unfinished", "torn-and-merged", "zeros", "trial-torn", "trial-torn-and-merged", "end-torn"),
        *("study-lost", "study-torn", "study-torn-and-merged"),
    ],
)
def test_a_journal_is_read_as_far_as_it_is_whole(
    tmp_path: Path,
    lines: Lines,
    caplog: pytest.LogCaptureFixture,
    damage: Callable[[Lines, int], Lines],
    lost: int,
    ended: list[tuple[str, list[float] | None]],
) -> None:
    (tmp_path / JOURNAL).write_bytes(b"".join(damage(lines, creation(lines, 1))))
    before = (tmp_path / JOURNAL).read_bytes()
    with caplog.at_level(logging.WARNING, "sfcmt"):
        assert found(tmp_path) == ended
    told = f"{tmp_path / JOURNAL}: 1 damaged lines"
    assert [record.getMessage().startswith(told) for record in caplog.records] == [True] * lost
    assert (tmp_path / JOURNAL).read_bytes() == before  # reading writes nothing
    ask(open_study(tmp_path, None))
    assert (tmp_path / JOURNAL).read_bytes().startswith(before)
    again = found(tmp_path)
    assert again[: TRIALS - 1] == ended[: TRIALS - 1]
    assert len(again) == TRIALS + (ended == WHOLE)  # else the one whose end was lost is taken up again


def test_who_reads_on_sees_what_others_append(tmp_path: Path, lines: Lines) -> None:
    one, two = (Journal(tmp_path / "one.log", "one") for _ in range(2))
    records = [json.loads(line) for line in lines]
    one.append_logs(records[:2])
    assert list(two.read_logs(0)) == records[:2]
    with (tmp_path / "one.log").open("ab") as file:
        file.write(HALF)
    one.append_logs(records[2:4])
    assert list(two.read_logs(2)) == records[2:4] == list(one.read_logs(2))
    assert list(two.read_logs(1)) == records[1:4]


def test_reading_makes_nothing(tmp_path: Path) -> None:
    for storage in (None, "sqlite:///study.db", f"sqlite:///{tmp_path}/other.db"):
        assert open_study(tmp_path / "study", storage).study.trials == []
    assert list(tmp_path.iterdir()) == []


def test_a_relative_database_is_in_the_study_s_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        study = open_study(tmp_path / "study", "sqlite:///study.db")
        study.complete(ask(study)[0], [0.5])
        assert list(Path.cwd().iterdir()) == []
    assert (tmp_path / "study" / "study.db").is_file()
    assert len(open_study(tmp_path / "study", "sqlite:///study.db").study.trials) == 2


def test_one_that_an_earlier_release_left_in_the_working_directory_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    ask(open_study(tmp_path / "study", f"sqlite:///{tmp_path}/study.db"))
    with caplog.at_level(logging.WARNING, "sfcmt"):
        assert len(open_study(tmp_path / "study", "sqlite:///study.db").study.trials) == 1
    assert f"move it to {tmp_path / 'study' / 'study.db'}" in caplog.text


@pytest.mark.parametrize(("url", "package"), [("mysql://h/d", "mysqlclient"), ("mariadb+pymysql://h/d", "PyMySQL")])
def test_a_missing_driver_names_its_package(tmp_path: Path, url: str, package: str) -> None:
    with pytest.raises(ConfigError, match=rf"storage: .* is missing: pip install {package}$"):
        open_storage(url, tmp_path, "study")


@pytest.mark.parametrize("url", ["what://ever/x", "sqlite:////no/such/folder/study.db"])
def test_what_cannot_be_opened_is_one_line(tmp_path: Path, url: str) -> None:
    with pytest.raises(StudyStorageError) as caught:
        open_storage(url, tmp_path, "study")
    assert "\n" not in str(caught.value)
    assert url.partition(":")[0] in str(caught.value)


def test_a_server_that_is_not_there_is_one_line_without_its_password(tmp_path: Path) -> None:
    pytest.importorskip("psycopg2")
    url = f"postgresql://me:secret@127.0.0.1:{free_port()}/x"
    with pytest.raises(StudyStorageError, match=r"^storage postgresql://me:\*{3}@127.*refused.*goes on") as caught:
        open_storage(url, tmp_path, "study")
    assert "secret" not in str(caught.value)


@pytest.mark.slow
def test_a_server_that_dies_while_a_study_is_read_is_one_line(tiny_data: Path, tmp_path: Path) -> None:
    with postgres() as url:
        study = study_of(tiny_data, tmp_path, storage=url)
        assert ask(study.optuna)[0] == 0
        assert len(study.trials) == 1
    opened_later = Study.find(str(study.folder), "")
    for one in (study, opened_later):
        with pytest.raises(StudyStorageError, match=r"^storage postgresql.*; the same command goes on") as caught:
            assert one.trials
        assert "\n" not in str(caught.value)
    with pytest.raises(StudyStorageError):
        run_study(study, Callback())
    assert (study.folder / "spec.json").is_file()


def test_a_relative_database_is_refused_where_it_would_be_a_machine_s_own() -> None:
    assert storage_problem("sqlite:///study.db", is_remote_store=True) is not None
    assert storage_problem("sqlite:///study.db", is_remote_store=False) is None
    assert storage_problem("postgresql://host/name", is_remote_store=True) is None
    assert "nonsense" in str(storage_problem("nonsense", is_remote_store=False))


def test_a_full_disk_leaves_whole_lines_and_the_study_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = open_study(tmp_path, None)
    number, _ = ask(study)
    before = (tmp_path / JOURNAL).read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", _full)
        with pytest.raises(DiskError, match="No space left on device; the same command goes on"):
            study.complete(number, [0.5])
    assert (tmp_path / JOURNAL).read_bytes() == before
    study.complete(number, [0.5])
    assert found(tmp_path) == [("COMPLETE", [0.5])]


def _full(_: int) -> None:
    raise OSError(28, "No space left on device")
