"""Distilling a study: what the models of its finished trials say together, in one model."""

from __future__ import annotations

from typing import Any

from optuna.trial import TrialState

from sfcmt.callbacks import Callback
from sfcmt.commit import code_version
from sfcmt.outputs import Outputs
from sfcmt.recipe import Recipe
from sfcmt.recipes import transfer_recipe
from sfcmt.tuning.search.judge import Judge
from sfcmt.tuning.search.study import Study
from sfcmt.tuning.search.study_folder import DISTILLED as FILE
from sfcmt.tuning.training import train_stages

METHOD, DISTILLED = "pool_distillation", "distilled"
"""The method, and what its model is called in a study."""


def distill_study(study: Study, callback: Callback) -> dict[str, Any]:
    """Train the model, if it is missing, and write `distilled.json`. Raises `SearchError` on a study without a winner.

    The winner's model goes on learning from the mean prediction of all completed trials. No label is opened: the pool
    is that of the pick.
    """
    winner = study.selection()["winner"]
    completed = [trial for trial in study.trials if trial.state == TrialState.COMPLETE]
    ordered = sorted(completed, key=lambda trial: (trial.number != winner, trial.number))
    recipe = _stage(study, tuple(dict.fromkeys(trial.user_attrs["transfer"] for trial in ordered)))
    train_stages([recipe], study.experiment.runtime, study.store, callback)
    outputs = Outputs.load(study.store.get_or_train(recipe, study.experiment.runtime, Callback()).path)
    anchors = [outputs for _, outputs in study.anchor_pool()]
    judge, made = Judge(study.spec.objective, anchors, study.record.few_labels), study.distilled()
    distilled = {
        "study": study.identity,
        "commit": made["commit"] if made and made["transfer"] == recipe.identity else code_version(),
        "transfer": recipe.identity,
        "trials": [trial.number for trial in ordered],
        "validators": judge.validations(outputs),
    }
    study.write(FILE, distilled)
    return distilled


def _stage(study: Study, pool: tuple[str, ...]) -> Recipe:
    """The stage of the pool's method; its own fields are the experiment's `baselines.pool_distillation`."""
    baselines = study.experiment.baselines
    own = baselines.get(METHOD, {}) | {"pool": pool}
    experiment = study.experiment.model_copy(update={"baselines": baselines | {METHOD: own}})
    return transfer_recipe(experiment.with_method(METHOD), study.dataset_now(), experiment.seed)
