"""Thresholds that rise with the confidence of the model, less so for classes that it is slow to learn."""

from __future__ import annotations

import torch
from torch import Tensor

from sfcmt.pseudo_labels.weighting import Weighting
from sfcmt.pseudo_labels.weightings import WEIGHTINGS


@WEIGHTINGS.register("freematch")
class FreeMatch(Weighting):
    """A global threshold, scaled by class. Takes no heed of `threshold`.

        w_i = 1[max_k p_ik >= tau_{argmax_k p_ik}],  tau_k = tau p~_k / max_k' p~_k'
        tau <- m tau + (1 - m) mean_i max_k p_ik,  p~ <- m p~ + (1 - m) mean_i p_i,  both 1/K at first

    Source: Wang et al., ICLR 2023 (FreeMatch), self-adaptive thresholding tau_t(c).
    """

    confidence: Tensor
    prediction: Tensor

    def __init__(self, classes: int, threshold: float) -> None:
        super().__init__()
        self.register_buffer("confidence", torch.tensor(1 / classes))
        self.register_buffer("prediction", torch.full((classes,), 1 / classes))

    def update(self, probabilities_BK: Tensor) -> None:
        self.average(self.confidence, probabilities_BK.amax(dim=1).mean())
        self.average(self.prediction, probabilities_BK.mean(dim=0))

    def weigh(self, probabilities_BK: Tensor) -> Tensor:
        thresholds_K = self.confidence * self.prediction / self.prediction.max()
        confidence_B, labels_B = probabilities_BK.max(dim=1)
        return confidence_B >= thresholds_K[labels_B]
