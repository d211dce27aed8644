"""The two distilling terms, against sums written out."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sfcmt.stages.terms.pair_distillation import PairDistillation
from sfcmt.stages.terms.target_distillation import TargetDistillation
from tests.stages.terms.examples import Example, example, in_float64


def divergence(teacher_BK: Tensor, student_BK: Tensor, temperature: float) -> float:
    """T^2 mean_i sum_k q log(q / p), element by element."""
    total = 0.0
    for teacher, student in zip(teacher_BK.tolist(), student_BK.tolist(), strict=True):
        q, p = ([math.exp(logit / temperature) for logit in logits] for logits in (teacher, student))
        for a, b in zip(q, p, strict=True):
            total += a / sum(q) * math.log((a / sum(q)) / (b / sum(p)))
    return temperature**2 * total / len(teacher_BK)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_bridge(one: Example, temperature: float) -> None:
    context = one.context
    with torch.no_grad():
        translated = context.translator(context.data.target.clean(one.batch.target_B))
    expected = divergence(in_float64(context.source, translated).logits_BK, one.target().logits_BK, temperature)
    loss = TargetDistillation(context.teacher(["bridge"]), temperature)(one.step)
    assert loss.item() == pytest.approx(expected, rel=1e-3)
    assert loss.requires_grad


def test_bridge_with_a_teacher_of_the_student_s_view(tiny_data: Path, tiny_store: Path, tmp_path: Path) -> None:
    one = example(tiny_data, tiny_store, tmp_path, teacher_view="augmented")
    with torch.no_grad():
        translated = one.context.translator(one.batch.target)
    expected = divergence(in_float64(one.context.source, translated).logits_BK, one.target().logits_BK, 1.0)
    loss = TargetDistillation(one.context.teacher(["bridge"]), 1.0)(one.step)
    assert loss.item() == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_pairs(one: Example, temperature: float) -> None:
    expected = divergence(one.real().logits_BK, one.pair().logits_BK, temperature)
    loss = PairDistillation(one.context.pair_teacher, temperature)(one.step)
    assert loss.item() == pytest.approx(expected, rel=1e-3)
    assert loss.requires_grad
