"""The discriminator D of TGMB: does a feature come from a TI or a TR target image?"""

from __future__ import annotations

from torch import Tensor, nn


class Discriminator(nn.Module):
    """Two hidden layers on D features, one logit out (Ganin et al. 2016)."""

    def __init__(self, features: int, width: int = 128) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(features, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2)
        )
        self.out = nn.Linear(width, 1)

    def forward(self, features_BD: Tensor) -> Tensor:
        """(B, D) -> (B,) logits, positive for TR target."""
        return self.out(self.layers(features_BD)).squeeze(1)  # type: ignore[no-any-return]
