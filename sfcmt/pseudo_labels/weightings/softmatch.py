"""Trust falls off smoothly below the average confidence."""

from __future__ import annotations

import torch
from torch import Tensor

from sfcmt.pseudo_labels.weighting import Weighting
from sfcmt.pseudo_labels.weightings import WEIGHTINGS


@WEIGHTINGS.register("softmatch")
class SoftMatch(Weighting):
    """A Gaussian of the confidence c = max_k p_k, truncated above its running mean. Takes no heed of `threshold`.

        w_i = exp(-min(c_i - mu, 0)^2 / (2 sigma^2))
        mu <- m mu + (1 - m) mean(c),  sigma^2 <- m sigma^2 + (1 - m) var(c),  at first mu = 1/K, sigma^2 = 1

    var is the unbiased one, so a batch of one leaves sigma^2 as it was. Without uniform alignment.
    Source: Chen et al., ICLR 2023 (SoftMatch), lambda(p).
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, classes: int, threshold: float) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(1 / classes))
        self.register_buffer("variance", torch.tensor(1.0))

    def update(self, probabilities_BK: Tensor) -> None:
        confidence_B = probabilities_BK.amax(dim=1)
        self.average(self.mean, confidence_B.mean())
        if len(confidence_B) > 1:
            self.average(self.variance, confidence_B.var())

    def weigh(self, probabilities_BK: Tensor) -> Tensor:
        shortfall_B = (probabilities_BK.amax(dim=1) - self.mean).clamp(max=0)
        smallest = torch.finfo(self.variance.dtype).tiny  # no 0/0 once all are equally confident
        return torch.exp(-shortfall_B.square() / (2 * self.variance.clamp(min=smallest)))
