"""All trials of a search: states, values, scores."""

from __future__ import annotations

from optuna.trial import FrozenTrial, TrialState

from sfcmt.reports.sources.runs import ORACLE, VALIDATOR, Run
from sfcmt.reports.sources.search import SearchResults
from sfcmt.reports.tables.model import Cell, Column, Table, label, missing
from sfcmt.reports.tables.notes import notes_of
from sfcmt.reports.tables.numbers import Metric, seconds_text, setting_text
from sfcmt.tuning.search.optuna_study import REASON

_WORDS = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "stopped early", TrialState.FAIL: "failed"}


def trials_table(results: SearchResults, name: str) -> Table:
    """A row for each trial, the winner marked."""
    spec, pick = results.study.spec, results.selection["pick"]
    metrics = [Metric(f"{VALIDATOR}{one}") for one in dict.fromkeys((*spec.objective.names, pick))]
    judged = (f"{ORACLE}balanced_accuracy", f"{ORACLE}held_out_balanced_accuracy")
    oracles = [Metric(one) for one in judged if one in results.table.column_names]
    fields = list(results.study.space)
    columns = (
        Column("trial"),
        Column("state", is_number=False),
        *(Column(metric.title, is_oracle=metric.is_oracle) for metric in (*metrics, *oracles)),
        *(Column(field.removeprefix("transfer.")) for field in fields),
        Column("seconds"),
        Column("reused stages", is_number=False),
    )

    def row(trial: FrozenTrial) -> tuple[Cell, ...]:
        run = results.run_of(trial)
        is_winner = trial.number == results.selection["winner"]
        evidence = results.provenance.evidence(1, (run.seed,))
        number = Cell(
            f"{trial.number} (winner)" if is_winner else str(trial.number), evidence, "clear" if is_winner else ""
        )
        values = trial.user_attrs.get("values", {})
        settings = [
            Cell(setting_text(values[field]), evidence) if field in values else missing("not suggested")
            for field in fields
        ]
        scores = [_score(results, trial, run, metric) for metric in (*metrics, *oracles)]
        seconds = missing("not written down") if run.seconds is None else Cell(seconds_text(run.seconds), evidence)
        return (number, _state(trial), *scores, *settings, seconds, label(_reused(trial)))

    notes = [
        f"Objective: {', '.join(spec.objective.names)}, maximised {results.study.record.chosen}; winner by {pick}",
        "n: one model a trial, so no interval and no test; a trial that was stopped early shows its last value",
    ]
    rows = tuple(row(trial) for trial in results.study.trials)
    notes_all = notes_of(results.pick, notes, bool(oracles))
    return Table(name, f"Trials of {results.method} on {results.data}", columns, rows, notes_all, is_long=True)


def _state(trial: FrozenTrial) -> Cell:
    return Cell(_WORDS.get(trial.state, trial.state.name.lower()), hint=str(trial.user_attrs.get(REASON, "")))


def _score(results: SearchResults, trial: FrozenTrial, run: Run, metric: Metric) -> Cell:
    evidence = results.provenance.evidence(1, (run.seed,))
    if metric.column in run.scores:
        return Cell(metric.value(run.scores[metric.column]), evidence)
    is_objective = metric.column == f"{VALIDATOR}{results.study.spec.objective.names[0]}"
    if is_objective and trial.state == TrialState.PRUNED and trial.intermediate_values:
        step, value = max(trial.intermediate_values.items())
        return Cell(metric.value(value), evidence, "quiet", f"after epoch {step}, when it was stopped")
    return missing(str(trial.user_attrs.get(REASON, f"the trial is {_state(trial).text}")))


def _reused(trial: FrozenTrial) -> str:
    stages = trial.user_attrs.get("stages", {}).values()
    return ", ".join(sorted(stage["kind"] for stage in stages if stage["reused"])) or "none"
