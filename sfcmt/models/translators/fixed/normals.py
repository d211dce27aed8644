"""Surface normals of depth, in the usual colours: red is right, green is up, blue is towards the camera."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from sfcmt.models.fixed_translator import DepthTranslator
from sfcmt.models.translators.fixed import FIXED

_FOCAL = 0.9
"""Focal length in widths of an image: about that of structured-light sensors."""
_WINDOW = 5


@FIXED.register("normals")
class Normals(DepthTranslator):
    """T(d) = 255 (n + 1) / 2 by the source's statistics, with n the unit vector along (f d_u / d, -f d_v / d, 1).

    The normal under weak perspective, seen from the front: no unit of depth matters. Derivatives are central
    differences of log depth, which is averaged over the known pixels of a small window. Views mirror the image only:
    the red of a mirrored wall stays what it was.
    """

    def translate(self, x_B1HW: Tensor, known_B1HW: Tensor) -> Tensor:
        """Distances (B, 1, H, W) -> (B, 3, H, W)."""
        height, width = x_B1HW.shape[2:]
        log = F.pad(_smooth(x_B1HW / self.standardise.mean, known_B1HW).log(), (1, 1, 1, 1), mode="replicate")
        right = _FOCAL * width * (log[..., 1:-1, 2:] - log[..., 1:-1, :-2]) / 2
        down = _FOCAL * height * (log[..., 2:, 1:-1] - log[..., :-2, 1:-1]) / 2
        normal = F.normalize(torch.cat([right, -down, torch.ones_like(right)], dim=1), dim=1)
        colours: Tensor = self.colours(255 * (normal + 1) / 2)
        return colours


def _smooth(x_B1HW: Tensor, known_B1HW: Tensor) -> Tensor:
    """Means over the known pixels of a window, 1 where there is none: all neighbours of a known pixel have one."""
    share = _mean(known_B1HW.float())
    return torch.where(share > 0, _mean(torch.where(known_B1HW, x_B1HW, 0.0)) / share.clamp(min=1e-6), 1.0)


def _mean(x_B1HW: Tensor) -> Tensor:
    return F.avg_pool2d(x_B1HW, _WINDOW, stride=1, padding=_WINDOW // 2)
