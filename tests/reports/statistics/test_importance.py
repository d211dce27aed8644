"""Importance of searched fields in small real studies."""

from __future__ import annotations

import optuna
import pytest

from sfcmt.reports.statistics.importance import Evaluator, importance

optuna.logging.set_verbosity(optuna.logging.WARNING)


def study(trials: int, directions: int = 1, *, flat: bool = False) -> optuna.Study:
    """Maximises a function of `much`, and a second one of `little`; `nil` does nothing."""

    def objective(trial: optuna.Trial) -> tuple[float, ...]:
        much, little = trial.suggest_float("much", -1, 1), trial.suggest_float("little", -1, 1)
        trial.suggest_float("nil", -1, 1)
        return (0.0,) if flat else (much + 0.1 * little, little)[:directions]

    made = optuna.create_study(directions=["maximize"] * directions, sampler=optuna.samplers.RandomSampler(seed=0))
    made.optimize(objective, n_trials=trials)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("evaluator", ["fanova", "ped_anova"])
def test_what_matters_comes_first(evaluator: Evaluator) -> None:
    found = importance(study(60), evaluator)
    assert found.shares is not None
    assert (found.n, found.evaluator, found.reason) == (60, evaluator, None)
    assert next(iter(found.shares)) == "much"
    assert found.shares["much"] > 0.6
    assert sum(found.shares.values()) == pytest.approx(1.0)
    assert found == importance(study(60), evaluator)


@pytest.mark.slow
@pytest.mark.parametrize("evaluator", ["fanova", "ped_anova"])
def test_each_of_two_objectives_has_its_own(evaluator: Evaluator) -> None:
    both = study(60, directions=2)
    tops = [max(shares, key=shares.__getitem__) for k in (0, 1) if (shares := importance(both, evaluator, k).shares)]
    assert tops == ["much", "little"]


def test_reasons_for_saying_nothing() -> None:
    few, flat = importance(study(9)), importance(study(12, flat=True))
    assert (few.shares, few.reason) == (None, "9 completed trials; at least 10 are needed")
    assert (flat.shares, flat.reason) == (None, "all 12 completed trials have the same objective")
