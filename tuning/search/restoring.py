"""Weights that a study has let go of, and needs again: a search that was extended may pick an earlier trial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sfcmt.callbacks import Callback
from sfcmt.recipes import TRANSFER
from sfcmt.tuning.search.optuna_study import SearchError
from sfcmt.tuning.search.retention import recipe_of
from sfcmt.tuning.search.study import Study
from sfcmt.tuning.training import train_stages


def restore_weights(study: Study, selection: Mapping[str, Any], callback: Callback) -> None:
    """Train the winner of a selection again if its weights were removed. Its outputs stay those that it was picked by.

    Raises `SearchError` where today's code would make another model.
    """
    artifact = study.store.open(TRANSFER, selection["transfer"])
    if artifact is None or artifact.is_whole:
        return
    recipe = recipe_of(study, study.trials[selection["winner"]])
    if recipe.identity != selection["transfer"]:
        lost = f"the weights of its winner, trial {selection['winner']}, were removed, and this release trains another"
        raise SearchError(f"study {study.name}: {lost}; raise `search.trials`, or search anew")
    with callback.doing(f"training trial {selection['winner']} again: its weights were removed"):
        train_stages([recipe], study.experiment.runtime, study.store, callback)
