"""Confidence and diversity of the predictions."""

from __future__ import annotations

from sfcmt.losses.information_maximisation import information_maximisation
from sfcmt.outputs import Outputs
from sfcmt.validators import VALIDATORS


@VALIDATORS.register("infomax")
def infomax(outputs: Outputs) -> float:
    """Mutual information of image and predicted class, in nats; in [0, log K].

        H(1/N sum_i p_i) - 1/N sum_i H(p_i)

    Source: Shi and Sha, ICML 2012 (information-theoretical learning); as a validator in Hu et al., 2023 (EnsV).
    """
    return -information_maximisation(outputs.target_logits.double()).item()
