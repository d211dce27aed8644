"""The terms on target images, against sums written out."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from sfcmt.pseudo_labels.weightings import WEIGHTINGS
from sfcmt.stages.terms.infomax import InfoMax
from sfcmt.stages.terms.neighbours import Neighbours
from sfcmt.stages.terms.pseudo_labels import PseudoLabels
from sfcmt.stages.terms.source_statistics import SourceStatistics
from tests.stages.terms.examples import Example


def test_infomax(one: Example) -> None:
    p = one.target().logits_BK.softmax(1)
    mean = p.mean(0)
    expected = -(p * p.log()).sum(1).mean() + (mean * mean.log()).sum()
    assert InfoMax()(one.step).item() == pytest.approx(expected.item(), rel=1e-3)


@pytest.mark.parametrize("threshold", [0.0, 0.9])
def test_pseudo_labels(one: Example, threshold: float) -> None:
    term = PseudoLabels(WEIGHTINGS["threshold"](3, threshold))
    term.start_epoch(one.survey())
    features, logits = one.surveyed()
    p = logits.softmax(1)
    centroids = [sum(p[i, k] * features[i] for i in range(60)) / p[:, k].sum() for k in range(3)]
    first = [nearest(feature, centroids) for feature in features]
    members = [[features[i] for i in range(60) if first[i] == k] for k in range(3)]
    hard = [torch.stack(own).mean(0) if own else centroids[k] for k, own in enumerate(members)]
    log_p, total = one.target().logits_BK.log_softmax(1), 0.0
    for place, row in enumerate(one.batch.target_B.tolist()):
        if p[row].max() >= threshold:
            total -= log_p[place, nearest(features[row], hard)].item()
    assert total > 0 or threshold > 0
    assert term(one.step).item() == pytest.approx(total / 16, rel=1e-3)


def nearest(feature: Tensor, centroids: list[Tensor]) -> int:
    cosines = [feature @ centroid / (feature.norm() * centroid.norm()) for centroid in centroids]
    return max(range(3), key=lambda k: cosines[k].item())


def test_neighbours(one: Example) -> None:
    term = Neighbours(count=2, decay=2.0)
    term.start_epoch(one.survey())
    features, logits = one.surveyed()
    bank, p = nn.functional.normalize(features, dim=1), logits.softmax(1)
    mine = nn.functional.normalize(one.target().features_BD, dim=1)
    q, rows = one.target().logits_BK.softmax(1), one.batch.target_B.tolist()
    bank[rows], p[rows] = mine, q  # the step's own rows are brought up to date first
    total = 0.0
    for i, row in enumerate(rows):
        others = sorted((j for j in range(60) if j != row), key=lambda j: (mine[i] @ bank[j]).item())
        total -= sum((q[i] @ p[j]).item() for j in others[-2:])
        total += (1 + 10 * 0.25) ** -2.0 * sum((q[i] @ q[j]).item() for j in range(16) if j != i)
    assert term(one.step).item() == pytest.approx(total / 16, rel=1e-3)


def test_neighbours_are_as_many_as_there_are(one: Example) -> None:
    few, many = Neighbours(count=59, decay=0.0), Neighbours(count=200, decay=0.0)
    for term in (few, many):
        term.start_epoch(one.survey())
    assert many(one.step).item() == few(one.step).item()


def test_neighbours_start_each_epoch_anew(one: Example) -> None:
    used, fresh = Neighbours(3, 1.0), Neighbours(3, 1.0)
    used.start_epoch(one.survey())
    first = used(one.step).item()
    for term in (used, fresh):
        term.start_epoch(one.survey())
    assert used(one.step).item() == fresh(one.step).item() == first


def test_source_statistics(one: Example) -> None:
    source, student = one.context.source, copy.deepcopy(one.untouched).double().train()
    total: list[float] = []

    def note(layer: nn.Module, inputs: tuple[Tensor, ...], name: str) -> None:
        x = inputs[0].transpose(0, 1).flatten(1)
        known = source.get_submodule(name)
        for ours, theirs in ((x.mean(1), known.running_mean), (x.var(1, correction=0), known.running_var)):
            assert isinstance(theirs, Tensor)
            total.append((ours - theirs.double()).square().sum().sqrt().item())

    for name, layer in student.named_modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.register_forward_pre_hook(lambda layer, inputs, name=name: note(layer, inputs, name))
    with torch.no_grad():
        student(one.batch.target.double().repeat(1, 3, 1, 1))
    assert SourceStatistics(source, fading=False)(one.step).item() == pytest.approx(sum(total), rel=1e-3)
    assert len(total) > 20


def test_the_released_scalar_fades_by_descent(one: Example) -> None:
    term = SourceStatistics(one.context.source, fading=True)
    assert term.scale is not None
    plain = SourceStatistics(one.context.source, fading=False)(one.step)
    loss = term(one.step)
    assert loss.item() == plain.item()
    loss.backward()
    assert term.scale.grad == plain  # the distance is the scalar's gradient, so that descent lowers it
