"""What a network expects of its images, by its own config or by the user's."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from sfcmt.data.manifest import Normalisation

Triple = tuple[float, float, float]
Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGENET = Normalisation(mean=tuple(255 * value for value in MEAN), std=tuple(255 * value for value in STD))
"""ImageNet's statistics of RGB images of 8 bits."""


class Resize(BaseModel):
    """How an image becomes a square of the model's size."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    interpolation: Interpolation = "bilinear"
    crop: float | None = Field(None, gt=0, le=1)
    """Share of the shorter side that the central square keeps; without one, the whole image is squeezed to a square."""


class ExpectedInput(BaseModel):
    """How the images of a network are made: resized, scaled to its range, normalised, in its order of channels."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    size: int = Field(224, ge=16, le=1024)
    mean: Triple = MEAN
    """In units of `range`, in the order of the channels."""
    std: Triple = STD
    range: Literal[1, 255] = 1
    """The value of a white pixel before normalisation."""
    order: Literal["rgb", "bgr"] = "rgb"
    resize: Resize = Resize()
