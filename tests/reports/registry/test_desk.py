"""Aliases follow events, whoever else writes at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mlflow
import pytest

from reports.registry.alias import Alias
from reports.registry.desk import Desk
from reports.registry.events import Action, Move
from tests.database import new_database
from tests.tuning.conftest import using

WRITERS = 6


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Of a model with a version for each writer."""
    monkeypatch.chdir(tmp_path)
    with using(new_database(tmp_path)):
        client = mlflow.MlflowClient()
        client.create_registered_model("net")
        for _ in range(WRITERS):
            client.create_model_version("net", str(tmp_path))
        yield Desk("net")


def move(alias: Alias, version: str, action: Action = Action.PROMOTED) -> Move:
    return Move(action, alias, None, version)


def test_a_champion_is_no_challenger_and_a_refusal_moves_nothing(desk: Desk) -> None:
    desk.make(move(Alias.CHALLENGER, "1"))
    assert desk.aliases == {"challenger": "1"}
    desk.make(move(Alias.CHAMPION, "1"))
    assert desk.aliases == {"champion": "1"}
    desk.make(move(Alias.CHALLENGER, "2"))
    desk.make(move(Alias.CHAMPION, "2", Action.REFUSED))
    assert desk.aliases == {"champion": "1", "challenger": "2"}
    desk.make(move(Alias.CHAMPION, "3"))
    assert desk.aliases == {"champion": "3", "challenger": "2"}


def test_of_many_writers_the_last_event_wins(desk: Desk) -> None:
    mlflow.set_experiment("net-events")
    moves = [move(Alias.CHAMPION, str(1 + number)) for number in range(WRITERS)]
    with ThreadPoolExecutor(WRITERS) as pool:
        assert list(pool.map(desk.make, moves)) == moves
    events = desk.log.read()
    assert len(events) == WRITERS
    assert desk.aliases == {"champion": events[-1].move.version}
