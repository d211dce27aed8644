"""The best model of a pool is the one most like the pool's ensemble."""

from __future__ import annotations

from collections.abc import Sequence

from sfcmt.ensemble import mean_probabilities
from sfcmt.outputs import Outputs
from sfcmt.validators import POOL_VALIDATORS


@POOL_VALIDATORS.register("ensv")
def ensv(pool: Sequence[Outputs]) -> list[float]:
    """Share of target images that each model gives the same class as the ensemble; in [0, 1], in the pool's order.

        e_i = argmax_k 1/|pool| sum_m p_ik^m,  score_m = 1/N sum_i 1[argmax_k p_ik^m = e_i]

    The pool has at least one model, all of them on the same images. Source: Hu et al., 2023 (EnsV).
    """
    ensemble_N = mean_probabilities(pool).argmax(dim=1)
    return [(outputs.target_logits.argmax(dim=1) == ensemble_N).double().mean().item() for outputs in pool]
