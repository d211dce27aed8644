"""Between Ray Tune, which runs trials, and the Optuna study, which knows them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from sfcmt.clusters.giving_way import Resting
from sfcmt.errors import OutageError
from sfcmt.tuning.search.optuna_study import OptunaStudy, SearchError

if TYPE_CHECKING:
    from ray.tune.execution.tune_controller import TuneController
    from ray.tune.experiment import Trial

NUMBER, VALUES = "number", "values"
STEP, TIME, METRICS, OBJECTIVES = "step", "time", "metrics", "objectives"
LAST = "last"
"""Whether the step is the trial's last."""
AT = "at"
"""What a trial is at, between the stages' epochs too."""
FINISHED, FAILED, OUTAGE, NOTES = "finished", "failed", "outage", "notes"
WAITS = "waits"
"""The trial needs what another process trains: it has given back its GPU, and is begun again later."""


class StudySearcher(Searcher):  # type: ignore[misc]
    """Suggests what the study asks for, and tells it how each trial ended.

    Trials that wait for another's stage rest meanwhile. The study is asked for others, but for no more than have run
    at a time: each one is suggested by what those before have shown.
    """

    def __init__(self, study: OptunaStudy) -> None:
        super().__init__()
        self._study = study
        self._running: dict[str, tuple[int, dict[str, Any]]] = {}
        self._resting = Resting[tuple[int, dict[str, Any]]]()
        self._at_once = 1
        self.numbers: dict[str, int] = {}
        self.pruned: set[str] = set()
        self.error: SearchError | None = None
        """Set when a trial breaks the contract; Ray Tune would only log an exception that is raised here."""
        self.outage: OutageError | None = None
        """Set when a disk or a server fails a trial, which is left to the next driver: no more are begun."""

    def set_search_properties(self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any) -> bool:
        """Nothing to take over: the space is the study's."""
        return True

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """The next trial's number and values; None if there is one that must wait."""
        if self.outage:
            return str(Searcher.FINISHED)
        found = self._resting.rested()
        if found is None and len(self._resting) < self._at_once:
            found = self._study.next_trial()
        if found is None:
            return None if self._resting else str(Searcher.FINISHED)
        self.numbers[trial_id], self._running[trial_id] = found[0], found
        self._at_once = max(self._at_once, len(self._running))
        return {NUMBER: found[0], VALUES: found[1]}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Tell the study: PRUNED if it was stopped, FAIL if it failed, COMPLETE otherwise."""
        number, result, trial = self.numbers[trial_id], result or {}, self._running.pop(trial_id, None)
        if trial and WAITS in result and not error:
            self._resting.add(trial)
        elif error:
            self._study.fail(number, "the trial's process failed; see error.txt in the study's ray folder")
        elif OUTAGE in result:
            self.outage = OutageError(f"trial {number}: {result[OUTAGE]}")
        elif FAILED in result:
            self._study.fail(number, result[FAILED])
        elif trial_id in self.pruned:
            self._note(number, result)
            self._study.prune(number)
        elif result.get(FINISHED):
            self._note(number, result)
            self._study.complete(number, result[OBJECTIVES])
        else:
            self.error = SearchError(f"trial {number} ended without its {OBJECTIVES}; it reported {sorted(result)}")
            self._study.fail(number, str(self.error))

    def _note(self, number: int, result: dict[str, Any]) -> None:
        for key, value in json.loads(result[NOTES]).items():
            self._study.note(number, key, value)

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: the study remembers."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore."""


class PruningScheduler(FIFOScheduler):  # type: ignore[misc]
    """Runs trials in order, and stops those that the study's pruner would."""

    def __init__(self, study: OptunaStudy, searcher: StudySearcher) -> None:
        super().__init__()
        self._study, self._searcher = study, searcher

    def on_trial_result(self, tune_controller: TuneController, trial: Trial, result: dict[str, Any]) -> str:
        """Report an epoch's value to the study and ask whether to go on."""
        if result.get(FINISHED) or OBJECTIVES not in result:
            return str(self.CONTINUE)
        number = self._searcher.numbers[trial.trial_id]
        if self._study.report(number, result[STEP], result[OBJECTIVES][0], result[LAST]):
            self._searcher.pruned.add(trial.trial_id)
            return str(self.STOP)
        return str(self.CONTINUE)
