"""What a model said of the images that it was adapted to: kept with a registered version, or in a stage's folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from sfcmt.artifact import RECORD, Artifact
from sfcmt.data.dataset import Dataset
from sfcmt.data.schema import Split
from sfcmt.errors import DataError, ModelError
from sfcmt.outputs import LOGITS, Outputs
from sfcmt.reports.drift.said import Places, Said
from sfcmt.reports.registry.predictions import FILE as PREDICTIONS
from sfcmt.reports.registry.predictions import Predictions

FILE = "adapted_to.safetensors"
_FORMAT = "1"


def reference_of(outputs: Outputs, frames_N: Places | None) -> Said:
    """Of images that a model has learned from, `frames_N` being those of all target images; at most a few thousand."""
    adapted = outputs.adapted_to
    if frames_N is not None and outputs.held_out is not None:
        frames_N = frames_N[~outputs.held_out.numpy()]
    return Said.of(adapted.target_features.numpy(), adapted.target_logits.numpy(), frames_N).compact()


def save_reference(said: Said, folder: Path) -> None:
    """Write `adapted_to.safetensors` into a model's folder."""
    assert said.features_ND is not None
    tensors = {
        "features": torch.from_numpy(said.features_ND).float(),
        "probabilities": torch.from_numpy(said.probabilities_NK).float(),
        "frames": torch.from_numpy(np.asarray(said.frames_N, dtype=np.int64)),
    }
    save_file(tensors, folder / FILE, {"format": _FORMAT, "has_frames": str(said.has_frames)})


def find_reference(folder: Path, place: str, dataset: Dataset | None) -> Said:
    """What there is with the model in a folder, which users call `place`: of old versions, predictions only.

    `dataset` is what a stage was adapted to, for its frames. Raises `ModelError`, `DataError`.
    """
    if (folder / FILE).is_file():
        return _saved(folder / FILE)
    if (folder / RECORD).is_file() and (folder / LOGITS).is_file():
        return reference_of(Outputs.load(folder), _frames(folder, dataset))
    if (folder / PREDICTIONS).is_file():
        return Said.of(None, Predictions.load(folder).logits.numpy(), None)
    raise ModelError(f"{place}: holds nothing of the images that it was adapted to; name a stage or a registered model")


def _saved(path: Path) -> Said:
    try:
        with safe_open(path, "pt") as file:
            notes = file.metadata() or {}
            if notes.get("format") != _FORMAT:
                raise ModelError(f"{path}: of format {notes.get('format')}; this release reads {_FORMAT}")
            features, probabilities, frames = (
                file.get_tensor(name).numpy() for name in ("features", "probabilities", "frames")
            )
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: not what a model said of its images ({error})") from error
    return Said(features, probabilities, frames, notes["has_frames"] == str(True))


def _frames(folder: Path, dataset: Dataset | None) -> Places | None:
    if dataset is None:
        return None
    recipe = Artifact(folder, reused=True).record["recipe"]
    reads = [split for split in (Split.PAIRS, Split.TARGET) if split in dataset.splits]
    if dataset.digest(*reads) != recipe["data"]["digest"]:
        raise DataError(f"{dataset.folder}: not the data set that {folder} was adapted to (another digest)")
    return dataset.frames(Split.TARGET)
