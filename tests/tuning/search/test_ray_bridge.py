"""The hooks that Ray Tune calls, called without Ray on a real Optuna study."""

from __future__ import annotations

import json
import math
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from optuna.trial import FrozenTrial, TrialState
from ray.tune.search import Searcher

from sfcmt.clusters.giving_way import GivesWayError
from sfcmt.errors import DiskError, ModelError, SfcmtError, StoreError, StoreOutageError
from sfcmt.tuning.search.optuna_study import REASON, OptunaStudy
from sfcmt.tuning.search.ray_bridge import (
    FAILED,
    FINISHED,
    LAST,
    METRICS,
    NOTES,
    NUMBER,
    OBJECTIVES,
    OUTAGE,
    STEP,
    VALUES,
    PruningScheduler,
    StudySearcher,
)  # fmt: skip
from sfcmt.tuning.search.trial import failed
from tests.tuning.search.test_optuna_study import ASHA, open_study


class Bridge:
    """A study with its searcher and its scheduler."""

    def __init__(self, folder: Path) -> None:
        self.study = open_study(folder, None, scheduler=ASHA, trials=3)
        self.searcher = StudySearcher(self.study)
        self.scheduler = PruningScheduler(self.study, self.searcher)

    def start(self, trial_id: str) -> dict[str, Any]:
        found = self.searcher.suggest(trial_id)
        assert isinstance(found, dict)
        return found

    def result(self, trial_id: str, **result: Any) -> str:
        trial: Any = SimpleNamespace(trial_id=trial_id)
        controller: Any = None
        return self.scheduler.on_trial_result(controller, trial, result)

    def trial(self, number: int) -> FrozenTrial:
        return self.study.frozen(number)


@pytest.fixture
def bridge(tmp_path: Path) -> Bridge:
    return Bridge(tmp_path / "study")


def finished(value: float = 0.5) -> dict[str, Any]:
    return {
        FINISHED: True,
        OBJECTIVES: [value],
        NOTES: json.dumps({"transfer": "abc", "validators": {"snd": math.nan}}),
    }


def test_suggests_numbers_and_values_until_the_budget_is_spent(bridge: Bridge) -> None:
    found = [bridge.start(trial_id) for trial_id in "abc"]
    assert [one[NUMBER] for one in found] == [0, 1, 2]
    assert [one[VALUES] for one in found] == [bridge.trial(number).params for number in range(3)]
    assert bridge.searcher.suggest("d") == Searcher.FINISHED
    assert bridge.searcher.numbers == {"a": 0, "b": 1, "c": 2}


def test_a_finished_trial_is_complete_with_its_notes(bridge: Bridge) -> None:
    bridge.start("a")
    assert bridge.result("a", **finished(0.75)) == PruningScheduler.CONTINUE
    bridge.searcher.on_trial_complete("a", finished(0.75))
    trial = bridge.trial(0)
    assert (trial.state, trial.values, trial.user_attrs["transfer"]) == (TrialState.COMPLETE, [0.75], "abc")
    assert math.isnan(trial.user_attrs["validators"]["snd"])
    assert bridge.searcher.error is None


@pytest.mark.parametrize(
    ("result", "error", "reason"),
    [
        ({FAILED: "bad field"}, False, "bad field"),
        (None, True, "process failed"),
        (finished(), True, "process failed"),
        (finished(math.nan), False, "the objective is nan"),
    ],
)
def test_a_failed_trial_keeps_its_reason(
    bridge: Bridge, result: dict[str, Any] | None, error: bool, reason: str
) -> None:
    bridge.start("a")
    bridge.searcher.on_trial_complete("a", result, error)
    assert bridge.trial(0).state == TrialState.FAIL
    assert reason in bridge.trial(0).user_attrs[REASON]
    assert bridge.searcher.error is None


