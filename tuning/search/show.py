"""Showing a study: its trials, and its scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from optuna.trial import FrozenTrial, TrialState
from rich import box
from rich.table import Table

from sfcmt.data.dataset import Dataset
from sfcmt.data.schema import Split
from sfcmt.tuning.search.audits import audited_ids
from sfcmt.tuning.search.optuna_study import REASON
from sfcmt.tuning.search.study import Study
from sfcmt.validators import has_seen


def trials_table(study: Study, trials: Sequence[FrozenTrial]) -> Table:
    """Trials of a study: state, objective, values, and what was reused."""
    title = f"{study.name}: {', '.join(study.spec.objective.names)}"
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title_justify="left")
    for column in ("trial", "state", "value", *(name.rsplit(".", 1)[-1] for name in study.space), "reused"):
        table.add_column(column, justify="left" if column in ("state", "reused") else "right")
    for trial in trials:
        values = trial.user_attrs.get("values", {})
        shown = [_short(values[name]) if name in values else "-" for name in study.space]
        table.add_row(str(trial.number), trial.state.name, objective_text(trial), *shown, _reuse(trial)[0])
    return table


def scores_table(scores: dict[str, Any], dataset: Dataset) -> Table:
    """Each validator's regret and rank correlation, and whether it was shaped on these very images."""
    titles = ("validator", "regret\n(points)", "cross-fitted\n(points)", "Spearman", "")
    table = Table(*titles, title="Validators, judged by the labels", box=box.SIMPLE_HEAD, caption=_REGRETS)
    table.caption_justify = "left"
    for name, found in sorted(scores["validators"].items(), key=lambda item: item[1]["regret"]):
        correlation = found["spearman"]
        is_shaped = has_seen(name, dataset.manifest.name, dataset.whole_digest)
        table.add_row(
            name,
            f"{100 * found['regret']:.1f}",
            regret_text(found["cross_fitted_regret"]),
            "-" if correlation is None else f"{correlation:.2f}",
            "shaped on this data set" if is_shaped else "",
        )
    return table


def few_labels_lines(study: Study) -> Iterator[str]:
    """What a user should know of the few labels of a search; nothing of one without."""
    if (few_labels := study.record.few_labels) is None:
        return
    yield f"Trials are judged and picked {few_labels.text}, with label-free scores: no label-free search."
    yield from few_labels.warnings()
    both = audited_ids(study.store, study.dataset.digest(Split.TARGET)).intersection(few_labels.ids)
    if both:
        yield f"images that an audit in this store has drawn are among the few labels: {len(both)}"


def regret_text(regret: float | None) -> str:
    """In points; what few frames cannot tell is a dash."""
    return "-" if regret is None else f"{100 * regret:.1f}"


_REGRETS = (
    "Regret: against the best trial on the images that show it to be the best, so too large.\n"
    "Cross-fitted: the best is found on half of the frames and valued on the other."
)


def saved_seconds(study: Study) -> float:
    """Training time that was not spent because a stage was there already."""
    return sum(_reuse(trial)[1] for trial in study.trials)


def objective_text(trial: FrozenTrial) -> str:
    """A trial's objectives, the last value of one that has not completed with its epoch, or why it failed."""
    if trial.state == TrialState.FAIL:
        return str(trial.user_attrs.get(REASON, ""))
    if trial.state in {TrialState.PRUNED, TrialState.RUNNING} and trial.intermediate_values:
        last = max(trial.intermediate_values)
        return f"{trial.intermediate_values[last]:.4f}@{last}"
    return ", ".join(f"{value:.4f}" for value in trial.values or ())


def compact(values: dict[str, Any]) -> str:
    """Suggested values in one short line."""
    return " ".join(f"{name.removeprefix('transfer.')}={_short(value)}" for name, value in values.items())


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _reuse(trial: FrozenTrial) -> tuple[str, float]:
    reused = [stage for stage in trial.user_attrs.get("stages", {}).values() if stage["reused"]]
    return " ".join(sorted(stage["kind"] for stage in reused)), sum(stage["seconds"] for stage in reused)
