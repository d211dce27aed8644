"""Adapting scales and shifts of normalisation layers, in place of BN adaptation where there is no batch norm.

Source: Wang et al., ICLR 2021 (TENT): minimise the entropy of the predictions over the scales and shifts of the
normalisation, online, in one pass. Niu et al., ICLR 2023 (SAR, equation 2): of the images, those alone whose entropy is
below 0.4 ln K are reliable, and layer norm makes it stable.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain

import torch
from torch import Tensor

from sfcmt.data.batches import Column
from sfcmt.models.classifier import Classifier
from sfcmt.models.normalisation import affine_layers
from sfcmt.models.translators.copy import channel_copy

_BATCH, _LR, _MOMENTUM, _RELIABLE = 64, 1e-3, 0.9, 0.4
"""As published; SAR's margin is a share of the greatest entropy."""


def adapt_affines(model: Classifier, column: Column, order_N: Tensor) -> int:
    """Adapt the model in place, in evaluation mode, over the column's rows in order; the number of layers adapted."""
    layers = affine_layers(model)
    if not layers:
        return 0
    model.eval().requires_grad_(False)
    adapted = [*chain.from_iterable(layer.parameters(recurse=False) for layer in layers)]
    optimiser = torch.optim.SGD(adapted, lr=_LR, momentum=_MOMENTUM)
    for parameter in adapted:
        parameter.requires_grad_(True)
    for entropy_B in _entropies(model, column, order_N):
        optimiser.zero_grad()
        if len(entropy_B):
            entropy_B.mean().backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    model.requires_grad_(True)
    return len(layers)


def _entropies(model: Classifier, column: Column, order_N: Tensor) -> Iterator[Tensor]:
    """H(p) of the reliable images of each batch, in nats."""
    for x_BCHW in column.each(torch.split(order_N, _BATCH)):
        logits_BK = model(channel_copy(x_BCHW)).logits_BK
        entropy_B = -(logits_BK.softmax(dim=1) * logits_BK.log_softmax(dim=1)).sum(dim=1)
        yield entropy_B[entropy_B < _RELIABLE * math.log(logits_BK.shape[1])]
