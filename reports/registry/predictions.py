"""What a model says of each target image: kept with every version.

Shapes: N target images in the order of their file, K classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from sfcmt.reports.registry.errors import RegistryError

FILE = "predictions.safetensors"


@dataclass(frozen=True)
class Predictions:
    """The model's logits (N, K)."""

    logits: Tensor

    def save(self, folder: Path) -> None:
        """Write `predictions.safetensors` into `folder`."""
        save_file({"logits": self.logits.contiguous()}, folder / FILE)

    @staticmethod
    def load(folder: Path) -> Predictions:
        """Read what `save` wrote. Raises `RegistryError`."""
        try:
            return Predictions(load_file(folder / FILE)["logits"])
        except (OSError, SafetensorError, KeyError) as error:
            raise RegistryError(f"{folder / FILE}: not the predictions of a version ({error})") from error
