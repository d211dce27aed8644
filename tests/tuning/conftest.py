"""A comparison of two methods on two seeds, trained once for all tests of this folder, and a tracking database each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
import pytest

from sfcmt.callbacks import Callback
from sfcmt.testing.tiny import tiny_experiment
from sfcmt.tuning.comparison import Comparison
from tests.database import new_database


@contextmanager
def using(uri: str) -> Iterator[str]:
    """Make a tracking database MLflow's own for a while."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    yield uri
    mlflow.set_tracking_uri(before)


METHODS = ["source_only", "tgkt"]
SEEDS = [0, 1]


@pytest.fixture(scope="session")
def trained(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """A trained comparison. Leave it as it is."""
    comparison = Comparison(tiny_experiment(tiny_data, tmp_path_factory.mktemp("store")), METHODS, SEEDS, oracles=True)
    comparison.train(Callback())
    return comparison


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URI of an empty tracking database of this test's own, in use."""
    monkeypatch.chdir(tmp_path)
    with using(new_database(tmp_path)) as uri:
        yield uri
