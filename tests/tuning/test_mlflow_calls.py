"""Whatever fails behind MLflow is one true line."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import mlflow
import pytest
import requests
import sqlalchemy
from boto3.exceptions import S3UploadFailedError
from botocore.config import Config
from botocore.exceptions import ClientError, NoCredentialsError

from sfcmt.callbacks import Callback
from sfcmt.errors import DataError, ModelError
from sfcmt.tuning import mlflow_calls
from sfcmt.tuning.mlflow_calls import (
    MlflowCalls,
    TrackingError,
    active_run,
    log_missing_params,
    open_experiment,
    place,
    tag_is,
)
from sfcmt.tuning.mlflow_sync import MLflowSync, synced
from sfcmt.tuning.models import load_model
from tests.database import new_database


@pytest.mark.usefixtures("database")
def test_s3_is_not_waited_for_as_long_as_boto_would() -> None:
    with MlflowCalls():
        config = Config(signature_version="s3v4")
    assert (config.connect_timeout, config.read_timeout) == (5, 20)


def operational() -> Exception:
    return sqlalchemy.exc.OperationalError("SELECT 1", {}, sqlite3.OperationalError("database is locked"))


FAILURES: list[tuple[Callable[[], Exception], str, bool]] = [
    (NoCredentialsError, "NoCredentialsError: Unable to locate credentials", False),
    (lambda: ClientError({"Error": {"Code": "403"}}, "PutObject"), "ClientError: An error occurred (403)", False),
    (lambda: S3UploadFailedError("Failed to upload\nmore"), "S3UploadFailedError: Failed to upload", False),
    (lambda: ModuleNotFoundError("x", name="psycopg2"), "psycopg2 is missing: pip install psycopg2-binary", False),
    (lambda: ModuleNotFoundError("x", name="google.cloud"), "pip install google-cloud-storage", False),
    (lambda: PermissionError(13, "Permission denied", "/srv/mlruns"), "/srv/mlruns: Permission denied", False),
    (lambda: OSError(30, "x", "/ro/mlflow.db"), "/ro/mlflow.db: Read-only file system", False),
    (lambda: OSError(28, "x"), "No space left on device; the same command goes on when there is room", False),
    (lambda: requests.ConnectionError("refused"), "ConnectionError: refused", True),
    (lambda: requests.ReadTimeout("slow"), "ReadTimeout: slow", True),
    (operational, "OperationalError: (sqlite3.OperationalError) database is locked", True),
    (lambda: sqlite3.DatabaseError("file is not a database"), "DatabaseError: file is not a database", False),
    (lambda: mlflow.MlflowException("API request failed\nmany"), "API request failed", True),
    (lambda: mlflow.MlflowException("No such run", 3001), "No such run", False),
]


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty database of a test's own."""
    monkeypatch.chdir(tmp_path)
    uri = new_database(tmp_path)
    monkeypatch.setattr(mlflow.tracking._tracking_service.utils, "_tracking_uri", None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)


@pytest.mark.parametrize(("failure", "told", "passes"), FAILURES, ids=lambda it: it if isinstance(it, str) else "")
def test_every_failure_is_one_line(failure: Callable[[], Exception], told: str, passes: bool) -> None:
    with pytest.raises(TrackingError) as caught, MlflowCalls():
        raise failure()
    line = str(caught.value)
    assert line.startswith(f"MLflow at {place()}: ")
    assert told in line
    assert line.endswith("what is trained is kept: the same command logs it later")
    assert "\n" not in line
    assert caught.value.may_pass == passes
    with pytest.raises(ModelError, match=r"^MLflow at"), MlflowCalls(ModelError, writes=False):
        raise failure()


