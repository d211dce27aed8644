"""Effects of a factorial design."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sfcmt.reports.findings.effects import effects_of
from sfcmt.reports.sources.ablation import AblationResults


def test_a_main_effect_is_the_difference_of_two_means(crossed: AblationResults) -> None:
    found = effects_of(crossed)
    assert found.analysis is not None
    values = {
        changed: np.mean(
            [
                run.scores["oracle/balanced_accuracy"]
                for run in crossed.runs
                if (run.factors["features"] != "own") == changed
            ]
        )
        for changed in (False, True)
    }
    effect = next(one for one in found.analysis.effects if one.name == "features")
    assert effect.value == pytest.approx(values[True] - values[False])
    assert len(found.analysis.effects) == len(found.corrected) == 6
    assert {one.family for one in found.corrected.values()} == {6}
    assert found.corrected["features"].is_rejected
    assert not found.corrected["domain_1"].is_rejected


def test_too_few_runs_give_a_reason(crossed: AblationResults) -> None:
    found = effects_of(replace(crossed, table=crossed.table.slice(0, 9)))
    assert found.analysis is None
    assert found.corrected == {}
    assert found.reason
