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
from contextlib import nullcontext
from functools import cached_property
from pathlib import Path

import optuna
from filelock import FileLock, Timeout
from optuna.samplers import BaseSampler, GPSampler, GridSampler, NSGAIISampler, QMCSampler, RandomSampler, TPESampler
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from sfcmt.errors import SfcmtError
from sfcmt.tuning.search.space import Space, Values, suggest_all
from sfcmt.tuning.search.spec import ASHA, Hyperband, Median, Scheduler, Search
from sfcmt.tuning.search.study_storage import has_storage, open_storage, storage_errors

optuna.logging.set_verbosity(optuna.logging.WARNING)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
DRIVER, REASON = "driver", "reason"


class SearchError(SfcmtError):
    """A search cannot go on."""


class OptunaStudy:
    """Asks for trials and tells their ends; several drivers may share one. `folder` keeps its locks.

    Who reads only writes nothing: the study is made by who first asks for a trial.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        space: Space,
        search: Search,
        scheduler: Scheduler,
        objectives: int,
        storage: str | None = None,
        epochs: int = 1,
    ) -> None:
        """`epochs` are the most that a trial can have."""
        self._folder, self._name, self._space, self._search = folder, name, space, search
        self._pruner, self._directions, self._url = _pruner(scheduler, epochs), ["maximize"] * objectives, storage

    @cached_property
    def study(self) -> optuna.Study:
        """Optuna's own, to be read: nothing is written. One without trials if there is none yet."""
        if has_storage(self._url, self._folder, self._name):
            with storage_errors(self._url):
                if self._name in optuna.get_all_study_names(self._backend):
                    return self._load()
        return optuna.create_study(directions=self._directions)

    @cached_property
    def driver(self) -> str:
        """What this process is called as a driver. As long as it lives it holds a lock of that name.

        Asked for first, it makes the study if there is none.
        """
        driver = uuid.uuid4().hex
        with storage_errors(self._url):
            (self._folder / "drivers").mkdir(parents=True, exist_ok=True)
            self._alive = FileLock(self._folder / "drivers" / driver)
            self._alive.acquire()
            backend = self._backend
            with FileLock(self._folder / "create.lock"):
                optuna.create_study(
                    storage=backend, study_name=self._name, directions=self._directions, load_if_exists=True
                )
            self.study = self._load()
        return driver

    @cached_property
    def _backend(self) -> BaseStorage:
        """Opened by one process at a time: the first one makes a database's tables. A journal has none."""
        is_making = self._url is not None and os.access(self._folder, os.W_OK)
        with FileLock(self._folder / "create.lock") if is_making else nullcontext():
            return open_storage(self._url, self._folder, self._name, len(self._directions))

    def _load(self) -> optuna.Study:
        with storage_errors(self._url):
            return optuna.load_study(study_name=self._name, storage=self._backend, pruner=self._pruner)

    def __getstate__(self) -> dict[str, object]:
        """Nothing: Ray Tune pickles what it is given for a restore of its own, which is never used."""
        return {}

    def next_trial(self) -> tuple[int, Values] | None:
        """A trial to run: one that a dead driver left, else a new one; None when all that were asked for exist."""
        with self._asking():
            trials = self.study.get_trials(deepcopy=False)
            left = [trial for trial in trials if trial.state == TrialState.RUNNING and self._is_left(trial)]
            if left:
                self.study.sampler = _sampler(self._search, self._space, left[0].number)
                return self._take(optuna.Trial(self.study, left[0]._trial_id))
            if len(trials) >= self._search.trials:
                return None
            self.study.sampler = _sampler(self._search, self._space, len(trials))
            return self._take(self.study.ask())

    def report(self, number: int, step: int, value: float, is_last: bool = False) -> bool:
        """Note an intermediate value, once for each step; whether the trial should stop here.

        After its last epoch none should: it is complete, and others are held against it.
        """
        trial = self._trial(number)
        if step not in self.frozen(number).intermediate_values:
            trial.report(value, step)
        return bool(trial.should_prune()) and not is_last

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

    def _asking(self) -> FileLock:
        """One driver at a time asks."""
        assert self.driver
        return FileLock(self._folder / "ask.lock")

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


def _pruner(scheduler: Scheduler, epochs: int) -> optuna.pruners.BasePruner:
    """Early stopping by what the study knows, so that a restarted driver decides like an undisturbed one.

    Steps are epochs from 1 on, and `grace` epochs are judged for the first time when they are over.
    """
    match scheduler.chosen:
        case ASHA(grace=grace, reduction=reduction):
            return optuna.pruners.SuccessiveHalvingPruner(grace, reduction)
        case Hyperband(grace=grace, reduction=reduction):  # which would wait for a trial's end to learn of the epochs
            return optuna.pruners.HyperbandPruner(grace, max(grace, epochs), reduction)
        case Median(grace=grace, startup=startup):
            return optuna.pruners.MedianPruner(startup, grace)
        case None:
            return optuna.pruners.NopPruner()
