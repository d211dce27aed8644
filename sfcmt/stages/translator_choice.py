"""Choosing the fixed translator under which the source model finds held-out pairs best. No label is read.

A good one makes of a target image what the source model knows from RGB: the features of the two sides of a pair are
near each other then, and those of other pairs are not.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from sfcmt.data.batches import UnlabelledData
from sfcmt.models.classifier import Prediction, frozen
from sfcmt.models.target_model import TargetModel, input_of, target_spec
from sfcmt.models.translators.copy import channel_copy
from sfcmt.models.translators.fixed import FIXED
from sfcmt.stages.predict import predict_rows
from sfcmt.workspace import Workspace

_MOST = 2000
"""Pairs that are compared, each with each."""


def choose_translator(workspace: Workspace) -> dict[str, float]:
    """How well pairs are found under the channel copy and each fixed translator. Nothing is trained."""
    source = TargetModel.load(workspace.artifact("source").path).to(workspace.device)
    frozen(source)
    found: dict[str, float] = {}
    real: Prediction | None = None
    for name in ("copy", *FIXED):
        data = _data(workspace, source, name)
        rows = data.held_pair_rows[:_MOST]
        real = real or predict_rows(source.classifier, data.pair_source, rows)  # the same under all of them
        target = predict_rows(lambda x: source.classifier(channel_copy(x)), data.pair_target, rows)
        found[name] = mean_reciprocal_rank(target.features_BD, real.features_BD)
    scores = ", ".join(f"{name} {score:.3f}" for name, score in found.items())
    workspace.notes.append(f"translator: {max(found, key=lambda name: found[name])} (reciprocal ranks: {scores})")
    return found


def _data(workspace: Workspace, source: TargetModel, translator: str) -> UnlabelledData:
    recipe = workspace.recipe
    to_target = input_of(target_spec(recipe.dataset, source.spec, recipe.size, translator))
    return UnlabelledData(
        recipe.dataset, recipe.data, workspace.reader(source.spec.resize), source.normalise, to_target
    )


def mean_reciprocal_rank(query_ND: Tensor, key_ND: Tensor) -> float:
    """How high each query ranks its own key among all, by the cosine of centred features; 1 if always first.

    A key that is as near as its own counts as nearer: features that are all alike find nothing.
    """
    query_ND, key_ND = (F.normalize((x - x.mean(dim=0)).double(), dim=1) for x in (query_ND, key_ND))
    similarity_NN = query_ND @ key_ND.T
    rank_N = (similarity_NN >= similarity_NN.diagonal()[:, None]).sum(dim=1)
    return torch.reciprocal(rank_N.double()).mean().item()
