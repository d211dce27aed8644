"""The history, written to and read back from a real database."""

from __future__ import annotations

import getpass
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import mlflow
import pytest

from sfcmt.reports.registry.alias import Alias
from sfcmt.reports.registry.events import Action, EventLog, Move
from sfcmt.reports.registry.evidence import Evidence
from sfcmt.reports.statistics.interval import Interval
from tests.database import new_database
from tests.tuning.conftest import using

FIRST = Move(Action.PROMOTED, Alias.CHAMPION, None, "1")
EVIDENCE = (
    Evidence("grounding", 0.75, 0.5, 60, Interval(0.1, 0.3, 0.95, "bootstrap")),
    Evidence("oracle_balanced_accuracy", 0.5, 0.25, 60, None),
)
SECOND = Move(Action.FORCED, Alias.CHAMPION, "1", "2", "a sensor was changed, = and, commas", EVIDENCE)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EventLog]:
    monkeypatch.chdir(tmp_path)
    with using(new_database(tmp_path)):
        yield EventLog("net")


def test_events_come_back_as_they_were_written(log: EventLog) -> None:
    assert log.read() == []
    assert mlflow.search_experiments(filter_string="name = 'net-events'") == []
    before = datetime.now(UTC)
    log.append(FIRST)
    log.append(SECOND)
    first, second = log.read()
    assert (first.move, second.move) == (FIRST, SECOND)
    assert first.by == second.by == getpass.getuser()
    assert abs((first.time - before).total_seconds()) < 60
    assert first.time < second.time
    assert EventLog("another").read() == []


def test_a_wrong_clock_does_not_change_the_order(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    log.append(FIRST)
    monkeypatch.setattr(time, "time", lambda: 1.0)
    log.append(SECOND)
    assert [event.move for event in log.read()] == [FIRST, SECOND]


def test_the_user_of_a_server_is_named(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
    log.append(FIRST)
    assert log.read()[0].by == "ada"


def test_half_an_event_does_not_count_and_a_deleted_one_does(log: EventLog) -> None:
    log.append(FIRST)
    client = mlflow.MlflowClient()
    (run,) = mlflow.search_runs(experiment_names=["net-events"], output_format="list")
    assert run.info.run_name == "promoted: champion none -> 1"
    with pytest.raises(mlflow.MlflowException, match=r"(?i)chang"):
        client.log_param(run.info.run_id, "version", "2")
    client.create_run(run.info.experiment_id)
    client.delete_run(run.info.run_id)
    assert [event.move for event in log.read()] == [FIRST]


def test_writers_at_the_same_time_lose_nothing(log: EventLog) -> None:
    log.append(FIRST)
    moves = [Move(Action.PROMOTED, Alias.CHALLENGER, None, str(number)) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(log.append, moves))
    assert sorted(event.move.version for event in log.read()[1:]) == [str(number) for number in range(8)]
