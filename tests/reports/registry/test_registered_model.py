"""Aliases follow events, whoever else writes at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mlflow
import pytest

from sfcmt.reports.registry.alias import Alias
from sfcmt.reports.registry.events import Action, Move
from sfcmt.reports.registry.registered_model import RegisteredModel
from tests.database import new_database
from tests.tuning.conftest import using

WRITERS = 6


@pytest.fixture
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RegisteredModel]:
    """Of a model with a version for each writer."""
    monkeypatch.chdir(tmp_path)
    with using(new_database(tmp_path)):
        client = mlflow.MlflowClient()
        client.create_registered_model("net")
        for _ in range(WRITERS):
            client.create_model_version("net", str(tmp_path))
        yield RegisteredModel("net")


def move(alias: Alias, version: str, action: Action = Action.PROMOTED) -> Move:
    return Move(action, alias, None, version)


def test_a_champion_is_no_challenger_and_a_refusal_moves_nothing(registered: RegisteredModel) -> None:
    registered.make(move(Alias.CHALLENGER, "1"))
    assert registered.aliases == {"challenger": "1"}
    registered.make(move(Alias.CHAMPION, "1"))
    assert registered.aliases == {"champion": "1"}
    registered.make(move(Alias.CHALLENGER, "2"))
    registered.make(move(Alias.CHAMPION, "2", Action.REFUSED))
    assert registered.aliases == {"champion": "1", "challenger": "2"}
    registered.make(move(Alias.CHAMPION, "3"))
    assert registered.aliases == {"champion": "3", "challenger": "2"}


@pytest.mark.slow
def test_of_many_writers_the_last_event_wins(registered: RegisteredModel) -> None:
    mlflow.set_experiment("net-events")
    moves = [move(Alias.CHAMPION, str(1 + number)) for number in range(WRITERS)]
    with ThreadPoolExecutor(WRITERS) as pool:
        assert list(pool.map(registered.make, moves)) == moves
    events = registered.log.read()
    assert len(events) == WRITERS
    assert registered.aliases == {"champion": events[-1].move.version}
