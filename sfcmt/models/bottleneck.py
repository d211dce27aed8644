"""Backbone -> bottleneck -> head: the network of SHOT, SOCKET and TGKT, for source models that are trained here."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from sfcmt.models.backbones import sized_backbone
from sfcmt.models.classifier import Classifier

BOTTLENECK = 256


class BottleneckClassifier(Classifier):
    """F = backbone, Linear(256) and BatchNorm1d; C = weight-normalised linear (SHOT, Liang et al. 2020, section 3)."""

    width = BOTTLENECK

    def __init__(self, backbone: str, classes: int, pretrained: bool = False, size: int = 96) -> None:
        """`size` is that of the images in pixels, for backbones that are made for one."""
        super().__init__()
        self.backbone, width = sized_backbone(backbone, size, pretrained)
        self.bottleneck = nn.Sequential(nn.Linear(width, BOTTLENECK), nn.BatchNorm1d(BOTTLENECK))
        self.head = weight_norm(nn.Linear(BOTTLENECK, classes))

    def features(self, x_BCHW: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, 256)."""
        return self.bottleneck(self.backbone(x_BCHW))  # type: ignore[no-any-return]

    def new_parameters(self) -> list[nn.Parameter]:
        """Bottleneck and head."""
        return [*self.bottleneck.parameters(), *super().new_parameters()]
