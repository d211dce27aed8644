"""How strange images are to a network, without labels. Only readings of the same images can be compared by it.

Confidence tells nothing: pixels of 0 to 255 saturate a network that expects 0 to 1, and it is sure of all of them.
Shapes: B images, C channels, D features, K classes, L layers.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from sfcmt.models.classifier import Classifier, Prediction, batchnorm_layers

_LEAST = 1e-6
_Seen = dict[_BatchNorm, list[Tensor]]


def keeps_statistics(model: nn.Module) -> bool:
    """Whether the model says by its batch norms what it saw in training."""
    return any(layer.running_mean is not None for layer in batchnorm_layers(model))


@torch.no_grad()
def batchnorm_strangeness(model: Classifier, x_BCHW: Tensor, batch: int) -> Tensor:
    """Normalised images -> (L,): log of KL(images || training) of what enters each batch norm, mean over its channels.

    Both sides are taken for normal distributions, a channel at a time.
    """
    seen: _Seen = defaultdict(list)
    kept = [layer for layer in batchnorm_layers(model) if layer.running_mean is not None]
    handles = [layer.register_forward_pre_hook(partial(_note, seen)) for layer in kept]
    try:
        for part in torch.split(x_BCHW, batch):
            model(part)
    finally:
        for handle in handles:
            handle.remove()
    return torch.stack([_divergence(layer, seen[layer]) for layer in kept if layer in seen]).log()


@torch.no_grad()
def answer_strangeness(model: Classifier, x_BCHW: Tensor, batch: int) -> Tensor:
    """Normalised images -> (1,): minus log of (how stable and diverse answers are, times how far apart features are).

    The first is log(p(same answer to two views of an image) / p(same answer to views of any two images)), with logits
    brought to unit scale, so that no certainty enters; the second is 1 - mean cosine between features of two images.
    Views are the image, its mirror image and its centre.
    """
    plain, *others = (_predict(model, view, batch) for view in (x_BCHW, x_BCHW.flip(-1), _centre(x_BCHW)))
    scale = torch.cat([_centred(one.logits_BK) for one in (plain, *others)]).square().mean().sqrt()
    answers_BK, *moved = [(_centred(one.logits_BK) / scale).softmax(dim=1) for one in (plain, *others)]
    same_BB = torch.stack([answers_BK @ other_BK.T for other_BK in moved]).mean(dim=0)
    told = (same_BB.diagonal().mean() / same_BB.mean()).log()
    features_BD = F.normalize(plain.features_BD, dim=1)
    apart = 1 - (features_BD @ features_BD.T)[~torch.eye(len(x_BCHW), dtype=torch.bool)].mean()
    return -(told.clamp_min(_LEAST) * apart.clamp_min(_LEAST)).log()[None]


def _note(seen: _Seen, layer: nn.Module, given: tuple[Tensor, ...]) -> None:
    assert isinstance(layer, _BatchNorm)
    x_CN = given[0].transpose(0, 1).flatten(1).double()
    count_C = torch.full_like(x_CN[:, 0], x_CN.shape[1])
    seen[layer].append(torch.stack([count_C, x_CN.sum(dim=1), x_CN.square().sum(dim=1)]))


def _divergence(layer: _BatchNorm, sums: list[Tensor]) -> Tensor:
    count_C, sum_C, square_C = torch.stack(sums).sum(dim=0)
    assert layer.running_mean is not None
    assert layer.running_var is not None
    mean_C, stored_C = sum_C / count_C, layer.running_var + layer.eps
    ratio_C = ((square_C / count_C - mean_C.square()).clamp_min(0) + layer.eps) / stored_C
    shift_C = (mean_C - layer.running_mean).square() / stored_C
    divergence: Tensor = ((ratio_C + shift_C - 1 - ratio_C.log()) / 2).mean()
    return divergence


def _predict(model: Classifier, x_BCHW: Tensor, batch: int) -> Prediction:
    parts = [model(part) for part in torch.split(x_BCHW, batch)]
    return Prediction(*(torch.cat(tensors) for tensors in zip(*parts, strict=True)))


def _centred(logits_BK: Tensor) -> Tensor:
    return logits_BK - logits_BK.mean(dim=1, keepdim=True)


def _centre(x_BCHW: Tensor) -> Tensor:
    size = x_BCHW.shape[-1]
    edge = size // 16
    inner = x_BCHW[..., edge : size - edge, edge : size - edge]
    return F.interpolate(inner, size=(size, size), mode="bilinear", antialias=True)
