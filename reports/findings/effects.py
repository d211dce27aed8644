"""Main effects and interactions of a factorial ablation, with their p-values corrected as one family."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.sources.runs import samples_of
from sfcmt.reports.statistics.correction import Corrected, correct
from sfcmt.reports.statistics.factorial import FactorialAnalysis, factorial_effects
from sfcmt.reports.statistics.samples import StatisticsError
from sfcmt.tuning.ablation.factors import OWN


@dataclass(frozen=True)
class Effects:
    """The analysis with corrected p-values by effect, or why there is none."""

    analysis: FactorialAnalysis | None
    corrected: dict[str, Corrected]
    reason: str = ""


def effects_of(results: AblationResults) -> Effects:
    """The effects of a factorial or fractional design."""
    samples = samples_of(results.runs, results.spec.test.column)
    factors, seeds = list(results.spec.factors), results.seeds
    levels = {run.arm: run.factors for run in results.runs}
    signs_AF = np.array([[-1 if levels[arm][name] == OWN else 1 for name in factors] for arm in samples])
    values_AS = np.array([[sample.get(seed, np.nan) for seed in seeds] for sample in samples.values()])
    try:
        analysis = factorial_effects(factors, signs_AF, values_AS, seeds, results.level)
    except StatisticsError as error:
        return Effects(None, {}, str(error))
    p_values = {effect.name: effect.p_value for effect in analysis.effects}
    return Effects(analysis, correct(p_values, results.spec.test.correction, results.spec.test.alpha))
