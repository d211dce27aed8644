"""The history of a model: a run for each move, in the MLflow experiment MODEL-events.

What a run is made of are params, which MLflow never lets change; a run counts once it is FINISHED, which is written
last, and also when somebody has deleted it in the UI. A later event has a later time, whoever's clock is wrong.
"""

from __future__ import annotations

import getpass
import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import mlflow
from mlflow.entities import Param, Run, ViewType

from sfcmt.reports.registry.alias import Alias
from sfcmt.reports.registry.evidence import Evidence
from sfcmt.reports.statistics.interval import Interval
from sfcmt.tuning.mlflow_calls import open_experiment

_EVIDENCE = "evidence."


class Action(StrEnum):
    """What an event did. Only `REFUSED` moved nothing."""

    PROMOTED = "promoted"
    FORCED = "forced"
    ROLLED_BACK = "rolled back"
    REFUSED = "refused"


@dataclass(frozen=True)
class Move:
    """An alias goes from version `before` (None if it was nowhere) to `version`, or was refused to."""

    action: Action
    alias: Alias
    before: str | None
    version: str
    reason: str = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Event:
    """A move, and when (UTC) who made it."""

    time: datetime
    by: str
    move: Move


class EventLog:
    """The events of one registered model. Reading makes nothing."""

    def __init__(self, model: str) -> None:
        self._client, self._name = mlflow.MlflowClient(), f"{model}-events"

    def read(self) -> list[Event]:
        """All events, the oldest first."""
        return [_event(run) for run in self._runs()]

    def append(self, move: Move) -> None:
        """Write an event. Of a writer that dies halfway nothing counts."""
        place = open_experiment(self._name)
        now = max([int(time.time() * 1000), *(run.info.start_time + 1 for run in self._runs()[-1:])])
        name = f"{move.action}: {move.alias} {move.before or 'none'} -> {move.version}"
        by = os.environ.get("MLFLOW_TRACKING_USERNAME") or getpass.getuser()
        run_id = self._client.create_run(place, now, {"mlflow.user": by}, name).info.run_id
        self._client.log_batch(run_id, params=[Param(key, value) for key, value in _params(move, by).items()])
        self._client.set_terminated(run_id, "FINISHED")

    def _runs(self) -> list[Run]:
        experiment = self._client.get_experiment_by_name(self._name)
        if experiment is None:
            return []
        runs = mlflow.search_runs(
            [experiment.experiment_id],
            "attributes.status = 'FINISHED'",
            run_view_type=ViewType.ALL,
            output_format="list",
        )
        return sorted(runs, key=lambda run: (run.info.start_time, run.info.run_id))


def _params(move: Move, by: str) -> dict[str, str]:
    """As MLflow shows them: no empty ones."""
    given = {"action": move.action, "alias": move.alias, "before": move.before, "version": move.version}
    evidence = {_EVIDENCE + one.score: json.dumps(asdict(one)) for one in move.evidence}
    return {key: str(value) for key, value in (given | {"reason": move.reason, "by": by} | evidence).items() if value}


def _event(run: Run) -> Event:
    params: Mapping[str, str] = run.data.params
    move = Move(
        Action(params["action"]),
        Alias(params["alias"]),
        params.get("before"),
        params["version"],
        params.get("reason", ""),
        tuple(_evidence(json.loads(text)) for key, text in sorted(params.items()) if key.startswith(_EVIDENCE)),
    )
    return Event(datetime.fromtimestamp(run.info.start_time / 1000, UTC), params["by"], move)


def _evidence(raw: dict[str, Any]) -> Evidence:
    return Evidence(**(raw | {"interval": Interval(**raw["interval"]) if raw["interval"] else None}))
