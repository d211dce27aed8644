"""The target model says of a target image what the source model says of its pair."""

from __future__ import annotations

from sfcmt.outputs import Outputs
from sfcmt.validators import VALIDATORS, on_pairs


@VALIDATORS.register("pair_agreement")
@on_pairs
def pair_agreement(outputs: Outputs) -> float:
    """Share of held-out TI pairs whose two sides get the same class; in [0, 1].

        1/M sum_i 1[argmax C_t(F_t(x_i^t)) = argmax C_s(F_s(x_i^s))]

    Warning: it rewards collapse. TI images are of none of the classes, and the source model gives many of them the
    same few; a target model that gives all images the commonest one agrees often.
    """
    agrees_M = outputs.pair_logits.argmax(dim=1) == outputs.pair_source_logits.argmax(dim=1)
    return agrees_M.double().mean().item()