def test_a_worse_trial_is_stopped_and_pruned(bridge: Bridge) -> None:
    for trial_id, value in (("a", 0.9), ("b", 0.1)):
        bridge.start(trial_id)
        decision = bridge.result(trial_id, **{STEP: 1, OBJECTIVES: [value], LAST: False})
    assert decision == PruningScheduler.STOP
    bridge.start("c")
    assert bridge.result("c", **{STEP: 1, OBJECTIVES: [0.05], LAST: True}) == PruningScheduler.CONTINUE
    stages = {"c0ffee": {"kind": "source", "reused": True, "seconds": 3.0}}
    bridge.searcher.on_trial_complete("b", {STEP: 1, OBJECTIVES: [0.1], NOTES: json.dumps({"stages": stages})})
    bridge.searcher.on_trial_complete("a", finished())
    assert [bridge.trial(number).state for number in (0, 1)] == [TrialState.COMPLETE, TrialState.PRUNED]
    assert bridge.trial(1).intermediate_values == {1: 0.1}
    assert bridge.trial(1).user_attrs["stages"] == stages


def test_a_report_without_objectives_goes_on(bridge: Bridge) -> None:
    bridge.start("a")
    assert bridge.result("a", **{STEP: 1, METRICS: {"bridge/reconstruction": 0.5}}) == PruningScheduler.CONTINUE
    assert bridge.trial(0).intermediate_values == {}


@pytest.mark.parametrize("result", [None, {}, {STEP: 2, OBJECTIVES: [0.5]}])
def test_a_missing_metric_breaks_the_contract(bridge: Bridge, result: dict[str, Any] | None) -> None:
    bridge.start("a")
    bridge.searcher.on_trial_complete("a", result)
    assert bridge.trial(0).state == TrialState.FAIL
    assert "trial 0 ended without its objectives" in str(bridge.searcher.error)


def test_ray_can_pickle_both_though_not_the_study(bridge: Bridge) -> None:
    bridge.start("a")
    searcher, scheduler = pickle.loads(pickle.dumps((bridge.searcher, bridge.scheduler)))
    assert searcher.numbers == {"a": 0}
    assert isinstance(scheduler, PruningScheduler)
    assert vars(pickle.loads(pickle.dumps(bridge.study))) == {}
    assert isinstance(bridge.study, OptunaStudy)


def test_a_trial_that_a_disk_or_server_failed_is_left_to_the_next_driver(bridge: Bridge, tmp_path: Path) -> None:
    first = bridge.start("a")
    bridge.searcher.on_trial_complete("a", {OUTAGE: "/store: No space left on device"})
    assert bridge.trial(0).state == TrialState.RUNNING
    assert str(bridge.searcher.outage) == "trial 0: /store: No space left on device"
    assert bridge.searcher.suggest("b") == Searcher.FINISHED  # the next one would meet the same
    bridge.study._alive.release()  # as its end does
    assert Bridge(tmp_path / "study").start("a") == first


@pytest.mark.parametrize(
    ("error", "key"),
    [(DiskError("x"), OUTAGE), (StoreOutageError("x"), OUTAGE), (StoreError("x"), FAILED), (ModelError("x"), FAILED)],
)
def test_a_trial_fails_for_good_by_its_own_fault_only(error: SfcmtError, key: str) -> None:
    assert failed(error) == {key: "x"}


def test_a_trial_that_waits_rests_and_others_are_asked_for_but_few(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bridge.start("a")
    bridge.searcher.on_trial_complete("a", failed(GivesWayError("bridge waits for the process that trains it")))
    assert bridge.trial(0).state == TrialState.RUNNING
    assert bridge.searcher.suggest("b") is None  # one has run at a time, and one rests
    monkeypatch.setattr("sfcmt.clusters.giving_way.monotonic", lambda: math.inf)
    assert bridge.start("b") == first
    bridge.searcher.on_trial_complete("b", finished())
    assert [bridge.start(trial_id)[NUMBER] for trial_id in "cd"] == [1, 2]
    bridge.searcher.on_trial_complete("c", failed(GivesWayError("again")))
    monkeypatch.setattr("sfcmt.clusters.giving_way.monotonic", lambda: -math.inf)
    assert bridge.searcher.suggest("e") is None  # two have run at a time, and all are asked for: not finished yet
    assert bridge.trial(0).state == TrialState.COMPLETE
    assert (bridge.searcher.error, bridge.searcher.outage) == (None, None)