@pytest.mark.parametrize("error", [KeyError("ours"), ValueError("ours"), DataError("ours"), AssertionError()])
def test_mistakes_of_ours_pass(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, MlflowCalls():
        raise error
    assert caught.value is error


def test_passwords_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@server:5000")
    assert place() == "http://server:5000"


def test_reading_where_there_is_nothing_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/none.db")
    with pytest.raises(Exception, match=r"none\.db is not there"):
        load_model("models:/net/1")
    assert not (tmp_path / "none.db").exists()


class Mirror(MLflowSync):
    """Of nothing but an experiment."""

    def _write(self) -> None:
        self._open()


def test_an_experiment_in_the_trash_is_said_to_be_there_and_not_waited_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it will not pass"))
    client = mlflow.MlflowClient()
    client.delete_experiment(client.create_experiment("tiny"))
    with synced(Mirror("tiny"), Callback()):
        pass
    said = capsys.readouterr().out
    assert "Cannot set a deleted experiment 'tiny'" in said
    assert "run the same command again to log the rest" in said
    assert "cannot be reached" not in said


@pytest.mark.parametrize("root", ["s3://bucket/models", "gs://bucket/models", "/proc/models"])
def test_a_root_that_cannot_be_written_is_one_line(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", "/nowhere")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    experiment = mlflow.create_experiment("tiny", root)
    told = pytest.raises(TrackingError, match=r"credentials|google-cloud-storage|/proc/models")
    with told, MlflowCalls(), active_run(experiment, name="run"):
        mlflow.log_dict({}, "summary.json")


def test_a_folder_of_a_server_elsewhere_is_not_made_here(monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = mlflow.create_experiment("tiny", "/srv-of-another/models")
    monkeypatch.setattr(mlflow, "get_tracking_uri", lambda: "https://tracking.example")
    told = pytest.raises(TrackingError, match=r"its own folder /srv-of-another/models.*--artifacts-destination")
    with told, active_run(experiment, name="run"):
        pytest.fail("its models would be lost")


def test_what_the_environment_names_is_not_used_and_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "77")
    monkeypatch.setattr(mlflow_calls, "_ambient_is_told", type(mlflow_calls._ambient_is_told)())
    with caplog.at_level(logging.WARNING, "sfcmt"), MlflowCalls():
        experiment = open_experiment("tiny")
        with active_run(experiment, name="mine") as run_id:
            mlflow.log_metric("one", 1)
    with MlflowCalls():
        run = mlflow.MlflowClient().get_run(run_id)
    assert (run.info.experiment_id, run.data.metrics) == (experiment, {"one": 1})
    told = [record.getMessage().partition(" ")[0] for record in caplog.records if record.name == "sfcmt"]
    assert told == [f"MLFLOW_RUN_ID={'0' * 32}", "MLFLOW_EXPERIMENT_ID=77"]


@pytest.mark.parametrize("value", ["plain", "a'b", 'a"b', "a'b\"c", "back\\slash", "50 %"])
def test_runs_are_found_by_any_value(value: str) -> None:
    experiment, client = open_experiment("tiny"), mlflow.MlflowClient()
    client.create_run(experiment, tags={"sfcmt.identity": "another"})
    run = client.create_run(experiment, tags={"sfcmt.identity": value})
    found = client.search_runs([experiment], tag_is("sfcmt.identity", value))
    assert [one.info.run_id for one in found] == [run.info.run_id]


def test_a_parameter_that_changed_is_a_tag() -> None:
    client = mlflow.MlflowClient()
    run = client.create_run(open_experiment("tiny"))
    log_missing_params(client, run, {"factor.it's": "low", "long": "x" * 7000, "lr": 0.1})
    log_missing_params(client, run, {"factor.it's": "low", "long": "x" * 7000, "lr": 0.15, "new": 1})
    data = client.get_run(run.info.run_id).data
    assert {name: value[:5] for name, value in data.params.items()} == {
        "factor.it_s": "low",
        "long": "xxxxx",
        "lr": "0.1",
        "new": "1",
    }
    assert {name: value for name, value in data.tags.items() if "changed" in name} == {"sfcmt.changed.lr": "0.15"}


def test_models_of_a_database_elsewhere_are_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "job").mkdir()
    monkeypatch.chdir(tmp_path / "job")
    experiment = open_experiment("it's")
    assert mlflow.get_experiment(experiment).artifact_location == (tmp_path / "mlruns" / "it's").as_uri()
    with active_run(experiment, name="run"):
        mlflow.log_dict({}, "summary.json")
    assert list((tmp_path / "mlruns" / "it's").rglob("summary.json"))
    assert list((tmp_path / "job").iterdir()) == []
    assert open_experiment("it's") == experiment
