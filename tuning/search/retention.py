"""What a search keeps of its trials: `keep` in its spec. What was left running, or is paused, is left alone.

Under `finished` the checkpoints and weights of trials that were stopped early or failed go; under `best` also the
weights of finished ones, but the winner's and those of earlier winners. Outputs of finished trials always stay. What
somebody else uses stays as it is. Done twice, it is done once: whoever was killed in between is made up for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from optuna.trial import FrozenTrial, TrialState

from sfcmt.errors import SfcmtError
from sfcmt.garbage import PARTIAL, Piece, is_held, remove, strip
from sfcmt.recipe import Recipe
from sfcmt.recipes import TRANSFER, transfer_recipe
from sfcmt.tuning.search.space import apply_values
from sfcmt.tuning.search.study import Study
from sfcmt.tuning.search.study_folder import SELECTION
from sfcmt.uses import trial_user

_IN_VAIN = {TrialState.PRUNED, TrialState.FAIL}


def retain(study: Study) -> int:
    """Let go of what the study does not keep; the bytes of weights that were removed. Raises `OutageError`."""
    users = {user for users in study.store.uses.all().values() for user in users}
    for trial in study.trials:
        if trial_user(study.folder.name, trial.number) in users:
            let_go(study, trial)
    return sum(strip(study.store, name, users) for name, users in losing_weights(study).items())


def let_go(study: Study, trial: FrozenTrial) -> bool:
    """End the uses of a trial that was stopped early or failed, and remove what it alone has left.

    False if its process still holds it: try again later.
    """
    if recipe := _in_vain(study, trial):
        if is_held(study.store, recipe.folder_name):
            return False
        for one in recipe.with_upstream():
            study.store.uses.drop(one.folder_name, trial_user(study.folder.name, trial.number))
        list(remove(study.store, [Piece(PARTIAL, recipe.folder_name, 0)]))
        strip(study.store, recipe.folder_name, ())
    return True


def released(study: Study) -> Mapping[str, set[str]]:
    """The uses, by stage, that `retain` ends."""
    uses = defaultdict[str, set[str]](set)
    for trial in study.trials:
        if recipe := _in_vain(study, trial):
            for one in recipe.with_upstream():
                uses[one.folder_name].add(trial_user(study.folder.name, trial.number))
    return uses


def losing_weights(study: Study) -> Mapping[str, set[str]]:
    """The stages whose weights `retain` removes, each with the users that may have it."""
    completed = [trial for trial in study.trials if trial.state == TrialState.COMPLETE]
    if study.spec.keep != "best" or not (study.folder / SELECTION).is_file():
        return {}
    selection = study.selection()
    best = {one["transfer"] for one in (selection, *selection["earlier"])}
    users = {trial_user(study.folder.name, trial.number) for trial in completed}
    losing = dict.fromkeys(trial.user_attrs["transfer"] for trial in completed)
    return {f"{TRANSFER}-{identity}": users for identity in losing if identity not in best}


def recipe_of(study: Study, trial: FrozenTrial) -> Recipe:
    """What a trial trains. Raises `SfcmtError` for values that no experiment takes."""
    experiment = apply_values(study.experiment, trial.user_attrs["values"])
    return transfer_recipe(experiment, study.dataset, experiment.seed)


def _in_vain(study: Study, trial: FrozenTrial) -> Recipe | None:
    """The recipe of a trial that was stopped early or failed, unless all is kept."""
    if study.spec.keep == "all" or trial.state not in _IN_VAIN or "values" not in trial.user_attrs:
        return None
    try:
        return recipe_of(study, trial)
    except SfcmtError:  # nothing can have been trained
        return None
