"""What is audited: models, by what they say of the target images, and these images."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sfcmt.data.dataset import Dataset
from sfcmt.data.schema import Split
from sfcmt.identity import digest
from sfcmt.store import Store

if TYPE_CHECKING:
    from torch import Tensor


LEFT_OUT = "left_out"
"""In a record: the number of images whose labels have chosen among the models."""


@dataclass(frozen=True, eq=False)
class AuditedModel:
    """A model, by its logits (N, K) on the target images that may be drawn, in the order of their file."""

    name: str
    """What people call it."""
    transfer: str
    """Identity of the stage that made it."""
    logits: Tensor

    @cached_property
    def predictions(self) -> NDArray[np.int64]:
        """The class that it gives to each image."""
        predicted_N: NDArray[np.int64] = self.logits.argmax(dim=1).numpy()
        return predicted_N

    @property
    def document(self) -> dict[str, str]:
        """What a record says of it."""
        said = hashlib.sha256(self.predictions.astype("<i8").tobytes()).hexdigest()
        return {"name": self.name, "transfer": self.transfer, "predictions": said}


@dataclass(frozen=True, eq=False)
class Audited:
    """Models of one store on the target images of one data set; the first is the one that is asked about."""

    models: Sequence[AuditedModel]
    dataset: Dataset
    store: Store
    rows: NDArray[np.int64]
    """Of the target images that may be drawn (N,); labels of the others have chosen among the models."""

    @cached_property
    def identity(self) -> str:
        """Digest of what is audited: images, classes and predictions, whatever a user calls the models, or first."""
        models = sorted([model.document["transfer"], model.document["predictions"]] for model in self.models)
        left_out = [sorted(set(self._all_ids) - set(self.ids))] if self.left_out else []
        return digest([self.dataset.digest(Split.TARGET), models, *left_out])

    @cached_property
    def _all_ids(self) -> list[str]:
        ids: list[str] = self.dataset.columns(Split.TARGET, "id")["id"].to_pylist()
        return ids

    @cached_property
    def ids(self) -> list[str]:
        """Of the images that may be drawn, in the order of their file."""
        return [self._all_ids[row] for row in self.rows]

    @property
    def left_out(self) -> int:
        """How many of the target images may not be drawn."""
        return len(self._all_ids) - len(self.rows)

    @property
    def seed(self) -> int:
        """Of the draw: it follows from what is audited."""
        return int(self.identity[:15], 16)

    @property
    def frames(self) -> NDArray[np.int64] | None:
        """The frame that each image was cut from, where that is known."""
        frames = self.dataset.frames(Split.TARGET)
        return None if frames is None else frames[self.rows]

    def in_order(self, transfers: Sequence[str]) -> Audited:
        """The same models in another order."""
        models = {model.transfer: model for model in self.models}
        return replace(self, models=[models[one] for one in transfers])

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of the logits."""
        return self.dataset.classes

    @property
    def document(self) -> dict[str, Any]:
        """What a record says of it."""
        data = {
            "name": self.dataset.manifest.name,
            "target": self.dataset.digest(Split.TARGET),
            "images": len(self.ids),
        } | ({LEFT_OUT: self.left_out} if self.left_out else {})
        models = [model.document for model in self.models]
        return {"audited": self.identity, "models": models, "data": data, "classes": [*self.classes]}
