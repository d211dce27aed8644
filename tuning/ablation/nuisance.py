"""Nuisance fields: in each arm a search of its own by a validator, with the same budget, before the arms are compared.

A search is a study like any other, at STORE/studies/nuisance-IDENTITY: ablations that ask for the same share it. It
runs at the experiment's seed. Its values are drawn at random by the number of the trial, the same in every arm, since
what a sampler that learns suggests would depend on which of several trials ends first.
"""

from __future__ import annotations

import json
from typing import Any

from sfcmt.callbacks import Callback
from sfcmt.clusters.session import ray_session
from sfcmt.tuning.ablation.designs import Arm
from sfcmt.tuning.ablation.study import NUISANCE, Ablation
from sfcmt.tuning.search.spec import CheckedSearch, Objective, Pick, Search, SearchSpec
from sfcmt.tuning.search.study import Study
from sfcmt.tuning.search.study_folder import SELECTION

_NAME = "nuisance"


def search_nuisance(ablation: Ablation, callback: Callback) -> None:
    """Search each arm, if the spec asks for it, and write what was picked to `nuisance.json`."""
    if ablation.spec.nuisance and not ablation.nuisance:
        with ray_session(callback):  # one for all arms
            picked = {arm.name: _picked(ablation, arm, callback) for arm in ablation.design.arms}
        ablation.write(NUISANCE, (json.dumps(picked, indent=2) + "\n").encode())


def _picked(ablation: Ablation, arm: Arm, callback: Callback) -> dict[str, Any]:
    from sfcmt.tuning.search.run import run_study

    study = Study.of(_NAME, _search(ablation, arm))
    if (study.folder / SELECTION).is_file():
        selection = study.selection()
    else:
        with callback.doing(f"searching the nuisance fields of {arm.name}"):
            selection = run_study(study, callback)
    return {"search": study.folder.name, "trial": selection["winner"], "values": selection["values"]}


def _search(ablation: Ablation, arm: Arm) -> CheckedSearch:
    nuisance = ablation.spec.nuisance
    assert nuisance is not None
    spec = SearchSpec(
        experiment=ablation.spec.experiment,
        space=nuisance.space,
        objective=Objective(validator=nuisance.validator),
        pick=Pick(validator=nuisance.pick),
        search=Search(sampler="random", trials=nuisance.trials),
        resources=ablation.spec.resources,
        keep=ablation.spec.keep,
    )
    return CheckedSearch(spec, ablation.checked.experiment_of(arm), nuisance.space)
