"""A step computes what is asked for, once, and leaves the running statistics to the target images."""

from __future__ import annotations

import torch
from torch import nn

from sfcmt.models.classifier import Classifier, Prediction, batchnorm_layers
from sfcmt.precision import FLOAT32
from sfcmt.stages.term import Step, TargetPredictions
from sfcmt.stages.terms.infomax import InfoMax
from sfcmt.stages.terms.pair_features import PairFeatures
from sfcmt.stages.terms.pair_relations import PairRelations
from sfcmt.stages.terms.source_statistics import SourceStatistics
from tests.stages.terms.examples import Example


def counted(model: nn.Module) -> list[int]:
    """Grows by the batch size at each forward pass."""
    sizes: list[int] = []
    model.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    return sizes


def running(model: Classifier) -> list[torch.Tensor]:
    layers = batchnorm_layers(model)
    return [layer.get_buffer(name).clone() for layer in layers for name in ("running_mean", "running_var")]


def test_nothing_is_computed_or_loaded_until_it_is_asked_for(one: Example) -> None:
    sizes = counted(one.student)
    InfoMax().start_epoch(one.survey())
    assert sizes == []
    assert not {"target", "pair_target", "pair_source"} & vars(one.batch).keys()


def test_terms_share_forward_passes(one: Example) -> None:
    sizes, teacher_sizes = counted(one.student), counted(one.context.source)
    teacher = one.context.pair_teacher
    for term in (InfoMax(), SourceStatistics(one.context.source, fading=False)):
        term(one.step)
    assert sizes == [16]
    for pair_term in (PairFeatures(teacher), PairRelations(teacher)):
        pair_term(one.step)
    assert sizes == [16, 16]
    assert teacher_sizes == [60]
    assert "pair_source" not in vars(one.batch)


def test_a_survey_looks_once(one: Example) -> None:
    looks: list[int] = []

    def look() -> Prediction:
        looks.append(1)
        return Prediction(torch.zeros(2, 3), torch.ones(2, 4))

    survey = TargetPredictions(look)
    assert looks == []
    assert survey.target is survey.target
    assert looks == [1]


def test_running_statistics_follow_target_images_only(one: Example) -> None:
    before = running(one.student)
    assert one.step.pair.logits_BK.requires_grad
    assert all(map(torch.equal, running(one.student), before))
    assert all(layer.momentum == 0.1 for layer in batchnorm_layers(one.student))
    assert one.step.target.logits_BK.requires_grad
    assert not any(map(torch.equal, running(one.student), before))


def test_running_statistics_follow_pairs_where_no_term_looks_at_target_images(one: Example) -> None:
    before = running(one.student)
    assert len(Step(one.student, one.batch, follows_pairs=True, progress=0.0, precision=FLOAT32).pair.logits_BK) == 16
    assert not any(map(torch.equal, running(one.student), before))


def test_pairs_are_normalised_by_their_own_batch(one: Example) -> None:
    torch.testing.assert_close(one.step.pair.logits_BK.double(), one.pair().logits_BK, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(one.step.target.features_BD.double(), one.target().features_BD, atol=1e-3, rtol=1e-3)
