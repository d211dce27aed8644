"""Showing a study: progress lines, its tree of trials and stages, and its scores."""

from __future__ import annotations

from typing import Any

from optuna.trial import FrozenTrial, TrialState
from ray import tune
from rich import box
from rich.table import Table

from tuning.search.optuna_study import REASON
from tuning.search.ray_bridge import FAILED, FINISHED, NUMBER, OBJECTIVES, STEP, VALUES
from tuning.search.study import Study


class TrialLines(tune.Callback):  # type: ignore[misc]
    """One line for each trial that starts, reports or ends."""

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Print the values."""
        print(f"trial {trial.config[NUMBER]}: started with {compact(trial.config[VALUES])}", flush=True)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Print the objectives so far, or the end."""
        number = trial.config[NUMBER]
        if FAILED in result:
            print(f"trial {number}: failed: {result[FAILED]}", flush=True)
            return
        values = ", ".join(f"{value:.4f}" for value in result[OBJECTIVES])
        what = "finished" if result.get(FINISHED) else f"epoch {result[STEP]}"
        print(f"trial {number}: {what}: {values}", flush=True)


def trials_table(study: Study) -> Table:
    """The trials of a study: state, objective, values, and what was reused."""
    table = Table(
        title=f"{study.name}: {', '.join(study.spec.objective.names)}", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    for column in ("trial", "state", "value", *(name.rsplit(".", 1)[-1] for name in study.space), "reused"):
        table.add_column(column, justify="left" if column in ("state", "reused") else "right")
    for trial in study.trials:
        values = trial.user_attrs.get("values", {})
        shown = [_short(values[name]) if name in values else "-" for name in study.space]
        table.add_row(str(trial.number), trial.state.name, _objective(trial), *shown, _reuse(trial)[0])
    return table


def scores_table(scores: dict[str, Any]) -> Table:
    """Each validator's regret and rank correlation."""
    table = Table(
        "validator", "regret (points)", "Spearman", title="Validators, judged by the labels", box=box.SIMPLE_HEAD
    )
    for name, found in sorted(scores["validators"].items(), key=lambda item: item[1]["regret"]):
        correlation = found["spearman"]
        table.add_row(name, f"{100 * found['regret']:.1f}", "-" if correlation is None else f"{correlation:.2f}")
    return table


def saved_seconds(study: Study) -> float:
    """Training time that was not spent because a stage was there already."""
    return sum(_reuse(trial)[1] for trial in study.trials)


def compact(values: dict[str, Any]) -> str:
    """Suggested values in one short line."""
    return " ".join(f"{name.removeprefix('transfer.')}={_short(value)}" for name, value in values.items())


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _objective(trial: FrozenTrial) -> str:
    if trial.state == TrialState.FAIL:
        return str(trial.user_attrs.get(REASON, ""))
    if trial.state == TrialState.PRUNED:
        last = max(trial.intermediate_values, default=0)
        return f"{trial.intermediate_values.get(last, float('nan')):.4f}@{last}"
    return ", ".join(f"{value:.4f}" for value in trial.values or ())


def _reuse(trial: FrozenTrial) -> tuple[str, float]:
    reused = [stage for stage in trial.user_attrs.get("stages", {}).values() if stage["reused"]]
    return " ".join(sorted(stage["kind"] for stage in reused)), sum(stage["seconds"] for stage in reused)
