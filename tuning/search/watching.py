"""Watching a search while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from optuna.trial import TrialState
from ray import tune
from rich.console import Group
from rich.live import Live
from rich.text import Text

from sfcmt.callbacks import Callback
from sfcmt.progress.bars import ProgressBars
from sfcmt.progress.lines import LOGGER, losses
from sfcmt.tuning.search.ray_bridge import AT, METRICS, NUMBER, OBJECTIVES, STEP, VALUES
from sfcmt.tuning.search.show import compact, objective_text, trials_table
from sfcmt.tuning.search.study import Study

_OTHER_LINES = 9
"""Of a live table: its title and header, the status, and what a terminal needs below."""
_AT_ONCE = 8
"""Trials that one status tells of."""
_ENDS = {
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "stopped early",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "left for later",
}


@contextmanager
def watched(study: Study, callback: Callback) -> Iterator[TrialLines]:
    """Shows the trials while the block runs: by a live table beside bars, and by lines in the log."""
    lines = TrialLines(study)
    with (
        callback.doing(lines.status),
        _table(study, lines, callback) if isinstance(callback, ProgressBars) else nullcontext(),
    ):
        yield lines


@contextmanager
def _table(study: Study, lines: TrialLines, bars: ProgressBars) -> Iterator[None]:
    def latest() -> Group:
        running = [trial for trial in study.trials if trial.state == TrialState.RUNNING]
        ended = [trial for trial in study.trials if trial.state.is_finished()]
        room = max(1, bars.console.height - _OTHER_LINES - len(running))
        return Group(trials_table(study, [*ended[-room:], *running]), Text(lines.status()))

    live = Live(get_renderable=latest, console=bars.console, refresh_per_second=1, vertical_overflow="crop")
    with bars.aside(), live:
        yield


class TrialLines(tune.Callback):  # type: ignore[misc]
    """One line for each trial that starts or ends, and for each epoch to those who want to know all."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._at: dict[int, str] = {}

    def __getstate__(self) -> dict[str, object]:
        """Nothing: Ray Tune pickles its callbacks for a restore of its own, which is never used."""
        return {}

    def status(self) -> str:
        """What the trials are at, and how many have ended."""
        running = sorted(self._at.items())
        more = [f"{len(running) - _AT_ONCE} more"] if len(running) > _AT_ONCE else []
        each = "; ".join([*(f"{number}: {at}" for number, at in running[:_AT_ONCE]), *more])
        trials = (
            f"{len(running)} trial{' runs' if len(running) == 1 else 's run'} ({each})" if each else "no trial runs yet"
        )
        return f"{trials}, {ended_of(self._study)}"

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Say the values."""
        number = trial.config[NUMBER]
        self._at[number] = "starts"
        LOGGER.info(f"trial {number}: started with {compact(trial.config[VALUES])}")

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Note what the trial is at, and say the epoch's losses, or objectives if they were asked for."""
        number = trial.config[NUMBER]
        self._at[number] = result.get(AT, "ends")
        if METRICS in result:
            values = result.get(OBJECTIVES)
            told = ", ".join(f"{value:.4f}" for value in values) if values else losses(result[METRICS])
            LOGGER.debug(f"trial {number}: epoch {result[STEP]}: {told}")

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Say that it goes on."""
        LOGGER.info(f"trial {trial.config[NUMBER]}: its process died; it goes on from its last epoch")

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Say how it ended."""
        self._end(trial.config[NUMBER])

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Say how it ended."""
        self._end(trial.config[NUMBER])

    def _end(self, number: int) -> None:
        self._at.pop(number, None)
        trial = self._study.optuna.frozen(number)
        LOGGER.info(f"trial {number}: {_ENDS[trial.state]}: {objective_text(trial)} ({ended_of(self._study)})")


def ended_of(study: Study) -> str:
    """How many trials have ended."""
    return f"{sum(trial.state.is_finished() for trial in study.trials)} of {study.spec.search.trials} ended"
