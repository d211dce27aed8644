"""Arms against the baseline, by worked examples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from sfcmt.reports.findings.arms import arm_findings
from sfcmt.reports.sources.ablation import AblationResults
from tests.reports.ablations import ablation

BASE = {("baseline", seed): value for seed, value in enumerate((0.80, 0.82, 0.81, 0.83, 0.84))}
FEATURES = {("no-features", seed): value for seed, value in enumerate((0.70, 0.74, 0.72, 0.72, 0.77))}
SELF = {("no-self", seed): value for seed, value in enumerate((0.79, 0.82, 0.81, 0.84, 0.80))}
NONE: dict[tuple[str, int], float | None] = {("no-domain_1", seed): None for seed in range(5)}


def study(data: Path, folder: Path, **spec: Any) -> AblationResults:
    return ablation(folder / "worked", data, values={**BASE, **FEATURES, **SELF, **NONE}, **spec)


def test_values_by_hand(tiny_data: Path, tmp_path: Path) -> None:
    base, features, own, nothing = arm_findings(study(tiny_data, tmp_path))
    assert base.is_baseline
    assert (base.difference, base.corrected) == (None, None)
    assert features.mean is not None
    assert features.mean.value == pytest.approx(0.73)
    # differences -10, -8, -9, -11, -7: mean -9, standard error sqrt(2.5 / 5)
    assert features.difference is not None
    assert features.difference.interval is not None
    assert features.difference.mean == pytest.approx(-0.09)
    half = stats.t.ppf(0.975, 4) * 0.5**0.5 / 100
    assert features.difference.interval.low == pytest.approx(-0.09 - half)
    p_values = [stats.ttest_1samp(values, 0).pvalue for values in ([-10, -8, -9, -11, -7], [-1, 0, 0, 1, -4])]
    assert features.corrected is not None
    assert own.corrected is not None
    assert features.corrected.adjusted_p == pytest.approx(2 * p_values[0])
    assert own.corrected.adjusted_p == pytest.approx(p_values[1])
    assert features.is_clear
    assert not own.is_clear
    assert nothing.absent == (0, 1, 2, 3, 4)
    assert (nothing.mean, nothing.difference, nothing.corrected) == (None, None, None)


def test_seeds_that_failed_are_left_out_and_named(parts: AblationResults) -> None:
    found = {one.arm: one for one in arm_findings(parts)}
    assert found["no-self"].absent == (3,)
    difference = found["no-self"].difference
    assert difference is not None
    assert (difference.seeds, difference.unpaired) == ((0, 1, 2, 4), (3,))


def test_the_studys_own_level_and_metric(tiny_data: Path, tmp_path: Path) -> None:
    test = {"metric": "infomax", "alpha": 0.1, "correction": "none"}
    found = arm_findings(study(tiny_data, tmp_path, test=test))[1]
    assert found.mean is not None
    assert found.mean.value == pytest.approx(0.73 - 1)
    assert found.mean.interval is not None
    assert found.mean.interval.level == 0.9
    assert found.corrected is not None
    assert found.corrected.family == 2
    assert found.corrected.adjusted_p == found.corrected.p_value


def test_where_seeds_were_added_the_rule_decides_and_nothing_is_tested(tiny_data: Path, tmp_path: Path) -> None:
    seeds = {"min": 3, "max": 5, "looks": 2}
    found = arm_findings(study(tiny_data, tmp_path, seeds=seeds))[1]
    assert found.corrected is None
    assert found.decision is not None
    # the first look: differences -10, -8, -9 at level 1 - 0.05 / 3 arms / 2 looks
    half = stats.t.ppf(1 - 0.05 / 12, 2) * (1 / 3) ** 0.5 / 100
    assert found.decision.n == 3
    assert found.decision.low == pytest.approx(-0.09 - half)
    assert found.is_clear == (half < 0.09)


def test_a_factorial_design_is_not_judged_arm_by_arm(crossed: AblationResults) -> None:
    found = arm_findings(crossed)
    assert len(found) == 8
    assert all(one.corrected is None and not one.is_clear for one in found)
    assert all(one.difference for one in found if not one.is_baseline)
