"""The stages that runs and registered models in MLflow name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import mlflow
from mlflow.entities import ViewType

from sfcmt.tuning.mlflow_calls import MlflowCalls

_RUN_TAGS, _VERSION_TAG = ("sfcmt.stage", "sfcmt.transfer"), "sfcmt.stage."
_OURS = "tags.`sfcmt.identity` LIKE '%'"
_MOST = 1000
"""Runs or versions in one answer."""


def referred() -> set[str]:
    """Identities of stages. Raises `TrackingError`, and `NoDatabaseError` where nothing has been tracked."""
    with MlflowCalls(advice="nothing was removed that a run may name", writes=False):
        client = mlflow.MlflowClient()
        experiments = _all(lambda token: client.search_experiments(max_results=_MOST, page_token=token))
        ids = [experiment.experiment_id for experiment in experiments]
        runs = _all(lambda token: client.search_runs(ids, _OURS, ViewType.ACTIVE_ONLY, _MOST, page_token=token))
        found = {value for run in runs for name, value in run.data.tags.items() if name in _RUN_TAGS}
        versions = _all(lambda token: client.search_model_versions(max_results=_MOST, page_token=token))
        return found | {stage for version in versions for stage in _stages_of(version.tags)}


def _stages_of(tags: Mapping[str, str]) -> Iterator[str]:
    yield from (value for name, value in tags.items() if name.startswith(_VERSION_TAG))


def _all(page: Callable[[str | None], Any]) -> Iterator[Any]:
    """All that a paged search finds."""
    token: str | None = None
    while True:
        found = page(token)
        yield from found
        if not (token := found.token):
            return
