"""The Optuna study: the one source of truth of a search. Every state of every trial is told to it, and truly.

Early stop is PRUNED with all intermediate values; NaN, infinity and errors are FAIL with a reason; a trial whose driver
died stays RUNNING until a later driver takes it up again, under the same number and with the same values.
"""

from __future__ import annotations

import hashlib
import math
import os
import uuid
import warnings
from collections.abc import Sequence
from pathlib import Path

import optuna
from filelock import FileLock, Timeout
from optuna.samplers import BaseSampler, GPSampler, GridSampler, NSGAIISampler, QMCSampler, RandomSampler, TPESampler
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from optuna.trial import FrozenTrial, TrialState

from sfcmt.errors import SfcmtError
from sfcmt.tuning.search.space import Space, Values, suggest_all
from sfcmt.tuning.search.spec import ASHA, Hyperband, Median, Scheduler, Search

optuna.logging.set_verbosity(optuna.logging.WARNING)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
DRIVER, REASON = "driver", "reason"
JOURNAL = "journal.log"


class SearchError(SfcmtError):
    """A search cannot go on."""


class OptunaStudy:
    """Asks for trials and tells their ends; several drivers may share one. `folder` keeps its locks."""

    def __init__(
        self,
        folder: Path,
        name: str,
        space: Space,
        search: Search,
        scheduler: Scheduler,
        objectives: int,
        storage: str | None = None,
    ) -> None:
        self._folder, self._space, self._search = folder, space, search
        (folder / "drivers").mkdir(parents=True, exist_ok=True)
        self.driver = uuid.uuid4().hex
        self._alive = FileLock(folder / "drivers" / self.driver)
        self._alive.acquire()
        backend: BaseStorage | str = storage or JournalStorage(_journal(folder / JOURNAL))
        with FileLock(folder / "create.lock"):
            self.study = optuna.create_study(
                storage=backend,
                study_name=name,
                pruner=_pruner(scheduler),
                directions=["maximize"] * objectives,
                load_if_exists=True,
            )

    def __getstate__(self) -> dict[str, object]:
        """Nothing: Ray Tune pickles what it is given for a restore of its own, which is never used."""
        return {}

    def next_trial(self) -> tuple[int, Values] | None:
        """A trial to run: one that a dead driver left, else a new one; None when all that were asked for exist."""
        with FileLock(self._folder / "ask.lock"):
            trials = self.study.get_trials(deepcopy=False)
            left = [trial for trial in trials if trial.state == TrialState.RUNNING and self._is_left(trial)]
            if left:
                self.study.sampler = _sampler(self._search, self._space, left[0].number)
                return self._take(optuna.Trial(self.study, left[0]._trial_id))
            if len(trials) >= self._search.trials:
                return None
            self.study.sampler = _sampler(self._search, self._space, len(trials))
            return self._take(self.study.ask())

    def report(self, number: int, step: int, value: float) -> bool:
        """Note an intermediate value, once for each step; whether the trial should stop here."""
        trial = self._trial(number)
        if step not in self.frozen(number).intermediate_values:
            trial.report(value, step)
        return bool(trial.should_prune())

    def complete(self, number: int, values: Sequence[float]) -> None:
        """Tell a trial's end; one with NaN or infinity has failed."""
        if not all(map(math.isfinite, values)):
            self.fail(number, f"the objective is {', '.join(map(str, values))}")
            return
        self.study.tell(number, list(values), skip_if_finished=True)

    def prune(self, number: int) -> None:
        """Tell that a trial was stopped early; one whose last value is NaN or infinity has failed."""
        step, value = max(self.frozen(number).intermediate_values.items())
        if not math.isfinite(value):
            self.fail(number, f"the objective is {value} after epoch {step}")
            return
        self.study.tell(number, state=TrialState.PRUNED, skip_if_finished=True)

    def fail(self, number: int, reason: str) -> None:
        """Tell that a trial failed, and why."""
        self.note(number, REASON, reason)
        self.study.tell(number, state=TrialState.FAIL, skip_if_finished=True)

    def note(self, number: int, key: str, value: object) -> None:
        """Keep something with a trial, unless it has ended."""
        if not self.frozen(number).state.is_finished():
            self._trial(number).set_user_attr(key, value)

    def frozen(self, number: int) -> FrozenTrial:
        """What is known of a trial."""
        return self.study.get_trials(deepcopy=False)[number]

    @property
    def is_finished(self) -> bool:
        """Whether all trials that were asked for have ended."""
        trials = self.study.get_trials(deepcopy=False)
        return len(trials) >= self._search.trials and all(trial.state.is_finished() for trial in trials)

    def _take(self, trial: optuna.Trial) -> tuple[int, Values]:
        values = suggest_all(self._space, trial)
        trial.set_user_attr("values", values)
        trial.set_user_attr(DRIVER, self.driver)
        return trial.number, values

    def _is_left(self, trial: FrozenTrial) -> bool:
        """Whether a trial's driver is dead: the kernel has given its lock up."""
        driver = trial.user_attrs.get(DRIVER)
        if driver == self.driver:
            return False
        if driver is None:  # killed between asking and noting
            return True
        try:
            with FileLock(self._folder / "drivers" / driver, timeout=0):
                return True
        except Timeout:
            return False

    def _trial(self, number: int) -> optuna.Trial:
        return optuna.Trial(self.study, self.frozen(number)._trial_id)


