"""Weights in one safetensors file whose header says how to rebuild the network: `sfcmt.load_model(FILE)` does."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from sfcmt.errors import ModelError
from sfcmt.models.export.card import card_of, texts_of
from sfcmt.models.export.formats import FORMATS
from sfcmt.models.export.program import Probabilities
from sfcmt.models.target_model import ModelSpec, TargetModel, unshared


@FORMATS.register("safetensors")
class Safetensors:
    """The card is the metadata of the header; its entry `model` is what `model.json` holds."""

    def require(self) -> None:
        """Needs nothing more."""

    def write(self, model: nn.Module, spec: ModelSpec, path: Path) -> None:
        save_file(unshared(model.state_dict()), path, metadata=texts_of(card_of(spec)))

    def read(self, path: Path) -> Callable[[Tensor], Tensor]:
        return Probabilities(rebuilt(path))


def rebuilt(path: Path, run_code: bool = True) -> TargetModel:
    """The model of an exported file, in evaluation mode on the CPU. Raises `ModelError`, as `TargetModel.load`."""
    try:
        with safe_open(path, "pt") as file:
            spec = file.metadata()["model"]
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: holds no model that sfcmt has exported ({error})") from error
    with tempfile.TemporaryDirectory() as folder:  # as `TargetModel.save` would have left it
        (Path(folder) / "model.json").write_text(spec, encoding="utf-8")
        (Path(folder) / "model.safetensors").symlink_to(path.resolve())
        try:
            return TargetModel.load(Path(folder), run_code)
        except ModelError as error:
            raise ModelError(str(error).replace(folder, str(path))) from error
