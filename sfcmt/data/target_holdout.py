"""Which target images are held out of adaptation: whole frames, so that no image of a place that is learned from."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sfcmt.data.dataset import Dataset, holdout_mask
from sfcmt.data.schema import Public, Split
from sfcmt.errors import DataError


def held_out(dataset: Dataset, fraction: float) -> NDArray[np.bool_]:
    """True for the target rows (N,) of about `fraction` of the frames, the same in every run.

    Raises `DataError` where frames are not known, or all images are of one.
    """
    if not fraction:
        return np.zeros(dataset.manifest.entry(Split.TARGET).rows, dtype=np.bool_)
    frames_digest(dataset)  # raises
    frames = dataset.frames(Split.TARGET)
    assert frames is not None
    mask = holdout_mask(pa.chunked_array([frames.astype(str)]), fraction)
    if not mask.any():
        raise DataError(f"{dataset.folder}: all target images are of one frame, so data.target_holdout keeps none out")
    return mask


def frames_digest(dataset: Dataset) -> str:
    """Digest of which target rows are of one frame. Raises `DataError` where that is not known."""
    if Public.FRAMES not in dataset.manifest.public:
        reason = "does not say which target images are of one frame, which data.target_holdout needs"
        raise DataError(f"{dataset.folder}: {reason}: an earlier release imported it; import it again")
    return dataset.manifest.entry(Public.FRAMES).sha256
