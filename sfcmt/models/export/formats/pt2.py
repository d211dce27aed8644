"""An exported program of PyTorch's: `torch.export.load(FILE).module()` runs it, with torch alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from sfcmt.models.export.card import card_of
from sfcmt.models.export.formats import FORMATS
from sfcmt.models.export.program import program_of
from sfcmt.models.target_model import ModelSpec

CARD = "card.json"


@FORMATS.register("pt2")
class Pt2:
    """The card is the extra file `card.json` of the archive."""

    def require(self) -> None:
        """Needs nothing but torch."""

    def write(self, model: nn.Module, spec: ModelSpec, path: Path) -> None:
        torch.export.save(program_of(model, spec), path, extra_files={CARD: json.dumps(card_of(spec), indent=2)})

    def read(self, path: Path) -> Callable[[Tensor], Tensor]:
        return cast("Callable[[Tensor], Tensor]", torch.export.load(path).module())
