"""What a model, and the pool that it was picked from, say of each target image: kept with every version.

Shapes: N target images in the order of their file, K classes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from sfcmt.ensemble import mean_probabilities
from sfcmt.outputs import Outputs
from sfcmt.reports.registry.errors import RegistryError

FILE = "predictions.safetensors"


@dataclass(frozen=True)
class Predictions:
    """The model's logits (N, K), and its pool's mean probabilities (N, K)."""

    logits: Tensor
    ensemble: Tensor

    def save(self, folder: Path) -> None:
        """Write `predictions.safetensors` into `folder`."""
        save_file(asdict(self), folder / FILE)

    @staticmethod
    def load(folder: Path) -> Predictions:
        """Read what `save` wrote. Raises `RegistryError`."""
        try:
            return Predictions(**load_file(folder / FILE))
        except (OSError, SafetensorError, TypeError) as error:
            raise RegistryError(f"{folder / FILE}: not the predictions of a version ({error})") from error


def predictions_of(model: Outputs, pool: Iterable[Outputs]) -> Predictions:
    """The predictions of one model of a pool, whose outputs may come one by one."""
    return Predictions(model.target_logits.contiguous(), mean_probabilities(pool).float())
