"""The discriminator of TGMB."""

from __future__ import annotations

import torch

from sfcmt.models.bottleneck import BOTTLENECK
from sfcmt.models.discriminator import Discriminator


def test_learns_to_tell_two_clouds_apart() -> None:
    torch.manual_seed(0)
    discriminator, is_target = Discriminator(BOTTLENECK), torch.arange(64) % 2
    features = torch.randn(64, BOTTLENECK) + 0.5 * is_target[:, None]
    optimiser = torch.optim.Adam(discriminator.parameters(), lr=1e-2)
    for _ in range(20):
        logits = discriminator(features)
        assert logits.shape == (64,)
        optimiser.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(logits, is_target.float()).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert ((discriminator(features) > 0) == is_target.bool()).all()
