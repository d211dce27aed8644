"""Where a job may keep MLflow's runs."""

from __future__ import annotations

import os

import pytest

from sfcmt.clusters.persistence import place_tracking
from sfcmt.errors import ConfigError


@pytest.fixture(autouse=True)
def job(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a job, and nothing said of MLflow."""
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")


def test_they_are_beside_the_store() -> None:
    place_tracking("/shared/store")
    assert os.environ["MLFLOW_TRACKING_URI"] == "sqlite:////shared/store/mlflow.db"


def test_outside_of_jobs_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_JOB_CONFIG_JSON_ENV_VAR")
    place_tracking("store")
    assert os.environ["MLFLOW_TRACKING_URI"] == ""


@pytest.mark.parametrize(
    "given", ["http://server:5000", "sqlite:////shared/x.db", "postgresql://host/x", "/shared/runs"]
)
def test_what_lasts_is_left(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", given)
    place_tracking("s3://bucket/store")
    assert os.environ["MLFLOW_TRACKING_URI"] == given


@pytest.mark.parametrize(
    ("given", "store"),
    [("sqlite:///mlflow.db", "/s"), ("./mlruns", "/s"), ("file:mlruns", "/s"), ("", "s3://b/s"), ("", "s")],
)
def test_what_would_go_with_the_job_is_refused(monkeypatch: pytest.MonkeyPatch, given: str, store: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", given)
    with pytest.raises(ConfigError, match=r"MLFLOW_TRACKING_URI: .*in a job.*a server, or a database that outlives it"):
        place_tracking(store)
