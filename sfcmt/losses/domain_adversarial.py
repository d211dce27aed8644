"""A discriminator tells two domains apart, and what feeds it learns to be told apart no longer."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import FunctionCtx


class _ReverseGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, strength: float) -> Tensor:
        ctx.strength = strength  # type: ignore[attr-defined]  # how torch has functions keep what is no tensor
        return x.view_as(x)

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradient, None  # type: ignore[attr-defined]


def reverse_gradient(x: Tensor, strength: float) -> Tensor:
    """Identity forward; multiplies the gradient by -`strength` backward. Any shape.

    Source: Ganin et al., JMLR 2016 (DANN), the pseudo-function R_lambda.
    """
    reversed_x: Tensor = _ReverseGradient.apply(x, strength)  # type: ignore[no-untyped-call]
    return reversed_x


def reversal_strength(progress: float) -> float:
    """Strength of the reversal at `progress` in [0, 1] of the training: 0 at its start, near 1 at its end.

        lambda = 2 / (1 + exp(-10 progress)) - 1

    Source: Ganin et al., JMLR 2016 (DANN), lambda_p.
    """
    return 2 / (1 + math.exp(-10 * progress)) - 1


def domain_adversarial(domain_logits_B: Tensor, is_target_B: Tensor) -> Tensor:
    """Binary cross-entropy of the discriminator's logits (B,) against the domain (B,), 1 or True for the target's.

        L_D = -1/B sum [d_i log s(z_i) + (1 - d_i) log(1 - s(z_i))],  s the sigmoid

    Reverse the gradient of the features before the discriminator: then one step trains both sides.
    Source: Ganin et al., JMLR 2016 (DANN), L_d; TGMB, arXiv 2401.05014, L_D.
    """
    return F.binary_cross_entropy_with_logits(domain_logits_B, is_target_B.to(domain_logits_B.dtype))
