"""Which hyperparameters of a search mattered."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from optuna import Study
from optuna.importance import (
    BaseImportanceEvaluator,
    FanovaImportanceEvaluator,
    PedAnovaImportanceEvaluator,
    get_param_importances,
)
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

Evaluator = Literal["fanova", "ped_anova"]
MIN_TRIALS = 10
"""Completed trials below which nothing is said."""
_TOP = 5


@dataclass(frozen=True)
class Importance:
    """Shares of importance by field, which sum to 1, the largest first; or why there are none."""

    evaluator: Evaluator
    objective: int
    n: int
    """Completed trials with a finite objective."""
    shares: dict[str, float] | None
    reason: str | None = None


def importance(study: Study, evaluator: Evaluator = "ped_anova", objective: int = 0) -> Importance:
    """Importance of each searched field for one of the objectives.

    `fanova`: share of the objective's variance that a field explains by itself, after a random forest (Hutter et al.
    2014). `ped_anova`: how far the field's values among the best tenth, though at least five, of the trials differ from
    those of all (Watanabe et al. 2023). Neither tells a direction, and both rest on where the sampler went.
    """
    completed = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    values = [trial.values[objective] for trial in completed if math.isfinite(trial.values[objective])]
    n = len(values)
    if n < MIN_TRIALS:
        return Importance(evaluator, objective, n, None, f"{n} completed trials; at least {MIN_TRIALS} are needed")
    if len(set(values)) == 1:
        return Importance(evaluator, objective, n, None, f"all {n} completed trials have the same objective")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PED-ANOVA reminds of the direction, which _lower_is_better sees to
        found = get_param_importances(
            study, evaluator=_evaluator(evaluator, n), target=_lower_is_better(study, objective)
        )
    if not found:
        return Importance(evaluator, objective, n, None, "no field is searched in every completed trial")
    return Importance(evaluator, objective, n, dict(sorted(found.items(), key=lambda item: (-item[1], item[0]))))


def _evaluator(name: Evaluator, n: int) -> BaseImportanceEvaluator:
    if name == "fanova":
        return FanovaImportanceEvaluator(seed=0)
    return PedAnovaImportanceEvaluator(target_quantile=max(0.1, _TOP / n))


def _lower_is_better(study: Study, objective: int) -> Callable[[FrozenTrial], float]:
    sign = -1 if study.directions[objective] == StudyDirection.MAXIMIZE else 1
    return lambda trial: sign * trial.values[objective]
