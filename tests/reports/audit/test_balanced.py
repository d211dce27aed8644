from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score
from statsmodels.stats.proportion import proportion_confint

from sfcmt.reports.audit.balanced import balanced_accuracy, balanced_limits
from sfcmt.reports.audit.draw import draw

GENERATOR = np.random.default_rng(0)
LABELS = GENERATOR.choice(3, size=300, p=[0.6, 0.3, 0.1])
PREDICTED = np.where(GENERATOR.random(300) < [0.9, 0.5, 0.3][1], LABELS, 0)


def test_of_all_images_it_is_scikit_learns() -> None:
    drawn = draw(PREDICTED, 300, 1)
    found = balanced_accuracy(drawn, {row: int(LABELS[row]) for row in drawn.rows}, PREDICTED, 3)
    assert found.value == pytest.approx(balanced_accuracy_score(LABELS, PREDICTED))
    assert found.labels == tuple(np.bincount(LABELS).tolist())
    assert found.interval is not None
    assert found.value is not None
    assert found.value in found.interval


def test_limits_put_wilsons_together() -> None:
    shares, counts = np.array([0.5, 0.75, 1.0]), np.array([10, 4, 6])
    singles = np.array(
        [proportion_confint(share * n, n, 0.1, method="wilson") for share, n in zip(shares, counts, strict=True)]
    )
    low, high = balanced_limits(shares, counts, 0.9)
    assert low == pytest.approx(0.75 - np.sqrt(((shares - singles[:, 0]) ** 2).sum()) / 3)
    assert high == pytest.approx(0.75 + np.sqrt(((shares - singles[:, 1]) ** 2).sum()) / 3)


def test_a_class_with_too_few_labels_is_named() -> None:
    drawn = draw(PREDICTED, 12, 1)
    labels = [0] * 7 + [1] * 3 + [2] * 2
    found = balanced_accuracy(drawn, dict(zip(drawn.rows, labels, strict=True)), PREDICTED, 4)
    assert (found.value, found.interval, found.too_few, found.labels) == (None, None, (2, 3), (7, 3, 2, 0))


def test_there_is_no_interval_where_a_class_is_not_known() -> None:
    drawn = draw(PREDICTED, 300, 1)
    known: dict[int, int | None] = {row: int(LABELS[row]) for row in drawn.rows}
    found = balanced_accuracy(drawn, known | {drawn.rows[3]: None}, PREDICTED, 3)
    assert found.value is not None
    assert found.interval is None
    assert sum(found.labels) == 299


def test_bias_and_coverage() -> None:
    truth, values, covered = balanced_accuracy_score(LABELS, PREDICTED), [], []
    for seed in range(120):
        drawn = draw(PREDICTED, 80, seed)
        found = balanced_accuracy(drawn, {row: int(LABELS[row]) for row in drawn.rows}, PREDICTED, 3)
        if found.value is not None and found.interval is not None:
            values.append(found.value)
            covered.append(truth in found.interval)
    assert len(values) > 110
    assert abs(np.mean(values) - truth) < 0.02
    assert np.mean(covered) > 0.9