class _Grid(GridSampler):  # type: ignore[misc]
    """The grid without its wish to stop the study, which Optuna grants to its own loop only."""

    def after_trial(self, *_: object) -> None:
        """Nothing: the budget ends the search."""


def _sampler(search: Search, space: Space, number: int) -> BaseSampler:
    """A sampler seeded by the trial's number: what is suggested depends on the history only, not on who asks when."""
    seed = int.from_bytes(hashlib.sha256(f"{search.seed} {number}".encode()).digest()[:4], "big")
    match search.sampler:
        case "tpe":
            return TPESampler(
                n_startup_trials=search.startup, multivariate=True, group=True, constant_liar=True, seed=seed
            )
        case "gp":
            return GPSampler(n_startup_trials=search.startup, seed=seed)
        case "qmc":
            independent = RandomSampler(seed=seed)  # for the first trial, and for fields under a condition
            return QMCSampler(
                seed=search.seed, scramble=True, independent_sampler=independent, warn_independent_sampling=False
            )
        case "grid":
            return _Grid({name: list(one.choice or ()) for name, one in space.items()}, seed=search.seed)
        case "nsga2":
            return NSGAIISampler(population_size=max(2, search.startup), seed=seed)
        case "random":
            return RandomSampler(seed=seed)


def _pruner(scheduler: Scheduler) -> optuna.pruners.BasePruner:
    """Early stopping by what the study knows, so that a restarted driver decides like an undisturbed one."""
    match scheduler.chosen:
        case ASHA(grace=grace, reduction=reduction):
            return optuna.pruners.SuccessiveHalvingPruner(grace, reduction)
        case Hyperband(grace=grace, reduction=reduction):
            return optuna.pruners.HyperbandPruner(grace, reduction_factor=reduction)
        case Median(grace=grace, startup=startup):
            return optuna.pruners.MedianPruner(startup, grace - 1)
        case None:
            return optuna.pruners.NopPruner()


def _journal(path: Path) -> JournalFileBackend:
    """The journal, without a last line that a power loss has cut short: what it told is as if it never happened."""
    backend, lock = JournalFileBackend(str(path)), JournalFileSymlinkLock(str(path))
    lock.acquire()
    try:
        whole = path.read_bytes().rpartition(b"\n")
        os.truncate(path, len(whole[0]) + len(whole[1]))
    finally:
        lock.release()
    return backend
