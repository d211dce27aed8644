"""The terms on features of pairs, against sums written out."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfcmt.stages.terms.pair_features import PairFeatures
from sfcmt.stages.terms.pair_relations import PairRelations
from tests.stages.terms.examples import Example, example, in_float64


def test_features(one: Example) -> None:
    expected = (one.pair().features_BD - one.real().features_BD).square().sum().item() / (16 * 256)
    assert PairFeatures(one.context.pair_teacher)(one.step).item() == pytest.approx(expected, rel=1e-3)


def test_features_under_the_same_view(tiny_data: Path, tiny_store: Path, tmp_path: Path) -> None:
    one = example(tiny_data, tiny_store, tmp_path, teacher_view="augmented")
    real = in_float64(one.context.source, one.batch.pair_source).features_BD
    expected = (one.pair().features_BD - real).square().mean().item()
    assert PairFeatures(one.context.pair_teacher)(one.step).item() == pytest.approx(expected, rel=1e-3)


def test_relations(one: Example) -> None:
    student, teacher, total = one.pair().features_BD, one.real().features_BD, 0.0
    for i in range(16):
        for j in range(16):
            if i != j:
                ours = student[i] @ student[j] / (student[i].norm() * student[j].norm())
                theirs = teacher[i] @ teacher[j] / (teacher[i].norm() * teacher[j].norm())
                total += (ours - theirs).item() ** 2
    loss = PairRelations(one.context.pair_teacher)(one.step)
    assert loss.item() == pytest.approx(total / (16 * 15), rel=1e-3)
