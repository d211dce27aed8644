"""Random views of a batch of images, on the device: crop and flip as one affine warp per image.

The random numbers come from a CPU generator, so that a seed gives the same views on every device.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

_ASPECT = 4 / 3


def random_views(count: int, crop: float, flip: bool, generator: torch.Generator) -> Tensor:
    """Affine maps (count, 2, 3): crops of `crop` to 1 of the area, aspect 3/4 to 4/3, mirrored half of the time."""
    random = torch.rand(5, count, generator=generator)
    area = crop + (1 - crop) * random[0]
    stretch = torch.exp((2 * random[1] - 1) * math.log(_ASPECT) / 2) if crop < 1 else torch.ones(count)
    width, height = (area.sqrt() * stretch).clamp(max=1), (area.sqrt() / stretch).clamp(max=1)
    sign = torch.where(random[4] < 0.5, -1.0, 1.0) if flip else torch.ones(count)
    views = torch.zeros(count, 2, 3)
    views[:, 0, 0], views[:, 1, 1] = width * sign, height
    views[:, 0, 2], views[:, 1, 2] = (2 * random[2] - 1) * (1 - width), (2 * random[3] - 1) * (1 - height)
    return views


def apply_views(x_BCHW: Tensor, views_B23: Tensor) -> Tensor:
    """Warp each image by its view; two modalities of one scene given the same views stay aligned."""
    grid = F.affine_grid(views_B23.to(x_BCHW), list(x_BCHW.shape), align_corners=False)
    return F.grid_sample(x_BCHW, grid, padding_mode="reflection", align_corners=False)
