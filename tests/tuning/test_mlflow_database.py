"""Databases of MLflow: made by one of many, whole or not at all."""

from __future__ import annotations

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import mlflow
import pytest

from sfcmt.tuning.mlflow_database import NoDatabaseError, artifact_root, is_whole, make_ready, require_database
from tests.database import new_database


@pytest.mark.slow
def test_of_many_first_runs_one_makes_it_and_all_use_it(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/deep/mlflow.db"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make_ready, [uri] * 4))
    assert is_whole(tmp_path / "deep" / "mlflow.db")
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == [".mlflow.db.lock", "mlflow.db"]
    (experiment,) = mlflow.MlflowClient(uri).search_experiments()
    assert experiment.artifact_location == str(tmp_path / "deep" / "mlruns" / "0")


def half_made(path: Path, tables: str) -> None:
    """A file with some tables, which nobody has written to for an hour."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(tables)
    os.utime(path, (0, 0))


@pytest.mark.slow
@pytest.mark.parametrize("tables", ["CREATE TABLE runs (run_uuid TEXT);", "CREATE TABLE experiments (id INTEGER);"])
def test_one_that_is_half_made_is_moved_aside(
    tmp_path: Path, tables: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = new_database(tmp_path).removeprefix("sqlite:///")
    monkeypatch.setattr("sfcmt.tuning.mlflow_database._make", lambda path: Path(whole).rename(path))
    path = tmp_path / "mlflow.db"
    half_made(path, tables)
    before = path.read_bytes()
    make_ready(f"sqlite:///{path}")
    assert is_whole(path)
    (aside,) = tmp_path.glob("mlflow.db.half-made-*")
    assert aside.read_bytes() == before
    assert f"{path}: was half-made" in caplog.text


@pytest.mark.parametrize("content", [b"a diary\n" * 500, b"SQLite format 3\0" + b"\1" * 4000])
def test_what_is_no_database_is_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mlflow.db").write_bytes(content)
    make_ready(f"sqlite:///{tmp_path}/mlflow.db")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [content]


def test_one_of_another_release_is_left_to_mlflow(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    half_made(path, "CREATE TABLE experiments (id INTEGER); INSERT INTO experiments VALUES (0);")
    before = path.read_bytes()
    make_ready(f"sqlite:///{path}")
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [before]


def test_who_reads_makes_none(tmp_path: Path) -> None:
    with pytest.raises(NoDatabaseError, match=rf"{tmp_path}/mlflow\.db is not there; set MLFLOW_TRACKING_URI"):
        require_database(f"sqlite:///{tmp_path}/mlflow.db")
    assert list(tmp_path.iterdir()) == []
    for uri in ("http://server", "sqlite://", "sqlite:///:memory:", "./mlruns"):
        require_database(uri)


def test_models_are_beside_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert artifact_root("sqlite:///mlflow.db") is None  # where MLflow keeps them anyway
    assert artifact_root("sqlite:////shared/mlflow.db") == Path("/shared/mlruns")
    assert artifact_root("http://server") is None
