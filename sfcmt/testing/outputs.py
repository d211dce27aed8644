"""Outputs of imaginary models, to try validators with."""

from __future__ import annotations

import torch
from torch import Tensor

from sfcmt.outputs import NAMES, Outputs

CONFIDENT = 100.0
"""A logit that leaves the other classes a probability of e^-100."""


def outputs(logits_NK: Tensor, pair_logits_MK: Tensor | None = None, pair_features_MD: Tensor | None = None) -> Outputs:
    """A model with these target logits; its pairs, unless given, are its target images, of four random features."""
    features_ND = torch.randn(len(logits_NK), 4, generator=torch.Generator().manual_seed(1))
    truth_MK = CONFIDENT * torch.eye(logits_NK.shape[1])[torch.arange(len(logits_NK)) % logits_NK.shape[1]]
    return Outputs(
        target_logits=logits_NK,
        target_features=features_ND,
        pair_logits=logits_NK if pair_logits_MK is None else pair_logits_MK,
        pair_features=features_ND if pair_features_MD is None else pair_features_MD,
        pair_source_logits=truth_MK,
        pair_source_features=features_ND,
    )


def perfect(images: int, classes: int) -> Outputs:
    """Confident, balanced, and of one mind with the source model."""
    return outputs(CONFIDENT * torch.eye(classes)[torch.arange(images) % classes])


def uniform(images: int, classes: int) -> Outputs:
    """Knows nothing."""
    return outputs(torch.zeros(images, classes))


def collapsed(images: int, classes: int) -> Outputs:
    """Surely class 0, whatever the image."""
    return outputs(CONFIDENT * torch.eye(classes)[[0] * images])


def random(images: int, classes: int, seed: int = 0) -> Outputs:
    """Logits from a normal distribution; the target and the source side of pairs have nothing in common."""
    generator = torch.Generator().manual_seed(seed)
    return outputs(
        3 * torch.randn(images, classes, generator=generator),
        torch.randn(images, classes, generator=generator),
        torch.randn(images, 4, generator=generator),
    )


def reordered(model: Outputs, order: Tensor) -> Outputs:
    """The same model with its images, and its pairs, in another order."""
    return Outputs(**{name: getattr(model, name)[order] for name in NAMES})
